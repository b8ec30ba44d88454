#include "node/answers/record_service.h"

#include <algorithm>

#include "node/admission/ledger.h"
#include "node/endpoint_hash.h"
#include "reactor/base/check.h"

namespace xord {

RecordService::RecordService(const NodeContext& node, const Contacts& contacts, Store& store,
                             DiskWaits& waits, Replies& replies, NamedAnswers& named)
    : node_(node),
      table_(contacts),
      store_(store),
      waits_(waits),
      replies_(replies),
      named_(named),
      waiting_(node.config.waiting_requests, node.config.waiting_bytes) {}

void RecordService::find_value(const Turn& turn, const Datagram& datagram, const Request& request,
                               Instant came) {
  DCHECK(request.method == Method::find_value);
  if (try_find_value(turn, reply_to(datagram, request), request, came)) return;
  if (waiting_.wait(turn.now, datagram)) return;
  node_.count(NodeCounter::finds_unanswered);
}

// An answer with contacts says that there is no value here, and the asker believes it. So contacts
// are sent only when that is true: silence costs the asker a timeout, a false miss the record.
bool RecordService::try_find_value(const Turn& turn, const ReplyTo& to, const Request& request,
                                   Instant came) {
  const Found found = store_.find(turn.now, request.target);
  switch (found.presence) {
    case Presence::value:
      replies_.value(turn, to, found.value);
      return true;
    case Presence::absent:
      named_.answer(turn, {to, request.target, request.sender, came});
      return true;
    case Presence::cold:
      return await_value(turn, to, request);
    case Presence::loading:
      break;
  }
  return false;
}

// A request that finds no room is tried again, so only a read that was begun is charged.
bool RecordService::await_value(const Turn& turn, const ReplyTo& to, const Request& request) {
  if (waits_.full()) {
    node_.count(NodeCounter::pending_refused);
    return false;
  }
  const IpAddress& source = to.path.remote.address;
  bool is_beyond = false;
  const bool may_read = node_.ledger.admits(turn.now, source, Charge::reads, 1, &is_beyond);
  if (is_beyond) node_.count(NodeCounter::limited_reads);
  if (!may_read) return true;
  const auto ticket = store_.begin_read(turn.now, request.target, turn.out.storage);
  if (!ticket) return false;
  node_.ledger.charge(turn.now, source, Charge::reads, 1);
  wait_for(*ticket, DiskWait::Kind::value_reply, to, request);
  return true;
}

void RecordService::wait_for(Ticket ticket, DiskWait::Kind kind, const ReplyTo& to,
                             const Request& request) {
  // Only these answer a peer.
  DCHECK(kind == DiskWait::Kind::store_reply || kind == DiskWait::Kind::value_reply);
  waits_.insert({ticket}, {kind, to.path, WireTransaction::of(request.transaction), request.target,
                           0, request.sender, static_cast<uint16_t>(to.request_size)});
}

void RecordService::store(const Turn& turn, const Datagram& datagram, const Request& request) {
  DCHECK(request.method == Method::store);
  DCHECK(!request.acceptable || shard_of(request.target, node_.link.shards()) == node_.link.self());
  const ReplyTo to = reply_to(datagram, request);
  if (!request.acceptable || waits_.full()) {
    if (request.acceptable) node_.count(NodeCounter::pending_refused);
    return replies_.stored(turn, to, false);
  }
  const bool may_displace = node_.config.limits.mode == LimitsMode::on;
  const StoreOutcome outcome = store_.begin_store(
      turn.now,
      {request.target, request.value, request.age.value_or(0),
       source_prefix(datagram.path.remote.address), may_displace ? &table_ : nullptr},
      turn.out.storage);
  switch (outcome.kind) {
    case StoreOutcome::Kind::unchanged:
      return replies_.stored(turn, to, true);
    case StoreOutcome::Kind::refused:
      if (outcome.refusal == StoreRefusal::loading && waiting_.wait(turn.now, datagram)) return;
      return replies_.stored(turn, to, false);
    case StoreOutcome::Kind::pending:
      return wait_for(outcome.ticket, DiskWait::Kind::store_reply, to, request);
  }
}

// A /24 or a /48 counts as one party; 16 bits of its hash are kept with the record. 0 stands for
// the parties that may take all: those of this machine or site, and those the operator trusts.
uint16_t RecordService::source_prefix(const IpAddress& address) const {
  const NodeConfig& config = node_.config;
  if (address.is_local() && !config.limits.limits_loopback) return 0;
  if (is_in_any(config.trusted, address)) return 0;
  const auto hash = static_cast<uint16_t>(site_hash(address, node_.secrets.prefix_seed));
  static_assert(StoreRequest{}.source_prefix == 0, "the source that is not limited");
  return std::max<uint16_t>(hash, 1);
}

void RecordService::stored(const Turn& turn, const DiskWait& wait, bool is_stored) {
  DCHECK(wait.kind == DiskWait::Kind::store_reply);
  replies_.stored(turn, {wait.path, wait.transaction.view(), wait.request_size}, is_stored);
}

void RecordService::value_read(const Turn& turn, const DiskWait& wait, const Finished& finished) {
  DCHECK(wait.kind == DiskWait::Kind::value_reply);
  const ReplyTo to{wait.path, wait.transaction.view(), wait.request_size};
  if (finished.kind == Finished::Kind::read && finished.found.presence == Presence::value) {
    replies_.value(turn, to, finished.found.value);
  } else if (finished.kind == Finished::Kind::read_failed) {
    node_.count(NodeCounter::finds_unanswered);
  } else {
    named_.answer(turn, {to, wait.key, wait.asker, turn.now});
  }
}

void RecordService::try_again(Instant now) {
  if (!waiting_.is_empty()) waiting_.release(now);
}

void RecordService::advance(const Turn& turn) {
  waiting_.advance(turn.now, [&](const Datagram& waited, WaitingRequests::WaitedEnough enough) {
    return serve_waited(turn, waited, enough);
  });
}

// A request whose key's range was being loaded, or whose value could not be read at once.
bool RecordService::serve_waited(const Turn& turn, const Datagram& datagram,
                                 WaitingRequests::WaitedEnough enough) {
  Request request;
  CHECK(node_.dialect.read_request(datagram.bytes, &request) == ParseError::none);
  const bool is_find = request.method == Method::find_value;
  DCHECK(is_find || (request.method == Method::store && request.acceptable));
  const ReplyTo to = reply_to(datagram, request);
  if (is_find && try_find_value(turn, to, request, turn.now)) return true;
  if (!is_find && store_.is_loaded(request.target)) {
    store(turn, datagram, request);
    return true;
  }
  if (enough == WaitingRequests::WaitedEnough::no) return false;
  if (!is_find) {
    replies_.stored(turn, to, false);
  } else if (store_.is_loaded(request.target)) {  // So we hold the value.
    node_.count(NodeCounter::finds_unanswered);
  } else {
    named_.answer(turn, {to, request.target, request.sender, turn.now});
  }
  return true;
}

}  // namespace xord
