#include "node/node.h"

#include <array>
#include <cstddef>
#include <utility>

#include "node/replication/region_messages.h"
#include "node/wire/dialect.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// Every lookup and every round may have finished, and a refresh may be due in every range.
uint32_t events_max(const NodeConfig& config) {
  return config.budget.lookups + config.operations + config.budget.replications +
         config.routing.buckets_max + id_bits;
}

// The message in a frame, whose kind says that it is one.
template <class Message>
const Message& message_in(Bytes frame) {
  static_assert(offsetof(Message, message) == 0, "a frame begins with its kind");
  const Message* message = frame_header<Message>(frame);
  CHECK(message != nullptr && message->message.kind == Message::kind);
  return *message;
}

const Dialect& dialect_of(const NodeConfig& config) {
  CHECK(config.dialect != nullptr);
  return *config.dialect;
}

}  // namespace

Node::Node(const NodeConfig& config, const Id& self, const NodeSecrets& secrets, Rng rng,
           ContactBook& book, Store& store, Instant start, Store* published)
    : config_(config),
      secrets_(secrets),
      self_(self),
      rng_(rng),
      link_(config.network, config.shard, config.shards, counters_),
      ledger_(config.limits, config.budget.ledger_rows, config.shards, secrets.hash_seed,
              config.trusted),
      context_{config_, secrets_, dialect_of(config_), self_, link_, counters_, ledger_},
      events_(events_max(config)),
      work_(config.network, config.limits, config.trusted, ledger_, counters_, notices_),
      store_(store),
      published_(published),
      waits_(config.pending_answers),
      limit_watch_(context_, notices_),
      requester_(context_, start),
      contacts_(context_, book, requester_, start),
      lookups_(context_, contacts_, requester_),
      rounds_(context_, config.operations + config.budget.replications, requester_, store, waits_),
      operations_(context_, contacts_, lookups_, rounds_, store, published, waits_),
      joiner_(context_, requester_, contacts_, lookups_, operations_, notices_, rng_, start),
      replicator_(context_, requester_, contacts_, lookups_, rounds_, store, published, waits_,
                  start),
      replies_(context_, book),
      named_(context_, contacts_, replies_),
      records_(context_, contacts_, store, waits_, replies_, named_),
      own_ids_(context_, requester_, contacts_, notices_),
      responder_(context_, requester_, contacts_, replies_, named_, records_, own_ids_, work_,
                 notices_) {
  CHECK(config.shard < config.shards && config.shards <= shards_max);
}

void Node::change(Instant now, NodeChange& change) {
  CHECK(events_.is_empty());
  CHECK(change.disjoint_paths >= 1 && change.disjoint_paths <= lookups_.paths_max());
  std::swap(config_.ttl, change.ttl);
  std::swap(config_.amplification_max, change.amplification_max);
  std::swap(config_.disjoint_paths, change.disjoint_paths);
  std::swap(config_.allow_private_contacts, change.allow_private_contacts);
  config_.trusted.swap(change.trusted);
  std::swap(config_.limits, change.limits);
  contacts_.swap_trusted(change.proof_exempt);
  ledger_.swap_rules(change.ledger_rules);
  work_.swap_rules(now, change.work_rules);
}

template <class Body>
void Node::run(Instant now, Outputs& out, Body&& body) {
  DCHECK(events_.is_empty());  // Each call handles all of its own.
  const Turn turn{now, out, events_};
  body(turn);
  if (!events_.is_empty()) [[unlikely]]
    handle_events(turn);
  named_.end_turn(now);
  contacts_.end_turn(turn);
  limit_watch_.end_turn(now);
  counters_.node.set(NodeCounter::ledger_evicted, ledger_.evicted_count());
  DCHECK(events_.is_empty());
}

// ---- Input.

void Node::receive(Instant now, const Datagram& datagram, Outputs& out) {
  run(now, out, [&](const Turn& turn) {
    // No one can be answered at port 0, and the kernel refuses to try.
    if (datagram.path.remote.port == 0) {
      counters_.malformed.add(ParseError::no_source_port);
    } else if (config_.dialect->is_reply(datagram.bytes)) {
      receive_reply(turn, datagram);
      joiner_.watch_company(now);
    } else {
      responder_.receive(turn, datagram);
    }
  });
}

