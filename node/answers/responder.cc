#include "node/answers/responder.h"

#include <utility>

#include "reactor/base/check.h"

namespace xord {
namespace {

NodeCounter counter_of(Method method) {
  DCHECK(method < Method::count);  // The dialect has no others.
  switch (method) {
    case Method::ping:
      return NodeCounter::requests_ping;
    case Method::stun:
      return NodeCounter::requests_stun;
    case Method::store:
      return NodeCounter::requests_store;
    case Method::find_node:
      return NodeCounter::requests_find_node;
    case Method::find_value:
    case Method::count:
      break;
  }
  return NodeCounter::requests_find_value;
}

bool is_for_a_record(Method method) {
  return method == Method::store || method == Method::find_value;
}

}  // namespace

Responder::Responder(const NodeContext& node, Requester& requester, Contacts& contacts,
                     Replies& replies, NamedAnswers& named, RecordService& records,
                     OwnIdWatch& own_ids, WorkShares& work, NodeNotices& notices)
    : node_(node),
      requester_(requester),
      contacts_(contacts),
      replies_(replies),
      named_(named),
      records_(records),
      own_ids_(own_ids),
      work_(work),
      notices_(notices),
      held_(node.config.budget, node.dialect.traits().ping_size, node.secrets.hash_seed,
            node.ledger) {}

void Responder::receive(const Turn& turn, const Datagram& datagram) {
  work_.charge(turn.now, datagram.path.remote.address, work_of_datagram);
  Request request;
  const ParseError error = node_.dialect.read_request(datagram.bytes, &request);
  if (error != ParseError::none) {
    node_.counters.malformed.add(error);
    return;
  }
  if (is_for_a_record(request.method) && request.acceptable) {
    const ShardIndex owner = shard_of(request.target, node_.link.shards());
    if (owner != node_.link.self()) return node_.link.forward(turn, owner, datagram);
  }
  node_.count(counter_of(request.method));
  requester_.inbound().asked(turn, datagram.path.remote);
  if (request.sender == node_.self) {
    const bool may_ping = budget_of(datagram).fits(node_.dialect.traits().ping_size);
    if (own_ids_.receive(turn, datagram, request, may_ping)) return;
  }
  if (request.method == Method::ping) {
    answer_ping(turn, datagram, request);
  } else if (admit(turn, datagram, request)) {
    serve(turn, datagram, request, turn.now);
  }
}

void Responder::answer_ping(const Turn& turn, const Datagram& datagram, const Request& request) {
  const bool is_proven = contacts_.is_proven(datagram.path.remote, turn.now);
  if (!is_proven && !budget_of(datagram).fits(node_.dialect.traits().pong_size)) {
    node_.count(NodeCounter::unproven_bounded);
    return;
  }
  replies_.pong(turn, reply_to(datagram, request));
  if (is_proven) contacts_.heard_from(turn, {request.sender, datagram.path.remote});
}

ReplyBudget Responder::budget_of(const Datagram& datagram) const {
  return ReplyBudget::unproven(datagram.bytes.size(), node_.config.amplification_max);
}

bool Responder::admit(const Turn& turn, const Datagram& datagram, const Request& request) {
  const Endpoint& source = datagram.path.remote;
  if (contacts_.is_proven(source, turn.now)) return true;
  if (request.method == Method::stun) {  // Up to 67 bytes for 28.
    node_.count(NodeCounter::stun_unproven);
    return false;
  }
  ReplyBudget budget = budget_of(datagram);
  const HoldResult result = held_.hold(turn.now, datagram, budget);
  // What cannot be held is met with silence: a peer would believe an empty list or `false`.
  node_.count(result.is_held ? NodeCounter::held : NodeCounter::unproven_bounded);
  if (result.displaced > 0) node_.count(NodeCounter::held_displaced, result.displaced);
  if (!result.should_ping) return false;
  // From the address that was asked: a firewall that filters by source lets nothing else in.
  const bool is_sent = requester_.ping_stranger(turn, source, datagram.path.local);
  if (!is_sent && result.is_held) node_.count(NodeCounter::held_dropped, held_.drop(source));
  return false;
}

void Responder::serve(const Turn& turn, const Datagram& datagram, const Request& request,
                      Instant came) {
  switch (request.method) {
    case Method::stun:
      replies_.observed(turn, reply_to(datagram, request));
      return;  // A stun says nothing about its sender.
    case Method::find_node:
      named_.answer(turn, NamedAnswers::question_of(datagram, request, came));
      break;
    case Method::find_value:
      records_.find_value(turn, datagram, request, came);
      break;
    case Method::store:
      work_.charge(turn.now, datagram.path.remote.address, work_of_store);
      records_.store(turn, datagram, request);
      break;
    case Method::ping:
    case Method::count:
      CHECK(false);
      break;
  }
  contacts_.heard_from(turn, {request.sender, datagram.path.remote});
}

void Responder::release(const Turn& turn, const Endpoint& source, std::optional<Purpose> answered) {
  const uint32_t released = held_.release(source, [&](const Datagram& held, Instant came) {
    Request request;
    CHECK(node_.dialect.read_request(held.bytes, &request) == ParseError::none);
    if (answered == Purpose::admission && request.sender != node_.self) {
      tell_first_request(held, request);
    }
    serve(turn, held, request, came);
  });
  if (released > 0) node_.count(NodeCounter::held_released, released);
}

void Responder::tell_first_request(const Datagram& datagram, const Request& request) {
  if (std::exchange(has_told_request_, true)) return;
  NodeNotice notice;
  notice.kind = NoticeKind::first_request;
  notice.method = request.method;
  notice.contact = {request.sender, datagram.path.remote};
  notices_.push(notice);
}

void Responder::advance(Instant now) {
  node_.count(NodeCounter::held_dropped, held_.advance(now));
}

}  // namespace xord
