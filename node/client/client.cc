#include "node/client/client.h"

#include <algorithm>

#include "node/client/client_id.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// The sum of: a ping to each via node, its retry, and a question for names; a lookup that asks
// every row; a store to each of the k nearest and its retry.
constexpr uint32_t calls_max = 3 * vias_max + lookup_rows_max + 2 * bucket_size;
// How long to wait for the other via names once one has answered: the delay a scheduler may add.
constexpr Duration greeting_grace = adaptive_timeout_min;
constexpr uint8_t pings_open_max = 2;
// Pause between a lookup that no one answered and the next: the time a first call may take.
constexpr Duration lookup_pause = seconds(1);
// The age sent with the copy that a get leaves at the nearest node that lacked the value, so that
// it lives for one day at any node that keeps the library's week. A day is the full life of a path
// copy (d = 0, Operations::path_copy_age()): its holder is among the k nearest we know.
constexpr uint32_t path_copy_age = (7 - 1) * 86'400;

}  // namespace

Client::Client(const Dialect& dialect, ClientPlan plan, const InFlight::Secret& secret,
               uint64_t seed, Instant now)
    : dialect_(dialect),
      plan_(std::move(plan)),
      in_flight_(0, calls_max, secret, now, dialect.traits().transaction_bytes),
      round_trips_(lookup_rows_max, seed),
      values_(value_candidates_max),
      vias_(plan_.vias.size()),
      asked_(lookup_rows_max) {
  CHECK(!plan_.vias.empty() && plan_.vias.size() <= vias_max);
  CHECK(plan_.value.size() <= value_size_max);
  targets_.reserve(bucket_size);
  result_.nodes.reserve(bucket_size);
  result_.named.reserve(vias_.size());
  result_.forgotten.reserve(vias_.size());
  result_.value.reserve(value_size_max);
}

void Client::start(Instant now, Outbox& out) {
  CHECK(stage_ == Stage::greeting && in_flight_.open_count() == 0);
  deadline_ = now + plan_.timeout;
  for (size_t i = 0; i < vias_.size(); ++i) greet(now, i, out);
}

void Client::receive(Instant now, const Datagram& in, Outbox& out) {
  if (stage_ == Stage::finished) return;
  if (dialect_.is_reply(in.bytes)) return receive_reply(now, in, out);
  Request request;
  if (dialect_.read_request(in.bytes, &request) != ParseError::none) return;
  if (request.method == Method::ping) answer_ping(in.path, request.transaction, out);
}

void Client::receive_reply(Instant now, const Datagram& in, Outbox& out) {
  const Match match = in_flight_.match(now, dialect_.transaction_of(in.bytes), in.path.remote);
  if (match.result != MatchResult::answered) return;
  round_trips_.sample(in.path.remote, match.round_trip);
  round_trips_.sample_of_node(match.round_trip);
  Reply reply;
  const bool is_good = dialect_.read_reply(in.bytes, match.call.method, &reply) == ParseError::none;
  if (!is_good && match.call.purpose == Purpose::bootstrap) {
    return take_nonsense(now, match.call.row, out);
  }
  if (!is_good && match.call.purpose != Purpose::store) {  // It answers, but is of no use.
    return overdue(now, match.call, Overdue::expired, out);
  }
  switch (match.call.purpose) {
    case Purpose::bootstrap:
      return take_pong(now, match, reply.responder, out);
    case Purpose::lookup:
      return take_lookup_answer(now, match, reply, out);
    case Purpose::command:
      return remember_named(match.call.to, std::span(reply.contacts).first(reply.contacts_count));
    case Purpose::store:  // Anything but `true` counts as no.
      return take_stored(match.call.row, is_good && reply.stored);
    default:
      CHECK(false);  // A client makes no other calls.
  }
}

void Client::advance(Instant now, Outbox& out) {
  if (stage_ == Stage::finished) return;
  CHECK(stage_ != Stage::pausing || look_again_at_);
  if (now >= deadline_) return end_in_time();
  retry_at_.reset();
  in_flight_.advance(now, [&](const Call& call, Overdue what) { overdue(now, call, what, out); });
  if (stage_ == Stage::greeting) settle_greeting(now, out);
  if (stage_ == Stage::pausing && now >= *look_again_at_) begin_lookup(now, out);
  if (stage_ == Stage::looking) pump(now, out);
  for (size_t i = 0; stage_ == Stage::storing && i < targets_.size(); ++i) {
    if (!targets_[i].is_sent) store(now, i, 0, out);
  }
}

