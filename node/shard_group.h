// The shards of one node in the caller's thread, for the simulator and the tests: what reactors and
// mailboxes do in production. A message between shards arrives at once and in order, as through a
// mailbox that is never full.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "node/node_shard.h"
#include "reactor/base/check.h"

namespace xord {

class ShardGroup {
 public:
  // Shards are added in the order of NodeConfig::shard, before the first call of run().
  void add(const NodeShardConfig& config, Rng rng, ContactBook& book, Instant start) {
    CHECK(config.node.shard == shards_.size());
    shards_.push_back(std::make_unique<NodeShard>(config, rng, book, start));
  }

  uint32_t count() const { return static_cast<uint32_t>(shards_.size()); }
  NodeShard& operator[](uint32_t shard) { return *shards_[shard]; }
  const NodeShard& operator[](uint32_t shard) const { return *shards_[shard]; }
  NodeShard& owner(const Id& key) { return *shards_[shard_of(key, count())]; }

  // Calls body(Node&, Outputs&) for `shard`, then delivers messages until none is left. After each
  // call of a node, collect(shard) must take and clear the other three outboxes of `out`.
  template <class Body, class Collect>
  void run(Instant now, uint32_t shard, Outputs& out, Body&& body, Collect&& collect) {
    body(shards_[shard]->node, out);
    take_messages(shard, out.messages);
    collect(shard);
    while (!messages_.empty()) {
      const Message message = std::move(messages_.front());
      messages_.pop_front();
      shards_[message.to]->node.deliver(now, static_cast<ShardIndex>(message.from), message.frame,
                                        out);
      take_messages(message.to, out.messages);
      collect(message.to);
    }
  }

  std::optional<Instant> next_wakeup() const {
    std::optional<Instant> next;
    for (const auto& shard : shards_) next = earlier(next, shard->node.next_wakeup());
    return next;
  }
  // Summed over the shards.
  uint64_t counted(NodeCounter which) const {
    uint64_t sum = 0;
    for (const auto& shard : shards_) sum += shard->node.counters().node.read(which);
    return sum;
  }
  uint64_t counted(NodeSum which) const {
    uint64_t sum = 0;
    for (const auto& shard : shards_) sum += shard->node.counters().sum(which);
    return sum;
  }

 private:
  struct Message {
    uint32_t from;
    uint32_t to;
    std::vector<uint8_t> frame;
  };

  void take_messages(uint32_t from, FrameOutbox& outbox) {
    for (const FrameOutbox::Entry& entry : outbox.entries()) {
      CHECK(entry.to < shards_.size() && entry.to != from);
      const Bytes frame = outbox.bytes(entry);
      messages_.push_back({from, entry.to, {frame.begin(), frame.end()}});
    }
    outbox.clear();
  }

  std::vector<std::unique_ptr<NodeShard>> shards_;
  std::deque<Message> messages_;
};

}  // namespace xord
