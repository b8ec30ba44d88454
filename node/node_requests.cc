// Requests of others: who may be served, and the answers. Every datagram is handled to its end
// here or kept in a bounded pool; nothing is sent but along the path it came by.
#include <algorithm>

#include "node/endpoint_hash.h"
#include "node/node.h"

namespace xord {
namespace {

NodeCounter counter_of(Method method) {
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

template <class Encode>
void Node::reply(const Path& path, size_t size_max, Encode&& encode, Outputs& out) {
  const MutableBytes buffer = reply_buffer(size_max, out);
  if (buffer.empty()) return;
  const size_t size = encode(buffer);
  if (size > 0) send_reply(path, size, out);
}

MutableBytes Node::reply_buffer(size_t size_max, Outputs& out) {
  const MutableBytes buffer = out.datagrams.reserve(size_max);
  if (buffer.empty()) counters_.node.add(NodeCounter::outbox_full);
  return buffer;
}

void Node::send_reply(const Path& path, size_t size, Outputs& out) {
  out.datagrams.commit(path, size);
  counters_.node.add(NodeCounter::replies_sent);
}

void Node::receive(Instant now, const Datagram& datagram, Outputs& out) {
  // Nobody can be answered at port 0, and the kernel refuses to try.
  if (datagram.path.remote.port == 0) {
    counters_.malformed.add(ParseError::unknown_kind);
  } else if (rpcudp::is_reply(datagram.bytes)) {
    receive_reply(now, datagram, out);
    watch_company(now);
  } else {
    receive_request(now, datagram, out);
  }
  tell_changes(now, out);
}

void Node::fetch_ahead(std::span<const Datagram> batch) const {
  if (batch.size() < 2) return;  // It would be looked at before it is there.
  for (const Datagram& datagram : batch) proven_.fetch_ahead(datagram.path.remote);
  std::array<Id, keys_ahead_max> keys;
  size_t count = 0;
  for (const Datagram& datagram : batch) {
    const auto key = rpcudp::record_key(datagram.bytes);
    if (!key) continue;
    keys[count++] = *key;
    if (count < keys.size()) continue;
    store_.fetch_ahead(keys);
    count = 0;
  }
  store_.fetch_ahead({keys.data(), count});
}

void Node::receive_request(Instant now, const Datagram& datagram, Outputs& out) {
  Request request;
  const ParseError error = rpcudp::parse_request(datagram.bytes, &request);
  if (error != ParseError::none) {
    counters_.malformed.add(error);
    return;
  }
  if (is_for_a_record(request.method) && request.acceptable) {
    const ShardIndex owner = shard_of(request.target, config_.shards);
    if (owner != config_.shard) {
      counters_.node.add(NodeCounter::forwarded);
      tell(owner, DatagramMessage{{}, datagram.path}, out, datagram.bytes);
      return;
    }
  }
  counters_.node.add(counter_of(request.method));
  if (request.sender == self_ && receive_own_id(now, datagram, request, out)) return;
  if (request.method == Method::ping) {
    answer_ping(now, datagram, request, out);
  } else if (admit(now, datagram, request, out)) {
    serve(now, datagram, request, out);
  }
}

// At once and never pinged back: 43 bytes for 50 (DESIGN section 9).
void Node::answer_ping(Instant now, const Datagram& datagram, const Request& request,
                       Outputs& out) {
  const bool is_proven = proven_.is_proven(datagram.path.remote, now);
  const ReplyBudget budget = budget_of(datagram);
  if (!is_proven && !budget.fits(rpcudp::ping_reply_size)) {
    counters_.node.add(NodeCounter::held_refused);
    return;
  }
  reply(
      datagram.path, rpcudp::ping_reply_size,
      [&](MutableBytes buffer) {
        return rpcudp::encode_ping_reply(buffer, request.transaction, self_);
      },
      out);
  if (is_proven) learn(now, {request.sender, datagram.path.remote}, Evidence::queried_us, out);
}

ReplyBudget Node::budget_of(const Datagram& datagram) const {
  return ReplyBudget::unproven(datagram.bytes.size(), config_.amplification_max);
}

bool Node::admit(Instant now, const Datagram& datagram, const Request& request, Outputs& out) {
  const Endpoint& source = datagram.path.remote;
  if (proven_.is_proven(source, now)) return true;
  if (request.method == Method::stun) {  // Up to 67 bytes for 28.
    counters_.node.add(NodeCounter::stun_unproven);
    return false;
  }
  ReplyBudget budget = budget_of(datagram);
  const HoldResult result = held_.hold(now, datagram, budget);
  const bool is_held =
      result == HoldResult::held_and_ping || result == HoldResult::held_already_pinged;
  if (is_held) counters_.node.add(NodeCounter::held);
  // From the address that was asked: what filters for the source lets in nothing else.
  if (result == HoldResult::held_and_ping &&
      !ping(now, source, std::nullopt, Purpose::admission, 0, 0, out, datagram.path.local)) {
    counters_.node.add(NodeCounter::held_dropped, held_.drop(source));
  }
  if (is_held) return false;
  counters_.node.add(NodeCounter::held_refused);
  answer_within_bounds(now, datagram, request, budget, out);
  return false;
}

// The source may be forged: no more than its own bytes go back, no ping among them.
void Node::answer_within_bounds(Instant now, const Datagram& datagram, const Request& request,
                                ReplyBudget& budget, Outputs& out) {
  if (request.method == Method::store) {
    if (budget.fits(rpcudp::store_reply_size)) {
      answer_stored(datagram.path, request.transaction, Stored::no, out);
    }
    return;
  }
  if (request.method == Method::find_value &&
      store_.find(now, request.target).presence != Presence::absent) {
    counters_.node.add(NodeCounter::finds_unanswered);  // Contacts would deny the value.
    return;
  }
  if (!budget.fits(rpcudp::no_contacts_reply_size)) return;
  send_contacts(question_of(datagram, request), Awaited::left_out, budget.left(), out);
}

void Node::serve(Instant now, const Datagram& datagram, const Request& request, Outputs& out) {
  switch (request.method) {
    case Method::stun:
      reply(
          datagram.path, rpcudp::stun_reply_size_max,
          [&](MutableBytes buffer) {
            return rpcudp::encode_stun_reply(buffer, request.transaction, datagram.path.remote);
          },
          out);
      return;  // Says nothing of its sender.
    case Method::find_node:
      answer_contacts(now, question_of(datagram, request), out);
      break;
    case Method::find_value:
      answer_find_value(now, datagram, request, out);
      break;
    case Method::store:
      answer_store(now, datagram, request, out);
      break;
    case Method::ping:
    case Method::count:
      CHECK(false);
      break;
  }
  learn(now, {request.sender, datagram.path.remote}, Evidence::queried_us, out);
}

void Node::answer_value(const Path& path, Bytes transaction, Bytes value, Outputs& out) {
  reply(
      path, rpcudp::value_reply_size(value.size()),
      [&](MutableBytes buffer) { return rpcudp::encode_value_reply(buffer, transaction, value); },
      out);
  counters_.node.add(NodeCounter::values_served);
}

void Node::answer_stored(const Path& path, Bytes transaction, Stored stored, Outputs& out) {
  reply(
      path, rpcudp::store_reply_size,
      [&](MutableBytes buffer) {
        return rpcudp::encode_store_reply(buffer, transaction, stored == Stored::yes);
      },
      out);
  counters_.node.add(stored == Stored::yes ? NodeCounter::stores_acknowledged
                                           : NodeCounter::stores_refused);
}

void Node::answer_find_value(Instant now, const Datagram& datagram, const Request& request,
                             Outputs& out) {
  if (try_find_value(now, datagram.path, request, out) || waiting_.wait(now, datagram)) return;
  counters_.node.add(NodeCounter::finds_unanswered);
}

// Contacts would say that there is no value here. The asker believes it, so they are only sent when
// it is so: silence costs it a timeout, a false miss the record.
bool Node::try_find_value(Instant now, const Path& path, const Request& request, Outputs& out) {
  const Found found = store_.find(now, request.target);
  switch (found.presence) {
    case Presence::value:
      answer_value(path, request.transaction, found.value, out);
      return true;
    case Presence::absent:
      answer_contacts(now, {path, request.transaction, request.target, request.sender}, out);
      return true;
    case Presence::cold:
      return await_value(now, path, request, out);
    case Presence::loading:
      break;
  }
  return false;
}

bool Node::await_value(Instant now, const Path& path, const Request& request, Outputs& out) {
  if (pending_.full()) {
    counters_.node.add(NodeCounter::pending_refused);
    return false;
  }
  const auto ticket = store_.begin_read(now, request.target, out.storage);
  if (!ticket) return false;
  PendingAnswer pending{PendingAnswer::Kind::value_reply, path, {}, request.target, 0};
  std::copy(request.transaction.begin(), request.transaction.end(), pending.transaction.begin());
  pending.asker = request.sender;
  pending_.insert({*ticket}, pending);
  return true;
}

void Node::answer_store(Instant now, const Datagram& datagram, const Request& request,
                        Outputs& out) {
  const Path& path = datagram.path;
  if (!request.acceptable || pending_.full()) {
    if (request.acceptable) counters_.node.add(NodeCounter::pending_refused);
    answer_stored(path, request.transaction, Stored::no, out);
    return;
  }
  const StoreRequest store{request.target, request.value, request.age.value_or(0),
                           source_prefix(path.remote.address)};
  const StoreOutcome outcome = store_.begin_store(now, store, out.storage);
  switch (outcome.kind) {
    case StoreOutcome::Kind::unchanged:
      answer_stored(path, request.transaction, Stored::yes, out);
      return;
    case StoreOutcome::Kind::refused:
      if (outcome.refusal == StoreRefusal::loading && waiting_.wait(now, datagram)) return;
      answer_stored(path, request.transaction, Stored::no, out);
      return;
    case StoreOutcome::Kind::pending: {
      PendingAnswer pending{PendingAnswer::Kind::store_reply, path, {}, request.target, 0};
      std::copy(request.transaction.begin(), request.transaction.end(),
                pending.transaction.begin());
      pending_.insert({outcome.ticket}, pending);
      return;
    }
  }
}

// Budgets by source count a /24 or a /64 as one; 16 bits of its hash are kept with the record.
uint16_t Node::source_prefix(const IpAddress& address) const {
  return static_cast<uint16_t>(prefix_hash(address, prefix_seed_));
}

void Node::serve_waiting(Instant now, Outputs& out) {
  waiting_.advance(now, [&](const Datagram& waited, WaitingRequests::WaitedEnough enough) {
    return serve_waited(now, waited, enough, out);
  });
}

// A request whose key's range was being loaded, or whose value could not be read yet.
bool Node::serve_waited(Instant now, const Datagram& datagram, WaitingRequests::WaitedEnough enough,
                        Outputs& out) {
  Request request;
  CHECK(rpcudp::parse_request(datagram.bytes, &request) == ParseError::none);
  const bool is_find = request.method == Method::find_value;
  if (is_find && try_find_value(now, datagram.path, request, out)) return true;
  if (!is_find && store_.is_loaded(request.target)) {
    answer_store(now, datagram, request, out);
    return true;
  }
  if (enough == WaitingRequests::WaitedEnough::no) return false;
  if (!is_find) {
    answer_stored(datagram.path, request.transaction, Stored::no, out);
  } else if (store_.is_loaded(request.target)) {  // So it is there.
    counters_.node.add(NodeCounter::finds_unanswered);
  } else {
    answer_contacts(now, question_of(datagram, request), out);
  }
  return true;
}

void Node::complete(Instant now, Bytes frame, Outputs& out) {
  const Completion* completion = frame_header<Completion>(frame);
  CHECK(completion != nullptr);
  const Bytes value = frame_tail<Completion>(frame);
  if (is_published_list(completion->network)) {
    if (published_ == nullptr) return;
    const Finished finished = published_->complete(now, *completion, value);
    if (const auto pending = pending_.take({finished.ticket, true})) {
      finish_pending(now, *pending, finished, out);
    }
    return;
  }
  const Finished finished = store_.complete(now, *completion, value);
  switch (finished.kind) {
    case Finished::Kind::nothing:
      return;
    case Finished::Kind::loaded:
    case Finished::Kind::load_failed:
      waiting_.release(now);
      serve_waiting(now, out);
      return;
    case Finished::Kind::stored:
    case Finished::Kind::store_failed:
    case Finished::Kind::read:
    case Finished::Kind::read_failed:
      break;
  }
  if (const auto pending = pending_.take({finished.ticket})) {
    finish_pending(now, *pending, finished, out);
  }
  // There is room for another read; advance() comes next.
  if (!waiting_.is_empty()) waiting_.release(now);
}

void Node::finish_pending(Instant now, const PendingAnswer& pending, const Finished& finished,
                          Outputs& out) {
  const Stored stored = finished.kind == Finished::Kind::stored ? Stored::yes : Stored::no;
  const Found found = finished.kind == Finished::Kind::read ? finished.found : Found{};
  switch (pending.kind) {
    case PendingAnswer::Kind::store_reply:
      answer_stored(pending.path, pending.transaction, stored, out);
      return;
    case PendingAnswer::Kind::value_reply:
      if (found.presence == Presence::value) {
        answer_value(pending.path, pending.transaction, found.value, out);
      } else if (finished.kind == Finished::Kind::read_failed) {
        counters_.node.add(NodeCounter::finds_unanswered);
      } else {
        answer_contacts(now, {pending.path, pending.transaction, pending.key, pending.asker}, out);
      }
      return;
    case PendingAnswer::Kind::own_copy:
      store_decided(now, PoolHandle::of(pending.operation), stored, out);
      return;
    case PendingAnswer::Kind::own_value:
      own_value_read(now, PoolHandle::of(pending.operation), finished, out);
      return;
    case PendingAnswer::Kind::removal:
      removed(stored, out);
      return;
    case PendingAnswer::Kind::kept:
      kept(now, PoolHandle::of(pending.operation), stored, out);
      return;
    case PendingAnswer::Kind::forgotten:
      end(PoolHandle::of(pending.operation),
          stored == Stored::yes ? OperationStatus::done : OperationStatus::refused, {}, out);
      return;
    case PendingAnswer::Kind::replicated:
      replicate_value(now, PoolHandle::of(pending.operation), found, out);
      return;
  }
}

}  // namespace xord
