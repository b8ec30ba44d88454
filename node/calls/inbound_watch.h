// Whether nodes that we did not call reach us. A node behind a NAT or a firewall cannot tell from
// replies, nor from requests of nodes that it called a moment ago: its own datagrams opened the way
// for both. So what counts is a request from a source that we had not called in the five minutes
// before (NodeCounter::inbound_uncalled).
//
// A call and the request that follows it may be on different shards, so each source has a shard
// that knows all calls to it: it is told of the first call that another shard makes in five
// minutes, and is asked about requests. On the datagram path a request costs one comparison: at
// most ten a second are looked at, which is enough, as minutes are what matters. A source counts
// only if its address reaches as far as the farthest that we called: a program on this host says
// nothing about the Internet.
#pragma once

#include "node/calls/called_sources.h"
#include "node/node_context.h"
#include "node/shard_message.h"
#include "node/turn.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

struct SourceCalledMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::source_called;
  ShardMessage message;
  Endpoint source;
};

// A request came from a source that the sender's shard did not call.
struct SourceAskedMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::source_asked;
  ShardMessage message;
  Endpoint source;
};

class InboundWatch {
 public:
  static constexpr Duration pause = milliseconds(100);  // Between requests that are looked at.

  explicit InboundWatch(const NodeContext& node);

  // We send a request to `to`.
  void called(const Turn& turn, const Endpoint& to);
  // A well-formed request came from `source`.
  void asked(const Turn& turn, const Endpoint& source) {
    if (turn.now >= look_at_) look(turn, source);
  }
  // From other shards, about sources whose shard this is.
  void deliver(const Turn& turn, const SourceCalledMessage& message);
  void deliver(const Turn& turn, const SourceAskedMessage& message);

 private:
  void look(const Turn& turn, const Endpoint& source);
  // Whether a request of `source` would say something.
  bool counts(const Turn& turn, const Endpoint& source) const;
  ShardIndex shard_of_source(const Endpoint& source) const;
  void note_reach(const Endpoint& called);

  const NodeContext node_;
  CalledSources sources_;
  Reach farthest_ = Reach::host;  // Of those called since the start.
  Instant look_at_ = Instant::min();
};

}  // namespace xord