void Node::fetch_ahead(std::span<const Datagram> batch) const {
  if (batch.size() < 2) return;  // Too early: it would be read before it has arrived.
  for (const Datagram& datagram : batch) {
    contacts_.fetch_ahead(datagram.path.remote);
    ledger_.fetch_ahead(datagram.path.remote.address);
  }
  std::array<Id, keys_ahead_max> keys;
  size_t count = 0;
  for (const Datagram& datagram : batch) {
    const auto key = config_.dialect->record_key(datagram.bytes);
    if (!key) continue;
    keys[count++] = *key;
    if (count < keys.size()) continue;
    store_.fetch_ahead(keys);
    count = 0;
  }
  store_.fetch_ahead({keys.data(), count});
}

void Node::receive_reply(const Turn& turn, const Datagram& datagram) {
  Reply reply;
  const auto outcome = requester_.receive(turn, datagram, &reply);
  if (!outcome) return work_.charge(turn.now, datagram.path.remote.address, work_of_datagram);
  if (outcome->is_by_cookie) return receive_proof(turn, datagram, *outcome);
  const bool is_answer = outcome->kind == Outcome::Kind::answered;
  const bool names_sender = outcome->call.method == Method::ping ||
                            config_.dialect->traits().every_reply_names_its_sender;
  if (is_answer && names_sender && reply.responder == self_) {
    own_ids_.answered(turn.now, *outcome);
  }
  // The waiting caller comes first: held requests may need more calls.
  dispatch(turn, *outcome);
  if (!is_answer) return;
  contacts_.prove(turn, datagram.path.remote);
  responder_.release(turn, datagram.path.remote, outcome->call.purpose);
}

void Node::receive_proof(const Turn& turn, const Datagram& datagram, const Outcome& outcome) {
  DCHECK(outcome.kind == Outcome::Kind::answered && outcome.call.to == datagram.path.remote);
  if (contacts_.is_proven(datagram.path.remote, turn.now)) return;  // It says nothing new.
  counters_.node.add(NodeCounter::proofs_by_cookie);
  dispatch(turn, outcome);
  contacts_.prove(turn, datagram.path.remote);
  responder_.release(turn, datagram.path.remote, outcome.call.purpose);
  if (outcome.reply->responder == self_) own_ids_.found(turn, datagram.path);
}

void Node::dispatch(const Turn& turn, const Outcome& outcome) {
  const bool is_answer = outcome.kind == Outcome::Kind::answered;
  const Call& call = outcome.call;
  CHECK(is_answer == (outcome.reply != nullptr));
  contacts_.learn_from(turn, outcome);
  if (is_answer && outcome.reply->contacts_count > 0) {
    own_ids_.look_for_own_id(turn, *outcome.reply, call.to);
  }
  switch (call.purpose) {
    case Purpose::lookup:
      lookups_.take(turn, outcome);
      break;
    case Purpose::survey:
      replicator_.take(turn, outcome);
      break;
    case Purpose::store:
      CHECK(call.responder.has_value());
      if (is_answer) replicator_.store_answered(turn.now, {*call.responder, call.to});
      rounds_.take(turn, outcome);
      break;
    case Purpose::bootstrap:
      joiner_.take(turn, outcome);
      break;
    case Purpose::probe:
      if (outcome.kind == Outcome::Kind::slow) requester_.repeat_ping(turn, call);
      break;
    case Purpose::admission:  // Not retried: a second ping would exceed its bound.
    case Purpose::command:
    case Purpose::count:
      break;
  }
  handle_events(turn);
}

