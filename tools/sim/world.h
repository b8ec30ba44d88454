// World: a whole network in one thread on virtual time. It owns time, hosts, the network between
// them and the one queue of events. A turn takes the earliest event, lets one host act, and hands
// what it sends to the network. Equal options give equal runs, which digest() shows. Faults are
// decided in faults.h, and what is correct in checkers.h.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "node/contact_book.h"
#include "node/wire/dialect.h"
#include "reactor/base/check.h"
#include "tools/sim/actor.h"
#include "tools/sim/disk.h"
#include "tools/sim/event_queue.h"
#include "tools/sim/local_clock.h"
#include "tools/sim/network.h"
#include "tools/sim/xord_node.h"

namespace xord::sim {

// A program is a node of the Python library that comes for one get or set. All but `xord` speak
// rpcudp, and only in its worlds.
enum class HostKind : uint8_t { xord, python, program, hostile };
enum class Storage : uint8_t { kept, lost };

struct Host {
  explicit Host(const LocalClock& local_clock) : clock(local_clock) {}

  Endpoint endpoint;
  HostKind kind{};
  Id id;
  LocalClock clock;
  std::unique_ptr<Actor> actor;  // Null while it is down.
  XordNode* node = nullptr;      // The actor, if it is a xord node.
  std::unique_ptr<Disk> disk;
  std::unique_ptr<XordConfig> config;  // Replaces the world's, unless null.
  uint32_t shards = 1;
  bool is_public = true;  // Not behind a NAT.
  uint32_t runs = 0;
  uint32_t arriving = 0;  // Datagrams in transit to it.
  Instant began;          // Start of the current run, in world time.
  Instant wake_at;        // The wake event that is valid, in world time.
  // A stall: until then the host does nothing, and datagrams wait, up to a socket buffer's worth.
  Instant stalled_until;
  std::deque<uint32_t> backlog;
  // What the last run saved, and the error of the wall clock.
  Instant saved_local;
  Instant saved_wall;
  Duration wall_error;
  std::vector<std::pair<Contact, Duration>> saved_contacts;

  bool is_up() const { return actor != nullptr; }
};

struct WorldOptions {
  uint64_t seed = 1;
  const Dialect* dialect = nullptr;  // Borrowed: what every host speaks. Not null.
  NetworkOptions network;
  XordConfig xord;               // For every xord node, except that `shards` is the host's own.
  uint32_t contacts_max = 4096;  // Size of the book that all nodes share.
};

// An observer of the world. Calls come in the order of events.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // `host` acts now, because of `datagram` if it is not null.
  virtual void turn_begins(uint32_t host, const Datagram* datagram) = 0;
  virtual void sent(uint32_t host, const Endpoint& to, Bytes bytes) = 0;
  virtual void turn_ends(uint32_t host) = 0;
  virtual void finished(uint32_t host, const OperationResult& result, Bytes tail) = 0;
  virtual void went_down(uint32_t host, Storage storage) = 0;
};

class World : public Surroundings {
 public:
  explicit World(const WorldOptions& options);
  ~World() override;

  // --- Hosts. A new host is down.
  uint32_t add_host(HostKind kind, const Endpoint& endpoint, uint32_t shards, int32_t drift_ppm,
                    bool is_behind_nat = false);
  // Starts the node of a xord host, under its id, with what its disk and its saved files hold.
  void start(uint32_t host);
  void start(uint32_t host, std::unique_ptr<Actor> actor);
  void crash(uint32_t host, Storage storage);
  void stall(uint32_t host, Duration length);
  void leap_clock(uint32_t host, Duration forward);
  Host& host(uint32_t index) {
    DCHECK(index < hosts_.size());
    return hosts_[index];
  }
  const Host& host(uint32_t index) const {
    DCHECK(index < hosts_.size());
    return hosts_[index];
  }
  const XordConfig& config_of(uint32_t index) const {
    DCHECK(index < hosts_.size());
    const Host& host = hosts_[index];
    return host.config != nullptr ? *host.config : options_.xord;
  }
  const Dialect& dialect() const { return *options_.dialect; }
  uint32_t hosts_count() const { return static_cast<uint32_t>(hosts_.size()); }
  std::optional<uint32_t> host_at(const Endpoint& endpoint) const;
  Instant local_now(uint32_t host) const {
    DCHECK(host < hosts_.size());
    return hosts_[host].clock.local(now_);
  }
  Network& network() { return network_; }
  Rng rng(std::string_view concern) const { return rng_.split(concern); }

  // Calls `body(Actor&, Instant local)` on the host now. It must be up.
  template <class Body>
  void act(uint32_t host, Body&& body) {
    begin_turn(host, nullptr);
    body(*hosts_[host].actor, local_now(host));
    end_turn(host);
  }
  // Sends a datagram with any source, forged or not.
  void send_as(uint32_t host, const Endpoint& from, const Endpoint& to, Bytes bytes);

  // --- Time.
  Instant now() const { return now_; }
  // Calls `deed` at that time.
  void plan(Instant at, std::function<void()> deed);
  void plan(Duration after, std::function<void()> deed) { plan(now_ + after, std::move(deed)); }
  // Calls `deed` again and again until it returns false, at exponential intervals of this mean that
  // it draws from `rng`; never, if the mean is 0. `rng` outlives the world's last run.
  void repeat(Rng& rng, Duration mean, std::function<bool()> deed);
  // Runs until no event is left before `until`, or stop() is called.
  void run_until(Instant until);
  void run_for(Duration duration) { run_until(now_ + duration); }
  void stop() { is_stopped_ = true; }

  void add_watcher(Watcher& watcher) { watchers_.push_back(&watcher); }
  uint64_t digest() const { return digest_; }
  uint64_t datagrams_sent() const { return datagrams_sent_; }
  uint64_t bytes_sent() const { return bytes_sent_; }
  uint64_t events_done() const { return events_done_; }
  const WorldOptions& options() const { return options_; }
  // Aborts if hosts, their backlogs and the datagrams in transit contradict each other. Not during
  // a turn.
  void check_invariants() const;

  // --- Surroundings.
  void send(uint32_t host, const Endpoint& to, Bytes bytes) override;
  void finished(uint32_t host, const OperationResult& result, Bytes tail) override;

 private:
  struct Flying {
    Endpoint from;
    uint32_t from_host = 0;
    bool is_forged = false;
    std::vector<uint8_t> bytes;
  };
  struct EndpointHasher {
    size_t operator()(const Endpoint& endpoint) const;
  };

  void begin_turn(uint32_t host, const Datagram* datagram);
  void end_turn(uint32_t host);
  void arm(uint32_t host);
  void arrive(uint32_t host, uint32_t flying);
  void receive(uint32_t host, uint32_t flying);
  void wake(uint32_t host, Instant at);
  Instant start_time_of(const Host& host) const;

  WorldOptions options_;
  Rng rng_;
  Instant now_;
  ContactBook book_;
  Workbench bench_;
  Network network_;
  EventQueue queue_;
  std::deque<Host> hosts_;
  std::unordered_map<Endpoint, uint32_t, EndpointHasher> by_endpoint_;
  std::vector<Flying> flying_;
  std::vector<uint32_t> flying_free_;
  std::vector<std::function<void()>> deeds_;
  std::vector<uint32_t> deeds_free_;
  std::vector<Watcher*> watchers_;
  std::optional<uint32_t> acting_;  // The host whose turn it is.
  bool is_stopped_ = false;
  uint64_t digest_ = 0;
  uint64_t datagrams_sent_ = 0;
  uint64_t bytes_sent_ = 0;
  uint64_t events_done_ = 0;
};

}  // namespace xord::sim
