// One shard: a core's loop with everything its thread owns. It is the ReactorHandler that passes
// input (datagrams, frames from other shards, completions of the disk, commands of the admin
// thread) to the node of the right network, and that node's output (datagrams, messages,
// operations, results) to its destination. It never blocks, takes no lock, logs by message, and
// allocates nothing after construction. Every mailbox is bounded; the comment at each route in
// shard.cc says what happens to a frame when it is full.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "node/node_shard.h"
#include "node/server/shards/shard_frames.h"
#include "reactor/base/counters.h"
#include "reactor/base/frames.h"
#include "reactor/reactor.h"
#include "storage/rocks/commit_thread.h"
#include "storage/store.h"

namespace xord {

// What a shard needs to know about one network. It has a list of what it publishes.
struct ShardNetwork {
  NodeShardConfig config;
  uint64_t seed = 0;  // For its node's random stream.
};

struct ShardSetup {
  ShardIndex index = 0;
  std::vector<ShardNetwork> networks;           // By NetworkIndex.
  std::vector<NetworkIndex> network_of_socket;  // By LocalAddress::socket.
  std::vector<Mailbox*> to_shards;              // By shard; null at `index`. This shard produces.
  std::vector<Mailbox*> from_shards;            // Likewise; this shard consumes.
  Mailbox* commands = nullptr;                  // ShardCommand frames, from API callers.
  Mailbox* results = nullptr;  // OperationResult frames. Has room for all calls in progress.
  Mailbox* reports = nullptr;  // ReportKind frames.
  Doorbell* admin = nullptr;   // Rung when `turning` or `drained` is raised, or a change is taken.
};

class Shard final : public ReactorHandler {
 public:
  // Constructed on the starting thread; `reactor`, `commits` and everything that `setup` refers to
  // are borrowed. Registers its mailboxes with the reactor.
  Shard(const ShardSetup& setup, Reactor& reactor, CommitThread& commits, Instant start);
  ~Shard() override;

  // Call it before the loop runs. `age`: how long ago the contact answered. The resulting messages
  // for other shards are passed on at once, by tell(ShardIndex to, Bytes frame), which calls
  // take_message().
  template <class Tell>
  void restore(NetworkIndex network, Instant now, const Contact& contact, Duration age,
               Tell&& tell) {
    restore(network, now, contact, age);
    for (const FrameOutbox::Entry& entry : messages_.entries()) {
      tell(static_cast<ShardIndex>(entry.to), messages_.bytes(entry));
    }
    messages_.clear();
  }
  void take_message(ShardIndex from, Instant now, Bytes frame);

  void fetch_ahead(std::span<const Datagram> batch) override;
  void receive(Instant now, const Datagram& datagram, Outbox& out) override;
  void receive_frame(Instant now, uint32_t source, Bytes frame, Outbox& out) override;
  void advance(Instant now, Outbox& out) override;
  void end_turn(Instant now, Outbox& out) override;
  std::optional<Instant> next_wakeup() const override;
  void stalled(const Stall& stall) override;

  // May be called by any thread, while the shard exists.
  const Counters<ShardCount>& counters() const { return counters_; }
  uint32_t networks_count() const { return static_cast<uint32_t>(networks_.size()); }
  // Contacts of `network` that answer and may be named, as of the last turn.
  uint32_t answerable_count(NetworkIndex network) const;
  const NodeCounters& node_counters(NetworkIndex network) const;
  const Counters<TableRefusal>& table_refusals(NetworkIndex network) const;
  const Counters<StoreCount>& store_counters(NetworkIndex network) const;
  const Counters<StoreCount>& published_counters(NetworkIndex network) const;

 private:
  // One network's state, and how far its contacts have been reported.
  struct Network;

  const Network& network_at(NetworkIndex network) const;
  void restore(NetworkIndex network, Instant now, const Contact& contact, Duration age);
  void deliver(Instant now, ShardIndex from, Bytes frame, Outputs& out);
  void receive_command(Instant now, Bytes frame, Outputs& out);
  void receive_completion(Instant now, Bytes frame, Outputs& out);
  void take_change(Instant now, Bytes address);
  void note_finished_load(const Completion& completion);

  // Moves a node's output to the mailboxes. Called after each call of a node.
  void route();
  void route_messages();
  void route_operations();
  void route_results();
  void fail(const Operation& operation);

  void report_contacts(Instant now);
  bool report_page(Network& network, NetworkIndex index);
  void update_gauges();
  // Tells the nodes how far behind the loop is, and the kernel whom it thins out for them.
  void share_work(Instant now);
  void report_notices();
  // Reports something to be logged; dropped and counted if there is no room.
  template <class Report>
  void report(const Report& report);

  const ShardSetup setup_;
  Reactor& reactor_;
  CommitThread& commits_;
  std::vector<std::unique_ptr<Network>> networks_;

  FrameOutbox messages_;  // Between turns: messages for which a mailbox had no room yet.
  FrameOutbox operations_;
  FrameOutbox results_;
  // Operations refused by a full mailbox, still to be completed as failed: one in each advance().
  std::vector<Completion> failed_;

  uint32_t source_commands_ = 0;  // Indices of mailboxes, as assigned by the reactor.
  uint32_t source_completions_ = 0;
  uint32_t source_shards_ = 0;  // Of the first of from_shards; the others follow in order.

  bool turning_ = false;
  bool draining_ = false;
  Instant turn_at_;                     // The last turn.
  Instant report_at_;                   // When contacts are next compared with those reported.
  Instant log_stalls_at_;               // No stall is logged before.
  std::optional<Instant> messages_at_;  // When waiting messages are tried again.
  Counters<ShardCount> counters_;
};

}  // namespace xord