void Node::deliver(Instant now, ShardIndex from, Bytes frame, Outputs& out) {
  const ShardMessage* message = frame_header<ShardMessage>(frame);
  CHECK(message != nullptr && from < config_.shards);
  CHECK(message->network == config_.network);
  if (message->kind == ShardMessageKind::datagram) {
    const auto& forwarded = message_in<DatagramMessage>(frame);
    return receive(now, {forwarded.path, frame_tail<DatagramMessage>(frame)}, out);
  }
  run(now, out, [&](const Turn& turn) {
    switch (message->kind) {
      case ShardMessageKind::datagram:
        break;
      case ShardMessageKind::evidence:
        contacts_.deliver(turn, message_in<EvidenceMessage>(frame));
        break;
      case ShardMessageKind::contact_wanted:
        contacts_.deliver(turn, message_in<ContactWantedMessage>(frame));
        break;
      case ShardMessageKind::contact_changed:
        contacts_.deliver(turn, message_in<ContactChangedMessage>(frame));
        break;
      case ShardMessageKind::region_wanted: {
        const auto& wanted = message_in<RegionWantedMessage>(frame);
        replicator_.begin_region(turn, wanted.purpose, wanted.key);
        break;
      }
      case ShardMessageKind::region:
        replicator_.accept_region(now, message_in<RegionMessage>(frame).region);
        break;
      case ShardMessageKind::source_called:
        requester_.inbound().deliver(turn, message_in<SourceCalledMessage>(frame));
        break;
      case ShardMessageKind::source_asked:
        requester_.inbound().deliver(turn, message_in<SourceAskedMessage>(frame));
        break;
      case ShardMessageKind::proven: {
        const auto& proven = message_in<ProvenMessage>(frame);
        contacts_.deliver(turn, proven);
        responder_.release(turn, proven.source, std::nullopt);
        break;
      }
    }
    handle_events(turn);
    joiner_.watch_company(now);
  });
}

void Node::complete(Instant now, Bytes frame, Outputs& out) {
  const Completion* completion = frame_header<Completion>(frame);
  CHECK(completion != nullptr);
  const Bytes value = frame_tail<Completion>(frame);
  const bool is_list = completion->store.is_published();
  if (is_list && published_ == nullptr) return;
  run(now, out, [&](const Turn& turn) {
    const Finished finished = (is_list ? *published_ : store_).complete(now, *completion, value);
    if (finished.kind == Finished::Kind::nothing) return;
    const bool is_loaded =
        finished.kind == Finished::Kind::loaded || finished.kind == Finished::Kind::load_failed;
    if (!is_loaded) {
      if (const auto wait = waits_.take({finished.ticket, is_list})) {
        disk_finished(turn, *wait, finished);
      }
    }
    if (is_list) return;
    // Another value can be read, or a range has been loaded: advance() is called next.
    records_.try_again(now);
    if (is_loaded) records_.advance(turn);
  });
}

void Node::disk_finished(const Turn& turn, const DiskWait& wait, const Finished& finished) {
  const bool is_stored = finished.kind == Finished::Kind::stored;
  const PoolHandle owner = PoolHandle::of(wait.owner);
  switch (wait.kind) {
    case DiskWait::Kind::store_reply:
      return records_.stored(turn, wait, is_stored);
    case DiskWait::Kind::value_reply:
      return records_.value_read(turn, wait, finished);
    case DiskWait::Kind::own_copy:
      return rounds_.own_copy_decided(turn, owner, is_stored);
    case DiskWait::Kind::own_value:
      return operations_.own_value_read(turn, owner, finished);
    case DiskWait::Kind::removal:
      return operations_.removed(turn, is_stored);
    case DiskWait::Kind::kept:
      return operations_.kept(turn, owner, is_stored);
    case DiskWait::Kind::forgotten:
      return operations_.forgotten(turn, owner, is_stored);
    case DiskWait::Kind::replicated:
      return replicator_.value_read(
          turn, owner, finished.kind == Finished::Kind::read ? finished.found : Found{});
  }
}

// A shard that keeps up may hand its disk more than that can do.
void Node::set_backlog(Instant now, std::optional<Instant> since) {
  const std::optional<Instant> of_disk = waits_.backlogged_since(now);
  work_.set_backlog(now, of_disk && (!since || *of_disk < *since) ? of_disk : since);
}

