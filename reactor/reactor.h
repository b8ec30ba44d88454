// The loop of one core: it sleeps in one place for sockets, mailboxes and timers, and hands each
// event to a ReactorHandler. It knows datagrams and frames, and nothing of a DHT. It never blocks
// elsewhere, allocates nothing while it runs, and each of its loops has a maximum. The order of a
// turn is the numbered comment in reactor.cc.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/datagram.h"
#include "reactor/base/instant.h"
#include "reactor/base/source_share.h"
#include "reactor/doorbell.h"
#include "reactor/io_counters.h"
#include "reactor/io_error.h"
#include "reactor/mailbox.h"
#include "reactor/monotonic.h"
#include "reactor/sockets.h"
#include "reactor/udp_backend.h"

namespace xord {

// A part of a turn, to report what a long one spent its time on.
enum class TurnStage : uint8_t { frames, datagrams, timers, end_of_turn, count };
std::string_view name_of(TurnStage stage);

struct Stall {
  Duration turn;          // How long the turn took.
  TurnStage longest;      // The stage that took most of it.
  Duration longest_took;  // How long that stage took.
  uint32_t frames = 0;    // Frames and datagrams handled in the turn.
  uint32_t datagrams = 0;
};

// What runs on the loop. All calls come from the loop's thread, with node time `now`, the same for
// all calls of a turn. `out` has room for ReactorConfig::room_datagrams and room_bytes when a call
// begins (advance() and end_turn() included); its contents are sent at the end of the turn at the
// latest.
class ReactorHandler {
 public:
  virtual ~ReactorHandler() = default;

  // All datagrams that receive() is about to be called with: prefetch memory for them here.
  virtual void fetch_ahead(std::span<const Datagram> /*batch*/) {}
  virtual void receive(Instant now, const Datagram& datagram, Outbox& out) = 0;
  // A frame from the mailbox to which add_mailbox() gave the index `source`; valid during the call.
  virtual void receive_frame(Instant now, uint32_t source, Bytes frame, Outbox& out) = 0;
  // Does what is due. Called when next_wakeup() is not after `now`, and again in the same turn,
  // with fresh room, if something is still due afterwards, at most advances_max times.
  virtual void advance(Instant now, Outbox& out) = 0;
  // The end of each turn: push the turn's frames to other threads and publish them here.
  virtual void end_turn(Instant now, Outbox& out) = 0;
  // When to call advance() next, at the latest; empty: not before something arrives. Called several
  // times a turn, so it must be cheap.
  virtual std::optional<Instant> next_wakeup() const = 0;
  // A turn took longer than ReactorConfig::stall_threshold.
  virtual void stalled(const Stall& /*stall*/) {}
};

struct ReactorConfig {
  IoChoice io = IoChoice::automatic;
  BackendOptions backend = {};
  uint32_t outbox_datagrams = 256;
  uint32_t outbox_bytes = 512 * 1024;
  // What one call of the handler may need; the loop flushes the outbox before a call if it has
  // less.
  uint32_t room_datagrams = 8;
  uint32_t room_bytes = 4 * datagram_bytes_max;
  uint32_t frames_max = 256;   // From one mailbox in one turn.
  uint32_t advances_max = 16;  // In one turn.
  Duration stall_threshold = milliseconds(100);
};

class Reactor {
 public:
  // Creates the loop of one shard, on any thread; run() may be on another. Allocates all it will
  // ever use. The error's sentence says what to do.
  [[nodiscard]] static std::optional<IoError> create(const ReactorConfig& config,
                                                     ShardSockets sockets, NodeClock clock,
                                                     std::unique_ptr<Reactor>* out);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // The doorbell of this loop, for the Mailbox of any thread that sends it frames.
  Doorbell& doorbell() { return doorbell_; }
  // Frames of `mailbox` reach the handler with the index returned. Before run() only; `mailbox`
  // outlives the loop.
  uint32_t add_mailbox(Mailbox& mailbox);

  const ShardSockets& sockets() const { return sockets_; }
  std::string_view backend_name() const { return chosen_.backend->name(); }  // "uring", "epoll"
  // Not empty: io_uring was refused, and why.
  const std::string& fallback_because() const { return chosen_.fallback_because; }
  const IoCounters& counters() const { return counters_; }
  const Histograms<IoHistogram>& histograms() const { return histograms_; }

  // Since when each turn has left datagrams in the kernel, more than it could take; empty: the last
  // one did not. Of the turn in progress, when the handler asks.
  std::optional<Instant> backlogged_since() const { return backlogged_since_; }
  // From now on the kernel thins out what comes to `socket` (an index of sockets()), as
  // reactor/source_filter.h says; no shares: all passes. On the loop's thread, or before it runs:
  // one system call, which waits for nobody. A refusal is counted, and the socket keeps what it
  // had.
  void filter_sources(uint8_t socket, std::span<const Subnet> kept,
                      std::span<const SourceShare> shares);

  // Runs on the calling thread until request_stop(); call it once. Afterwards the sockets are
  // closed and their port is free. Errors occur only before the first turn.
  [[nodiscard]] std::optional<IoError> run(ReactorHandler& handler);
  // From any thread, at any time, even before run(). The turn in progress is finished and its
  // outbox sent; frames and datagrams not yet taken are dropped.
  void request_stop();

 private:
  class Turn;

  Reactor(const ReactorConfig& config, ShardSockets sockets, NodeClock clock);
  // What the kernel has dropped at a socket, or at each of them, since this was last called.
  void count_kernel_drops(size_t socket);
  void count_kernel_drops();

  ReactorConfig config_;
  ShardSockets sockets_;
  NodeClock clock_;
  Doorbell doorbell_;
  IoCounters counters_;
  Histograms<IoHistogram> histograms_;
  ChosenBackend chosen_;  // Borrows sockets_, doorbell_ and counters_.
  Outbox outbox_;
  std::vector<Mailbox*> mailboxes_;
  std::array<bool, listens_max> is_filtered_{};  // By socket.
  std::optional<Instant> backlogged_since_;
  bool is_running_ = false;  // Or has run.
  std::atomic<bool> stop_requested_{false};
};

}  // namespace xord
