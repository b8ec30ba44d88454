#include "node/calls/inbound_watch.h"

#include <algorithm>

#include "node/endpoint_hash.h"
#include "reactor/base/check.h"

namespace xord {

InboundWatch::InboundWatch(const NodeContext& node)
    : node_(node), sources_(node.config.budget.called_bits, node.secrets.hash_seed) {}

void InboundWatch::called(const Turn& turn, const Endpoint& to) {
  note_reach(to);
  if (!sources_.add(to, turn.now)) return;
  const ShardIndex shard = shard_of_source(to);
  if (node_.link.is_other(shard)) node_.link.tell(turn, shard, SourceCalledMessage{{}, to});
}

void InboundWatch::look(const Turn& turn, const Endpoint& source) {
  look_at_ = turn.now + pause;
  if (!counts(turn, source)) return;
  const ShardIndex shard = shard_of_source(source);
  if (node_.link.is_other(shard)) {
    node_.link.tell(turn, shard, SourceAskedMessage{{}, source});
  } else {
    node_.count(NodeCounter::inbound_uncalled);
  }
}

void InboundWatch::deliver(const Turn& turn, const SourceCalledMessage& message) {
  DCHECK(shard_of_source(message.source) == node_.link.self());
  note_reach(message.source);
  sources_.add(message.source, turn.now);
}

// A call that another shard made after the request came may be known here already; then the request
// does not count, and a later one will.
void InboundWatch::deliver(const Turn& turn, const SourceAskedMessage& message) {
  DCHECK(shard_of_source(message.source) == node_.link.self());
  if (counts(turn, message.source)) node_.count(NodeCounter::inbound_uncalled);
}

bool InboundWatch::counts(const Turn& turn, const Endpoint& source) const {
  return source.address.reach() >= farthest_ && !sources_.was_called(source, turn.now);
}

// The seed is the same on all shards; other bits than those of the filters.
ShardIndex InboundWatch::shard_of_source(const Endpoint& source) const {
  const uint64_t hash = endpoint_hash(source, node_.secrets.hash_seed);
  return static_cast<ShardIndex>((hash >> 56) % node_.link.shards());
}

void InboundWatch::note_reach(const Endpoint& called) {
  farthest_ = std::max(farthest_, called.address.reach());
}

}  // namespace xord