void Node::advance(Instant now, Outputs& out) {
  run(now, out, [&](const Turn& turn) {
    work_.advance(now);
    requester_.advance(now, [&](const Outcome& outcome) { dispatch(turn, outcome); });
    responder_.advance(now);
    records_.advance(turn);
    lookups_.advance(turn);
    handle_events(turn);
    joiner_.advance(turn);
    handle_events(turn);
    contacts_.advance(turn, rng_);
    handle_events(turn);
    named_.advance(turn);
    store_.advance(now, out.storage);
    if (published_ != nullptr) published_->advance(now, out.storage);
    replicator_.advance(turn);
    handle_events(turn);
    joiner_.watch_company(now);
    limit_watch_.advance(now);
  });
}

std::optional<Instant> Node::next_wakeup() const {
  std::optional<Instant> next = requester_.next_wakeup();
  next = earlier(next, work_.next_wakeup());
  next = earlier(next, responder_.next_wakeup());
  next = earlier(next, records_.next_wakeup());
  next = earlier(next, named_.next_wakeup());
  next = earlier(next, lookups_.next_wakeup());
  next = earlier(next, joiner_.next_wakeup());
  next = earlier(next, contacts_.next_wakeup());
  next = earlier(next, replicator_.next_wakeup());
  next = earlier(next, limit_watch_.next_wakeup());
  if (published_ != nullptr) next = earlier(next, published_->next_wakeup());
  return earlier(next, store_.next_wakeup());
}

// ---- Events between the parts.

void Node::handle_events(const Turn& turn) {
  while (const auto event = events_.pop()) handle(turn, *event);
}

void Node::handle(const Turn& turn, const Event& event) {
  switch (event.kind) {
    case Event::Kind::refresh_due:
      lookups_.start(turn, LookupKind::find_node, event.target, LookupPurpose::refresh);
      break;
    case Event::Kind::lookup_finished:
      lookup_finished(turn, event.handle);
      break;
    case Event::Kind::round_finished:
      round_finished(turn, event.handle);
      break;
  }
}

void Node::lookup_finished(const Turn& turn, PoolHandle handle) {
  const Lookup& lookup = lookups_[handle];
  DCHECK(lookup.is_finished());
  const PoolHandle owner = lookups_.owner_handle(handle);
  switch (lookups_.purpose(handle)) {
    case LookupPurpose::get:
    case LookupPurpose::set:
    case LookupPurpose::find:
    case LookupPurpose::canary:
      operations_.lookup_finished(turn, owner, lookup);
      break;
    case LookupPurpose::join:
      joiner_.looked_up(turn, lookup);
      break;
    case LookupPurpose::farther_bucket:
      joiner_.refreshed();
      break;
    case LookupPurpose::republish:
    case LookupPurpose::publish:
      replicator_.looked_up(turn, owner, lookup);
      break;
    case LookupPurpose::refresh:  // Nothing waits for it.
    case LookupPurpose::count:
      break;
  }
  lookups_.release(handle);
  joiner_.refresh_farther_buckets(turn);
}

void Node::round_finished(const Turn& turn, PoolHandle handle) {
  switch (rounds_[handle].owner) {
    case RoundOwner::operation:
      return operations_.round_finished(turn, handle);
    case RoundOwner::replication:
      return replicator_.round_finished(turn, handle);
  }
}

// ---- Calls of the program.

void Node::join(Instant now, OperationId operation, std::span<const Endpoint> endpoints,
                Outputs& out) {
  run(now, out, [&](const Turn& turn) { joiner_.join(turn, operation, endpoints); });
}

void Node::get(Instant now, OperationId operation, const Id& key, Outputs& out) {
  run(now, out, [&](const Turn& turn) { operations_.get(turn, operation, key); });
}

void Node::set(Instant now, OperationId operation, const Id& key, Bytes value, Outputs& out) {
  run(now, out, [&](const Turn& turn) { operations_.set(turn, operation, key, value); });
}

void Node::find(Instant now, OperationId operation, const Id& target, Outputs& out,
                LookupPurpose purpose) {
  run(now, out, [&](const Turn& turn) { operations_.find(turn, operation, target, purpose); });
}