std::optional<Instant> Client::next_wakeup() const {
  if (stage_ == Stage::finished) return std::nullopt;
  Instant wakeup = deadline_;
  if (const auto calls = in_flight_.next_wakeup()) wakeup = std::min(wakeup, *calls);
  if (stage_ == Stage::greeting && greeting_ends_) wakeup = std::min(wakeup, *greeting_ends_);
  if (stage_ == Stage::pausing) wakeup = std::min(wakeup, *look_again_at_);
  if (retry_at_) wakeup = std::min(wakeup, *retry_at_);
  return wakeup;
}

bool Client::send(Instant now, const Call& call, const Id& sender, Outbox& out) {
  const Ask ask = ask_for(call.method);
  const MutableBytes room = out.reserve(dialect_.request_size_max(ask));
  std::optional<Transaction> transaction;
  if (!room.empty()) transaction = in_flight_.open(now, call, round_trips_.timeout(call.to));
  if (!transaction) {
    retry_at_ = now + timer_tick;
    return false;
  }
  const size_t size = dialect_.encode_request(
      room, Bytes(*transaction).first(in_flight_.transaction_bytes()), sender, ask);
  CHECK(size > 0);
  out.commit({call.to, {}}, size);
  return true;
}

Ask Client::ask_for(Method method) const {
  if (method == Method::ping) return {method};
  if (method != Method::store) return {method, plan_.target};
  if (plan_.task == ClientTask::get) return {method, plan_.target, result_.value, path_copy_age};
  return {method, plan_.target, plan_.value};
}

void Client::answer_ping(const Path& path, Bytes transaction, Outbox& out) const {
  const MutableBytes room = out.reserve(dialect_.traits().pong_size);
  if (!room.empty()) out.commit(path, dialect_.encode_pong(room, transaction, client_id));
}

// ---- Greeting: a ping to each via node, because only a pong tells which node answers.

void Client::greet(Instant now, size_t index, Outbox& out) {
  const Via& via = plan_.vias[index];
  ViaState& state = vias_[index];
  const uint8_t attempt = state.pings > 0;
  const Call call{
      Purpose::bootstrap,          Method::ping, attempt, via.endpoint, std::nullopt, {},
      static_cast<uint16_t>(index)};
  if (!send(now, call, via.named ? via.named->id : client_id, out)) return;
  ++state.open_count;
  ++state.pings;
  CHECK(state.open_count <= pings_open_max);
}

// A silent node may be starting, or the path to it lossy: it is asked until the command's time is
// up.
void Client::greet_again(Instant now, size_t index, Outbox& out) {
  const ViaState& via = vias_[index];
  if (via.id || via.is_given_up || via.open_count >= pings_open_max) return;
  if (via.pings < plan_.pings_max) greet(now, index, out);
}

// A node whose pong is malformed answers at once: it is asked again at once, but only once.
void Client::take_nonsense(Instant now, size_t index, Outbox& out) {
  CHECK(index < vias_.size());
  ViaState& via = vias_[index];
  CHECK(via.open_count > 0);
  --via.open_count;
  if (stage_ != Stage::greeting) return;
  via.is_given_up = via.pings > 1;
  greet_again(now, index, out);
  settle_greeting(now, out);
}

void Client::closed(Instant now, const Endpoint& to, Outbox& out) {
  if (stage_ != Stage::greeting) return;
  for (size_t i = 0; i < vias_.size(); ++i) {
    if (plan_.vias[i].endpoint == to && !vias_[i].id) {
      vias_[i].is_closed = vias_[i].is_given_up = true;
    } else {
      greet_again(now, i, out);  // Perhaps its own ping was refused by the kernel.
    }
  }
  settle_greeting(now, out);
}

void Client::take_pong(Instant now, const Match& match, const Id& responder, Outbox& out) {
  CHECK(match.call.row < vias_.size());
  ViaState& via = vias_[match.call.row];
  CHECK(via.open_count > 0);
  --via.open_count;
  if (stage_ != Stage::greeting || via.id) return;
  via.id = responder;
  via.round_trip = match.round_trip;
  if (plan_.task == ClientTask::ping) {
    result_.nodes.push_back({{responder, match.call.to}, match.round_trip});
    return finish(ClientStatus::done);
  }
  if (!greeting_ends_) greeting_ends_ = now + greeting_grace;
  settle_greeting(now, out);
}

