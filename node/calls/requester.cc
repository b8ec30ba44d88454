#include "node/calls/requester.h"

#include "reactor/base/check.h"

namespace xord {

Requester::Requester(const NodeContext& node, Instant start)
    : node_(node),
      round_trips_(node.config.budget.round_trips, node.secrets.hash_seed),
      in_flight_(node.link.self(), node.config.budget.requests_in_flight(),
                 node.secrets.transactions, start, node.dialect.traits().transaction_bytes,
                 node.link.shards()),
      cookies_(node.link.self(), node.secrets.transactions, node.dialect.traits().transaction_bytes,
               node.link.shards()),
      inbound_(node) {}

bool Requester::send(const Turn& turn, Call call, const Ask& ask, const LocalAddress& local) {
  call.method = ask.method;
  const MutableBytes buffer = turn.out.datagrams.reserve(node_.dialect.request_size_max(ask));
  if (buffer.empty()) {
    node_.count(NodeCounter::outbox_full);
    return false;
  }
  const auto transaction = in_flight_.open(turn.now, call, round_trips_.timeout(call.to));
  if (!transaction) {
    count(call, CallOutcome::no_slot);
    return false;
  }
  commit(turn, buffer, *transaction, call.to, ask, local);
  node_.count(NodeCounter::calls_sent);
  inbound_.called(turn, call.to);
  return true;
}

bool Requester::ping_stranger(const Turn& turn, const Endpoint& to, const LocalAddress& local) {
  const MutableBytes buffer = turn.out.datagrams.reserve(node_.dialect.traits().ping_size);
  if (buffer.empty()) {
    node_.count(NodeCounter::outbox_full);
    return false;
  }
  commit(turn, buffer, cookies_.transaction(turn.now, to), to, {Method::ping}, local);
  node_.count(NodeCounter::pings_of_strangers);
  return true;
}

void Requester::commit(const Turn& turn, MutableBytes buffer, const Transaction& transaction,
                       const Endpoint& to, const Ask& ask, const LocalAddress& local) {
  const size_t size = node_.dialect.encode_request(
      buffer, Bytes(transaction).first(in_flight_.transaction_bytes()), node_.self, ask);
  CHECK(size > 0 && size <= buffer.size());
  Path path{to, local};
  if (local.socket == LocalAddress::any_socket) {
    path.local.socket = to.is_ipv4() ? node_.config.ipv4_socket : node_.config.ipv6_socket;
  }
  turn.out.datagrams.commit(path, size);
}

bool Requester::repeat_ping(const Turn& turn, const Call& call) {
  CHECK(call.method == Method::ping);
  if (call.attempt > 0) return false;
  Call again = call;
  again.attempt = 1;
  if (!send(turn, again, {Method::ping})) return false;
  node_.count(NodeCounter::calls_repeated);
  return true;
}

std::optional<ShardIndex> Requester::other_shard_of(Bytes transaction) const {
  const auto shard = in_flight_.shard_of(transaction);
  return shard && node_.link.is_other(*shard) ? shard : std::nullopt;
}

std::optional<Outcome> Requester::receive(const Turn& turn, const Datagram& datagram,
                                          Reply* reply) {
  const Bytes transaction = node_.dialect.transaction_of(datagram.bytes);
  if (const auto other = other_shard_of(transaction)) {
    node_.link.forward(turn, *other, datagram);
    return std::nullopt;
  }
  const Match match = in_flight_.match(turn.now, transaction, datagram.path.remote);
  if (match.result != MatchResult::answered) {
    if (cookies_.is_valid(turn.now, transaction, datagram.path.remote)) {
      return receive_cookie(datagram, reply);
    }
    if (match.result == MatchResult::unknown) {
      node_.count(NodeCounter::replies_unknown);
    } else {
      count(match.call, CallOutcome::wrong_source);
    }
    return std::nullopt;
  }
  node_.count(NodeCounter::replies_matched);
  const ParseError error = node_.dialect.read_reply(datagram.bytes, match.call.method, reply);
  if (error != ParseError::none) {
    node_.counters.malformed.add(error);
    count(match.call, CallOutcome::malformed);
    return Outcome{Outcome::Kind::malformed, match.call, {}, false, nullptr};
  }
  count(match.call, CallOutcome::answered);
  node_.counters.histograms.observe(NodeHistogram::call_duration_seconds, match.round_trip);
  DCHECK(reply->contacts_count <= reply->contacts.size());
  return Outcome{Outcome::Kind::answered, match.call, match.round_trip, match.came_back, reply};
}

std::optional<Outcome> Requester::receive_cookie(const Datagram& datagram, Reply* reply) {
  node_.count(NodeCounter::replies_matched);
  const ParseError error = node_.dialect.read_reply(datagram.bytes, Method::ping, reply);
  if (error != ParseError::none) {
    node_.counters.malformed.add(error);
    return std::nullopt;
  }
  DCHECK(reply->contacts_count <= reply->contacts.size());
  Outcome outcome;
  outcome.kind = Outcome::Kind::answered;
  outcome.call.purpose = Purpose::admission;
  outcome.call.method = Method::ping;
  outcome.call.to = datagram.path.remote;
  outcome.reply = reply;
  outcome.is_by_cookie = true;
  return outcome;
}

}  // namespace xord