void Node::trace(Instant now, OperationId operation, const Id& target, Outputs& out) {
  run(now, out, [&](const Turn& turn) { operations_.trace(turn, operation, target); });
}

void Node::purge(Instant now, OperationId operation, const Id& from, uint32_t prefix_bits,
                 Outputs& out) {
  run(now, out, [&](const Turn& turn) { operations_.purge(turn, operation, from, prefix_bits); });
}

void Node::keep(Instant now, OperationId operation, const Id& key, Bytes value, Outputs& out) {
  run(now, out, [&](const Turn& turn) { operations_.keep(turn, operation, key, value); });
}

void Node::forget(Instant now, OperationId operation, const Id& key, Outputs& out) {
  run(now, out, [&](const Turn& turn) { operations_.forget(turn, operation, key); });
}

void Node::list_published(Instant now, OperationId operation, const Id& from, Outputs& out) {
  run(now, out, [&](const Turn& turn) { operations_.list_published(turn, operation, from); });
}

void Node::list_charges(Instant now, OperationId operation, const IpAddress& source, Outputs& out) {
  run(now, out, [&](const Turn& turn) { operations_.list_charges(turn, operation, source); });
}

void Node::list_contacts(Instant now, OperationId operation, const Id& near, const Id& from,
                         Outputs& out) {
  run(now, out, [&](const Turn& turn) { operations_.list_contacts(turn, operation, near, from); });
}

void Node::list_buckets(Instant now, OperationId operation, const Id& from, Outputs& out) {
  run(now, out, [&](const Turn& turn) { operations_.list_buckets(turn, operation, from); });
}

void Node::list_records(Instant now, OperationId operation, const Id& from, uint32_t prefix_bits,
                        Outputs& out) {
  run(now, out,
      [&](const Turn& turn) { operations_.list_records(turn, operation, from, prefix_bits); });
}

void Node::explain(Instant now, OperationId operation, const IpAddress& address, Outputs& out) {
  struct {
    SourceHead head;
    std::array<ProvenRow, proven_rows_max> proven;
  } answer;
  static_assert(sizeof answer <= value_size_max);
  contacts_.table().describe(address, &answer.head);
  answer.head.held = responder_.held_count(address);
  answer.head.passing = static_cast<float>(work_.passing_of(address));
  uint32_t& count = answer.head.proven_count;
  contacts_.for_each_proven_at(address, now, [&](const Endpoint& source, Instant until) {
    if (count == answer.proven.size()) return;
    const auto lapses_in = static_cast<uint32_t>((until - now).whole_milliseconds() / 1000);
    answer.proven[count++] = {source, lapses_in};
  });
  const size_t size = sizeof answer.head + count * sizeof(ProvenRow);
  run(now, out, [&](const Turn& turn) {
    operations_.answer(turn, operation, {reinterpret_cast<const uint8_t*>(&answer), size});
  });
}

void Node::restore(Instant now, const Contact& contact, Duration age, Outputs& out) {
  run(now, out, [&](const Turn& turn) { contacts_.restore(turn, contact, age); });
}

void Node::check_invariants() const {
  contacts_.table().check_invariants();
  lookups_.check_invariants();
  responder_.check_invariants();
  ledger_.check_invariants();
  work_.check_invariants();
  store_.check_invariants();
  if (published_ != nullptr) published_->check_invariants();
  CHECK(events_.is_empty());
  const NodeUsage used = usage();
  const NodeUsage most = usage_max(config_);
  for (size_t i = 0; i < used.size(); ++i) CHECK(used[i] <= most[i]);
}

NodeUsage Node::usage() const {
  return usage_of(requester_.open_count(), lookups_.count(), lookups_.values_count(),
                  operations_.count(), replicator_.open_count(), replicator_.surveys_count(),
                  replicator_.regions_count(), replicator_.newcomers_count(),
                  responder_.held_sources_count(), responder_.held_count(), waits_.count(),
                  named_.count());
}

}  // namespace xord