bool Client::is_group_done(uint8_t group) const {
  bool is_awaited = false;
  for (size_t i = 0; i < vias_.size(); ++i) {
    if (plan_.vias[i].group != group) continue;
    if (vias_[i].id) return true;
    is_awaited = is_awaited || (vias_[i].open_count > 0 && !vias_[i].is_given_up);
  }
  return !is_awaited;
}

void Client::settle_greeting(Instant now, Outbox& out) {
  CHECK(stage_ == Stage::greeting);
  const bool all_done = std::all_of(plan_.vias.begin(), plan_.vias.end(),
                                    [&](const Via& via) { return is_group_done(via.group); });
  const bool is_over = greeting_ends_ && now >= *greeting_ends_;
  if (!all_done && !is_over) return;
  if (greeting_ends_) return begin_lookup(now, out);
  const bool all_closed =
      std::all_of(vias_.begin(), vias_.end(), [](const ViaState& via) { return via.is_closed; });
  finish(all_closed ? ClientStatus::closed : ClientStatus::no_answer);
}

// ---- The lookup.

void Client::begin_lookup(Instant now, Outbox& out) {
  CHECK(stage_ == Stage::greeting || stage_ == Stage::pausing);
  stage_ = Stage::looking;
  std::array<Contact, vias_max> known;
  size_t count = 0;
  for (size_t i = 0; i < vias_.size(); ++i) {
    if (!vias_[i].id) continue;
    known[count++] = {*vias_[i].id, plan_.vias[i].endpoint};
    (plan_.vias[i].endpoint.is_ipv4() ? reaches_ipv4_ : reaches_ipv6_) = true;
  }
  CHECK(count > 0);  // Else the greeting would not have led here.
  LookupPlan plan;
  plan.kind = plan_.task == ClientTask::get ? LookupKind::find_value : LookupKind::find_node;
  plan.self = client_id;
  plan.target = plan_.target;
  lookup_.start(plan, std::span(known).first(count));
  std::fill(asked_.begin(), asked_.end(), Asked{});
  if (plan_.task == ClientTask::get) ask_for_names(now, out);
  pump(now, out);
}

void Client::pump(Instant now, Outbox& out) {
  CHECK(stage_ == Stage::looking);
  const Method method = plan_.task == ClientTask::get ? Method::find_value : Method::find_node;
  while (const auto row = lookup_.next()) {
    CHECK(*row < asked_.size());
    const Contact& contact = lookup_.contact(*row);
    const Call call{Purpose::lookup, method, 0, contact.endpoint, contact.id, {}, *row};
    asked_[*row] = {sender_for(*row), std::nullopt};
    if (send(now, call, asked_[*row].sender, out)) continue;
    lookup_.postponed(*row);
    break;
  }
  if (lookup_.is_finished()) end_lookup(now, out);
}

// A via node that holds the value names no contacts in its answer, and would be asked under
// client_id for ever.
void Client::ask_for_names(Instant now, Outbox& out) {
  for (size_t i = 0; i < vias_.size(); ++i) {
    const Via& via = plan_.vias[i];
    if (!vias_[i].id || via.named) continue;
    const Call call{Purpose::command,        Method::find_node, 0, via.endpoint, vias_[i].id, {},
                    static_cast<uint16_t>(i)};
    send(now, call, client_id, out);
  }
}

// Implements the rule in the header's first comment.
Id Client::sender_for(Lookup::Row row) const {
  if (const auto namer = lookup_.named_by(row)) return lookup_.contact(*namer).id;
  for (size_t i = 0; i < vias_.size(); ++i) {
    if (plan_.vias[i].endpoint != lookup_.contact(row).endpoint) continue;
    if (const auto named = name_for_next_time(vias_[i])) return named->id;
    return plan_.vias[i].named ? plan_.vias[i].named->id : client_id;
  }
  return client_id;
}

