// From one shard of a node to the others: fills in the fields that every message begins with, and
// counts messages that find no room. The frames are declared where they belong: contacts in
// node/routing/contact_messages.h, regions in node/replication/region_messages.h.
#pragma once

#include <cstdint>

#include "node/counters.h"
#include "node/shard_message.h"
#include "node/turn.h"
#include "reactor/base/check.h"

namespace xord {

class ShardLink {
 public:
  // `counters` is borrowed.
  ShardLink(NetworkIndex network, ShardIndex self, uint32_t shards, NodeCounters& counters)
      : network_(network), self_(self), shards_(shards), counters_(counters) {}

  ShardIndex self() const { return self_; }
  uint32_t shards() const { return shards_; }
  // Whether `shard` is another shard of this node.
  bool is_other(ShardIndex shard) const { return shard != self_ && shard < shards_; }

  // False when the outbox has no room: counted, and not sent.
  template <class Message>
  bool tell(const Turn& turn, ShardIndex shard, Message message, Bytes tail = {}) const {
    message.message = {Message::kind, network_};
    if (turn.out.messages.push(shard, message, tail)) return true;
    counters_.node.add(NodeCounter::messages_dropped);
    return false;
  }
  // Sends `message` to each of the others, as far as there is room.
  template <class Message>
  bool tell_others(const Turn& turn, const Message& message) const {
    bool is_sent = true;
    for (uint32_t shard = 0; shard < shards_; ++shard) {
      if (shard != self_) is_sent &= tell(turn, static_cast<ShardIndex>(shard), message);
    }
    return is_sent;
  }
  // Forwards a datagram that another shard must handle.
  void forward(const Turn& turn, ShardIndex shard, const Datagram& datagram) const {
    DCHECK(is_other(shard));
    counters_.node.add(NodeCounter::forwarded);
    tell(turn, shard, DatagramMessage{{}, datagram.path}, datagram.bytes);
  }

 private:
  const NetworkIndex network_;
  const ShardIndex self_;
  const uint32_t shards_;
  NodeCounters& counters_;
};

}  // namespace xord
