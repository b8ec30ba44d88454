// Requests of ours: sending them, matching what comes back, and what their outcome leads to.
#include "node/node.h"

namespace xord {
namespace {

// A call of a lookup names the lookup's slot and the row in one word; a store names the operation's
// slot and the target. 21 bits of index, 11 of row, 32 of generation.
constexpr uint32_t index_bits = 32 - Lookup::row_bits;
uint64_t context_of(PoolHandle handle, Lookup::Row row) {
  DCHECK(handle.index < (1u << index_bits) && row < (1u << Lookup::row_bits));
  return uint64_t{handle.generation} << 32 | uint64_t{row} << index_bits | handle.index;
}
PoolHandle handle_of(uint64_t context) {
  return {static_cast<uint32_t>(context & ((1u << index_bits) - 1)),
          static_cast<uint32_t>(context >> 32)};
}
Lookup::Row lookup_row_of(uint64_t context) {
  return static_cast<Lookup::Row>((context >> index_bits) & ((1u << Lookup::row_bits) - 1));
}
// Of a survey's row or a store's target.
uint8_t row_of(uint64_t context) {
  return static_cast<uint8_t>(lookup_row_of(context));
}

}  // namespace

template <class Encode>
bool Node::call(Instant now, const Call& call, size_t size_max, Encode&& encode, Outputs& out,
                const LocalAddress& local) {
  const MutableBytes buffer = out.datagrams.reserve(size_max);
  if (buffer.empty()) {
    counters_.node.add(NodeCounter::outbox_full);
    return false;
  }
  const auto transaction = in_flight_.open(now, call, round_trips_.timeout(call.to));
  if (!transaction) {
    counters_.node.add(NodeCounter::calls_refused);
    return false;
  }
  const size_t size = encode(buffer, Bytes(*transaction));
  CHECK(size > 0);
  out.datagrams.commit({call.to, local}, size);
  counters_.node.add(NodeCounter::calls_sent);
  return true;
}

bool Node::ping(Instant now, const Endpoint& to, const std::optional<Id>& responder,
                Purpose purpose, uint8_t attempt, uint64_t context, Outputs& out,
                const LocalAddress& local) {
  const Call ping{purpose, Method::ping, attempt, to, responder, context};
  return call(
      now, ping, rpcudp::ping_request_size,
      [&](MutableBytes buffer, Bytes transaction) {
        return rpcudp::encode_ping_request(buffer, transaction, self_);
      },
      out, local);
}

bool Node::ask(Instant now, PoolHandle lookup, Lookup::Row row, Outputs& out) {
  const Lookup& running = lookups_[lookup].lookup;
  const Contact& contact = running.contact(row);
  const bool wants_value = running.plan().kind == LookupKind::find_value;
  const Call question{Purpose::lookup,
                      wants_value ? Method::find_value : Method::find_node,
                      0,
                      contact.endpoint,
                      contact.id,
                      context_of(lookup, row)};
  const Id& target = running.plan().target;
  return call(
      now, question, rpcudp::find_request_size_max,
      [&](MutableBytes buffer, Bytes transaction) {
        return wants_value ? rpcudp::encode_find_value_request(buffer, transaction, self_, target)
                           : rpcudp::encode_find_node_request(buffer, transaction, self_, target);
      },
      out);
}

bool Node::ask_for_neighbours(Instant now, PoolHandle survey, RegionSurvey::Row row, Outputs& out) {
  const Contact& contact = surveys_[survey].survey.contact(row);
  const Call question{Purpose::survey,  Method::find_node, 0,
                      contact.endpoint, contact.id,        context_of(survey, row)};
  return call(
      now, question, rpcudp::find_request_size_max,
      [&](MutableBytes buffer, Bytes transaction) {
        return rpcudp::encode_find_node_request(buffer, transaction, self_, contact.id);
      },
      out);
}

bool Node::store_at(Instant now, PoolHandle operation, uint8_t target, uint8_t attempt,
                    Outputs& out) {
  OngoingOperation& ongoing = operations_[operation];
  const Contact& contact = ongoing.targets[target].contact;
  const Call store{Purpose::store,   Method::store, attempt,
                   contact.endpoint, contact.id,    context_of(operation, target)};
  const std::optional<uint32_t> age = ongoing.age > 0 ? std::optional(ongoing.age) : std::nullopt;
  const bool sent = call(
      now, store, rpcudp::store_request_size_max(ongoing.value_size),
      [&](MutableBytes buffer, Bytes transaction) {
        return rpcudp::encode_store_request(buffer, transaction, self_, ongoing.target,
                                            ongoing.value_bytes(), age);
      },
      out);
  if (sent) {
    ++ongoing.targets[target].open_count;
    ongoing.targets[target].was_sent = true;
  }
  return sent;
}

void Node::receive_reply(Instant now, const Datagram& datagram, Outputs& out) {
  const Bytes transaction = rpcudp::transaction_of(datagram.bytes);
  if (transaction.size() == transaction_size && transaction[0] != config_.shard &&
      transaction[0] < config_.shards) {
    counters_.node.add(NodeCounter::forwarded);
    tell(transaction[0], DatagramMessage{{}, datagram.path}, out, datagram.bytes);
    return;
  }
  const Endpoint& source = datagram.path.remote;
  const Match match = in_flight_.match(now, transaction, source);
  if (match.result != MatchResult::answered) {
    counters_.node.add(match.result == MatchResult::unknown ? NodeCounter::replies_unknown
                                                            : NodeCounter::replies_wrong_source);
    return;
  }
  counters_.node.add(NodeCounter::replies_matched);
  Reply reply;
  const ParseError error = rpcudp::parse_reply(datagram.bytes, match.call.method, &reply);
  if (error != ParseError::none) {  // It is there, but of no use: the call failed.
    counters_.malformed.add(error);
    expired(now, match.call, out);
    return;
  }
  if (match.call.method == Method::ping && reply.responder == self_) own_id_answered(now, match);
  // First what the asker waits for: what is held may ask for more.
  answered(now, match, reply, out);
  prove(now, source, match.call.purpose, out);
}

std::span<const Contact> Node::usable_of(const Reply& reply, UsableContacts& usable) const {
  size_t count = 0;
  for (size_t i = 0; i < reply.contacts_count; ++i) {
    if (is_usable(reply.contacts[i])) usable[count++] = reply.contacts[i];
  }
  return std::span(usable).first(count);
}

void Node::learn_from_answer(Instant now, const Match& match, const Reply& reply, Outputs& out) {
  const Call& call = match.call;
  const bool is_pong = call.method == Method::ping;
  if (!is_pong && !call.responder) return;
  const Contact contact{is_pong ? reply.responder : *call.responder, call.to};
  const bool was_filed = table_.is_filed(contact);
  if (is_pong && call.responder && *call.responder != contact.id) {
    learn_displaced(now, {*call.responder, call.to}, out);
  }
  learn(now, contact, is_pong ? Evidence::ponged : Evidence::answered, out);
  // An answer to a find may have waited for other nodes. A stranger measures nobody but itself, and
  // even that only if its pong filed it: else strangers would push out what is known of contacts.
  if (!is_pong && call.method != Method::store) return;
  if (was_filed) round_trips_.sample_of_node(match.round_trip);
  if (was_filed || table_.is_filed(contact)) round_trips_.sample(call.to, match.round_trip);
}

void Node::answered(Instant now, const Match& match, const Reply& reply, Outputs& out) {
  const Call& call = match.call;
  learn_from_answer(now, match, reply, out);
  if (reply.contacts_count > 0) look_for_own_id(now, reply, out);
  switch (call.purpose) {
    case Purpose::lookup: {
      const PoolHandle handle = handle_of(call.context);
      RunningLookup* running = lookups_.find(handle);
      if (running == nullptr) return;  // It ended while this call was slow.
      UsableContacts usable;
      if (reply.has_value) {
        running->lookup.answered_value(lookup_row_of(call.context), reply.value, values_);
      } else {
        running->lookup.answered(lookup_row_of(call.context), usable_of(reply, usable));
      }
      step(now, handle, out);
      return;
    }
    case Purpose::survey: {
      const PoolHandle handle = handle_of(call.context);
      RunningSurvey* running = surveys_.find(handle);
      if (running == nullptr) return;
      UsableContacts usable;
      running->survey.answered(row_of(call.context), usable_of(reply, usable),
                               reply.contacts_count);
      step_survey(now, handle, out);
      return;
    }
    case Purpose::store: {
      newcomer_answered(now, {*call.responder, call.to});
      const PoolHandle handle = handle_of(call.context);
      OngoingOperation* operation = operations_.find(handle);
      if (operation == nullptr) return;
      StoreTarget& target = operation->targets[row_of(call.context)];
      --target.open_count;
      if (target.decided) return;
      target.decided = true;
      store_decided(now, handle, reply.stored ? Stored::yes : Stored::no, out);
      return;
    }
    case Purpose::bootstrap:
      bootstrap_answered(now, call.context, {reply.responder, call.to}, out);
      return;
    case Purpose::admission:
    case Purpose::probe:
    case Purpose::command:
    case Purpose::count:
      return;
  }
}

void Node::became_slow(Instant now, const Call& call, Outputs& out) {
  if (call.purpose == Purpose::lookup) {
    const PoolHandle handle = handle_of(call.context);
    RunningLookup* running = lookups_.find(handle);
    if (running == nullptr) return;
    running->lookup.slow(lookup_row_of(call.context));
    step(now, handle, out);
    return;
  }
  if (call.purpose == Purpose::survey) {
    const PoolHandle handle = handle_of(call.context);
    RunningSurvey* running = surveys_.find(handle);
    if (running == nullptr) return;
    running->survey.slow(row_of(call.context));
    step_survey(now, handle, out);
    return;
  }
  // ping and store are sent once more, as a new transaction; the first stays open. Not the ping of
  // an unproven source: a second one would exceed what it may be sent.
  if (call.attempt > 0 || call.purpose == Purpose::admission) {
    if (call.purpose == Purpose::store) give_up_store(now, call, out);
    return;
  }
  if (call.purpose == Purpose::store) {
    const PoolHandle handle = handle_of(call.context);
    const OngoingOperation* operation = operations_.find(handle);
    if (operation == nullptr || operation->targets[row_of(call.context)].decided) return;
    if (!store_at(now, handle, row_of(call.context), 1, out)) return;
  } else if (!ping(now, call.to, call.responder, call.purpose, 1, call.context, out)) {
    return;
  }
  if (call.purpose == Purpose::bootstrap) {
    if (JoinState::Ping* repeated = join_.ping_of(call.context)) ++repeated->open_count;
  }
  counters_.node.add(NodeCounter::calls_repeated);
}

// Nobody waits for a store of the node's own upkeep, so one that was slow twice keeps no other
// record from its slot. Its transactions stay open: a late answer still says that the contact is
// alive, and how far away.
void Node::give_up_store(Instant now, const Call& call, Outputs& out) {
  const PoolHandle handle = handle_of(call.context);
  OngoingOperation* operation = operations_.find(handle);
  if (operation == nullptr || !is_replication(operation->task)) return;
  StoreTarget& target = operation->targets[row_of(call.context)];
  if (target.decided) return;
  target.decided = true;
  store_decided(now, handle, Stored::no, out);
}

void Node::expired(Instant now, const Call& call, Outputs& out) {
  counters_.node.add(NodeCounter::calls_expired);
  if (call.responder) learn_failure(now, {*call.responder, call.to}, out);
  switch (call.purpose) {
    case Purpose::lookup: {
      const PoolHandle handle = handle_of(call.context);
      RunningLookup* running = lookups_.find(handle);
      if (running == nullptr) return;
      running->lookup.failed(lookup_row_of(call.context));
      step(now, handle, out);
      return;
    }
    case Purpose::survey: {
      const PoolHandle handle = handle_of(call.context);
      RunningSurvey* running = surveys_.find(handle);
      if (running == nullptr) return;
      running->survey.failed(row_of(call.context));
      step_survey(now, handle, out);
      return;
    }
    case Purpose::store: {
      const PoolHandle handle = handle_of(call.context);
      OngoingOperation* operation = operations_.find(handle);
      if (operation == nullptr) return;
      StoreTarget& target = operation->targets[row_of(call.context)];
      if (--target.open_count > 0 || target.decided) return;
      target.decided = true;
      store_decided(now, handle, Stored::no, out);
      return;
    }
    case Purpose::bootstrap:
      bootstrap_expired(now, call.context, out);
      return;
    case Purpose::admission:
    case Purpose::probe:
    case Purpose::command:
    case Purpose::count:
      return;
  }
}

}  // namespace xord