void Client::take_lookup_answer(Instant now, const Match& match, const Reply& reply, Outbox& out) {
  if (stage_ != Stage::looking) return;
  const auto row = static_cast<Lookup::Row>(match.call.row);
  CHECK(row < asked_.size() && !asked_[row].round_trip);
  asked_[row].round_trip = match.round_trip;
  if (reply.has_value) {
    lookup_.answered_value(row, reply.value, values_);
    return pump(now, out);
  }
  std::array<Contact, reply_contacts_kept> usable;
  size_t count = 0;
  for (size_t i = 0; i < reply.contacts_count; ++i) {
    const Contact& contact = reply.contacts[i];
    const bool has_family = contact.endpoint.is_ipv4() ? reaches_ipv4_ : reaches_ipv6_;
    if (has_family && is_in_reach(contact.endpoint, match.call.to)) usable[count++] = contact;
  }
  remember_named(match.call.to, std::span(usable).first(count));
  if (const Contact* left_out = left_out_of(row, reply.contacts_count)) usable[count++] = *left_out;
  CHECK(count <= usable.size());
  lookup_.answered(row, std::span(usable).first(count));
  pump(now, out);
}

const Contact* Client::left_out_of(Lookup::Row row, size_t contacts_count) const {
  if (contacts_count >= bucket_size) return nullptr;
  for (const Via& via : plan_.vias) {
    const bool was_asked_so = via.named && via.named->id == asked_[row].sender &&
                              via.endpoint == lookup_.contact(row).endpoint;
    if (was_asked_so) return &*via.named;
  }
  return nullptr;
}

void Client::remember_named(const Endpoint& responder, std::span<const Contact> named) {
  CHECK(named.size() <= reply_contacts_kept);
  for (size_t i = 0; i < vias_.size(); ++i) {
    if (plan_.vias[i].endpoint != responder) continue;
    ViaState& via = vias_[i];
    via.named_count = 0;
    for (const Contact& contact : named) {
      if (contact.id != client_id && contact.id != via.id) {
        via.named[via.named_count++] = contact;
      }
    }
  }
}

std::optional<Lookup::Row> Client::row_of(const Contact& contact) const {
  for (size_t row = 0; row < asked_.size(); ++row) {
    const auto at = static_cast<Lookup::Row>(row);
    if (asked_[row].round_trip && lookup_.contact(at) == contact) return at;
  }
  return std::nullopt;
}

void Client::end_lookup(Instant now, Outbox& out) {
  CHECK(result_.nodes.empty());  // An earlier lookup, if any, found nobody.
  std::array<Contact, bucket_size> nearest;
  const size_t count = lookup_.results(nearest);
  for (size_t i = 0; i < count; ++i) {
    const auto row = row_of(nearest[i]);
    result_.nodes.push_back({nearest[i], row ? *asked_[*row].round_trip : Duration{}});
  }
  if (const auto value = lookup_.value(values_)) result_.value.assign(value->begin(), value->end());
  const bool has_value = !result_.value.empty();
  const auto lacking = lookup_.nearest_without_value();
  lookup_.release(values_);
  if (plan_.task == ClientTask::get && has_value) {
    if (!lacking) return finish(ClientStatus::done);
    return begin_stores(now, std::span(&*lacking, 1), out);
  }
  if (count == 0) {  // One lost datagram to the only via node looks like this.
    look_again_at_ = now + lookup_pause;
    stage_ = Stage::pausing;
    return;
  }
  if (plan_.task == ClientTask::get) return finish(ClientStatus::not_found);
  if (plan_.task == ClientTask::find) return finish(ClientStatus::done);
  begin_stores(now, std::span(nearest).first(count), out);
}

// ---- Stores.

void Client::begin_stores(Instant now, std::span<const Contact> contacts, Outbox& out) {
  CHECK(targets_.empty() && !contacts.empty() && contacts.size() <= bucket_size);
  stage_ = Stage::storing;
  for (const Contact& contact : contacts) {
    const auto row = row_of(contact);
    Target target;
    target.contact = contact;
    target.sender = row ? sender_for(*row) : client_id;
    targets_.push_back(target);
  }
  for (size_t i = 0; i < targets_.size(); ++i) store(now, i, 0, out);
}

void Client::store(Instant now, size_t index, uint8_t attempt, Outbox& out) {
  CHECK(index < targets_.size() && attempt <= 1);
  Target& target = targets_[index];
  const Contact& contact = target.contact;
  const Call call{Purpose::store,
                  Method::store,
                  attempt,
                  contact.endpoint,
                  contact.id,
                  {},
                  static_cast<uint16_t>(index)};
  if (!send(now, call, target.sender, out)) return;
  target.is_sent = true;
  ++target.open_count;
  CHECK(target.open_count <= 2);  // One, and its retry.
}

void Client::take_stored(size_t index, bool was_stored) {
  CHECK(index < targets_.size());
  Target& target = targets_[index];
  CHECK(target.open_count > 0);
  --target.open_count;
  if (stage_ != Stage::storing || target.is_decided) return;
  target.is_decided = true;
  ++(was_stored ? result_.stored : result_.refused);
  settle_stores();
}

void Client::settle_stores() {
  for (const Target& target : targets_) {
    if (!target.is_decided) return;
  }
  CHECK(result_.stored + result_.refused + result_.silent == targets_.size());
  if (plan_.task == ClientTask::get || result_.stored > 0) return finish(ClientStatus::done);
  finish(result_.refused > 0 ? ClientStatus::refused : ClientStatus::no_answer);
}

void Client::store_again(Instant now, Outbox& out) {
  CHECK(result_.stored == 0 && result_.refused == 0);
  result_.silent = 0;
  for (Target& target : targets_) {
    CHECK(target.open_count == 0);  // No answer to it can come.
    target = {target.contact, target.sender};
  }
  for (size_t i = 0; i < targets_.size(); ++i) store(now, i, 0, out);
}

// ---- Silence, and the end.

void Client::overdue(Instant now, const Call& call, Overdue what, Outbox& out) {
  const bool is_expired = what == Overdue::expired;
  if (call.purpose == Purpose::bootstrap && stage_ == Stage::greeting) {
    ViaState& via = vias_[call.row];
    CHECK(via.open_count > 0);
    if (is_expired) --via.open_count;
    greet_again(now, call.row, out);
    return settle_greeting(now, out);
  }
  if (call.purpose == Purpose::lookup && stage_ == Stage::looking) {
    const auto row = static_cast<Lookup::Row>(call.row);
    is_expired ? lookup_.failed(row) : lookup_.slow(row);
    return pump(now, out);
  }
  if (call.purpose != Purpose::store || stage_ != Stage::storing) return;
  Target& target = targets_[call.row];
  CHECK(target.open_count > 0);
  if (is_expired) --target.open_count;
  if (target.is_decided) return;
  if (!target.was_repeated) {
    target.was_repeated = true;
    store(now, call.row, 1, out);
    return;
  }
  // A get has its value: it does not wait 5 s for the copy. A set counts late answers too.
  if (plan_.task != ClientTask::get && target.open_count > 0) return;
  target.is_decided = true;
  ++result_.silent;
  const bool is_silence = plan_.task != ClientTask::get && result_.silent == targets_.size();
  is_silence ? store_again(now, out) : settle_stores();
}

void Client::end_in_time() {
  if (stage_ == Stage::greeting || stage_ == Stage::pausing) {
    return finish(ClientStatus::no_answer);
  }
  if (stage_ == Stage::storing) {
    for (Target& target : targets_) {
      if (!target.is_decided) ++result_.silent;
      target.is_decided = true;
    }
    return settle_stores();
  }
  const auto value = lookup_.value(values_);
  if (value) result_.value.assign(value->begin(), value->end());
  lookup_.release(values_);
  if (value) return finish(ClientStatus::done);
  std::array<Contact, 1> nearest;
  finish(lookup_.results(nearest) > 0 ? ClientStatus::timed_out : ClientStatus::no_answer);
}

std::optional<Contact> Client::name_for_next_time(const ViaState& via) const {
  // One that answers will not soon be dropped there. Else any that it named.
  for (size_t i = 0; i < via.named_count; ++i) {
    for (size_t row = 0; row < asked_.size(); ++row) {
      const bool has_answered = asked_[row].round_trip.has_value();
      if (has_answered && lookup_.contact(static_cast<Lookup::Row>(row)) == via.named[i]) {
        return via.named[i];
      }
    }
  }
  if (via.named_count > 0) return via.named[0];
  return std::nullopt;
}

void Client::finish(ClientStatus status) {
  CHECK(stage_ != Stage::finished);
  for (size_t i = 0; i < vias_.size(); ++i) {
    const Via& via = plan_.vias[i];
    if (const auto named = name_for_next_time(vias_[i])) {
      result_.named.push_back({via.endpoint, *named});
    } else if (via.named && vias_[i].id && !row_of(*via.named)) {
      result_.forgotten.push_back(via.endpoint);
    }
  }
  result_.status = status;
  stage_ = Stage::finished;
}

}  // namespace xord
