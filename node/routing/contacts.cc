#include "node/routing/contacts.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {

Contacts::Contacts(const NodeContext& node, ContactBook& book, Requester& requester, Instant start)
    : node_(node),
      book_(book),
      requester_(requester),
      table_(node.config.routing, node.self, node.link.self(), node.link.shards(), book, start),
      proven_(node.config.budget.proven_sources, node.secrets.hash_seed, node.config.trusted,
              node.ledger),
      heard_(node.config.budget.heard_contacts, node.secrets.hash_seed),
      wanted_(node.config.budget.wanted_contacts, node.secrets.hash_seed, named_trust_min / 2) {}

bool Contacts::is_usable(const Contact& contact) const {
  const bool has_family =
      contact.endpoint.is_ipv4() ? node_.config.has_ipv4 : node_.config.has_ipv6;
  return has_family && contact.endpoint.is_askable() && contact.id != node_.self;
}

bool Contacts::is_usable(const Contact& contact, const Endpoint& namer) const {
  if (!is_usable(contact)) return false;
  if (node_.config.allow_private_contacts || is_in_reach(contact.endpoint, namer)) return true;
  node_.count(NodeCounter::contacts_out_of_reach);
  return false;
}

std::span<const Contact> Contacts::usable_of(const Reply& reply, const Endpoint& namer,
                                             UsableContacts& usable) const {
  DCHECK(reply.contacts_count <= reply.contacts.size());
  size_t count = 0;
  for (size_t i = 0; i < reply.contacts_count; ++i) {
    if (is_usable(reply.contacts[i], namer)) usable[count++] = reply.contacts[i];
  }
  return std::span(usable).first(count);
}

void Contacts::prove(const Turn& turn, const Endpoint& source) {
  const bool is_news = !proven_.is_proven(source, turn.now + proven_lifetime / 2);
  proven_.prove(source, turn.now);
  if (is_news) node_.link.tell_others(turn, ProvenMessage{{}, source});
}

void Contacts::heard_from(const Turn& turn, const Contact& contact) {
  learn(turn, contact, Evidence::queried_us);
}

void Contacts::learn_from(const Turn& turn, const Outcome& outcome) {
  const Call& call = outcome.call;
  switch (outcome.kind) {
    case Outcome::Kind::answered:
      learn_from_answer(turn, outcome);
      return;
    case Outcome::Kind::malformed:
    case Outcome::Kind::expired:
      if (call.responder) learn_failure(turn, {*call.responder, call.to});
      return;
    case Outcome::Kind::slow:
      return;
  }
}

void Contacts::learn_from_answer(const Turn& turn, const Outcome& outcome) {
  const Call& call = outcome.call;
  const bool is_pong = call.method == Method::ping;
  const bool names_sender = is_pong || node_.dialect.traits().every_reply_names_its_sender;
  if (!names_sender && !call.responder) return;
  const Contact contact{names_sender ? outcome.reply->responder : *call.responder, call.to};
  const bool was_filed = table_.is_filed(contact);
  if (names_sender && call.responder && *call.responder != contact.id) {
    learn_displaced(turn, {*call.responder, call.to});
  }
  learn(turn, contact, names_sender ? Evidence::ponged : Evidence::answered);
  if (outcome.is_by_cookie) return;  // Nobody knows when it was pinged.
  // An answer to a find may have waited for other nodes. A stranger's sample counts for itself
  // only, and even that only if its pong filed it: otherwise strangers would push out the samples
  // of contacts.
  if (!is_pong && call.method != Method::store) return;
  if (was_filed) requester_.sample_of_node(outcome.round_trip);
  if (was_filed || table_.is_filed(contact)) requester_.sample(call.to, outcome.round_trip);
}

void Contacts::learn(const Turn& turn, const Contact& contact, Evidence evidence) {
  // Requests tell us little, and a busy contact sends thousands: we report one a minute. Asked
  // first, because it ends most calls.
  if (evidence == Evidence::queried_us && !heard_.is_first(contact, turn.now)) return;
  if (!is_usable(contact)) return;
  const ShardIndex owner = table_.owner_of(contact.id);
  if (owner == node_.link.self()) {
    act(turn, table_.observe(contact, evidence, turn.now));
  } else {
    node_.link.tell(turn, owner, EvidenceMessage{{}, Learnt::heard, evidence, contact});
  }
}

void Contacts::learn_failure(const Turn& turn, const Contact& contact) {
  const ShardIndex owner = table_.owner_of(contact.id);
  if (owner == node_.link.self()) {
    act(turn, table_.failed(contact, turn.now));
  } else {
    node_.link.tell(turn, owner, EvidenceMessage{{}, Learnt::failed, {}, contact});
  }
}

void Contacts::learn_displaced(const Turn& turn, const Contact& contact) {
  const ShardIndex owner = table_.owner_of(contact.id);
  if (owner == node_.link.self()) {
    table_.displaced(contact, turn.now);
  } else {
    node_.link.tell(turn, owner, EvidenceMessage{{}, Learnt::displaced, {}, contact});
  }
}

ContactHandle Contacts::want(const Turn& turn, std::span<const ContactHandle> contacts,
                             std::span<const ContactHandle> arrived) {
  ContactHandle awaited = no_contact;
  for (const ContactHandle contact : contacts) {
    const Standing standing = table_.standing(contact);
    if (standing == Standing::trusted) continue;
    if (std::find(arrived.begin(), arrived.end(), contact) != arrived.end()) continue;
    if (standing == Standing::awaited && awaited == no_contact) awaited = contact;
    if (named_pings_ == named_pings_max) continue;
    if (wanted_.is_first(book_.contact(contact), turn.now)) want(turn, book_.contact(contact));
  }
  return awaited;
}

void Contacts::want(const Turn& turn, const Contact& contact) {
  CHECK(named_pings_ < named_pings_max);
  ++named_pings_;
  const ShardIndex owner = table_.owner_of(contact.id);
  if (owner == node_.link.self()) {
    act(turn, table_.want(contact, turn.now));
  } else {
    node_.link.tell(turn, owner, ContactWantedMessage{{}, contact});
  }
}

void Contacts::act(const Turn& turn, const TableAction& action) {
  switch (action.kind) {
    case TableAction::Kind::none:
      return;
    case TableAction::Kind::ping_newcomer:
      if (!may_ping_newcomer(turn, action.contact.endpoint.address)) return;
      node_.count(NodeCounter::pings_of_newcomers);
      break;
    case TableAction::Kind::ping_oldest:
      node_.count(NodeCounter::pings_before_eviction);
      break;
    case TableAction::Kind::ping_upkeep:
      node_.count(NodeCounter::pings_of_upkeep);
      break;
    case TableAction::Kind::ping_silent:
      node_.count(NodeCounter::pings_of_silent);
      break;
    case TableAction::Kind::ping_named:
      node_.count(NodeCounter::pings_of_named);
      break;
    case TableAction::Kind::refresh:
      node_.count(NodeCounter::refreshes);
      turn.events.push({Event::Kind::refresh_due, {}, action.target});
      return;
  }
  // A contact that was silent, or must answer within the wait, is not pinged a second time.
  DCHECK(action.contact.endpoint.is_askable());  // The table files no other.
  const bool is_repeated =
      action.kind != TableAction::Kind::ping_silent && action.kind != TableAction::Kind::ping_named;
  const Call ping{Purpose::probe,          Method::ping,      static_cast<uint8_t>(!is_repeated),
                  action.contact.endpoint, action.contact.id, {}};
  const bool is_sent = requester_.send(turn, ping, {Method::ping});
  if (!is_sent && action.kind == TableAction::Kind::ping_named) {
    table_.not_asked(action.contact, turn.now);
  }
}

// A source that is proven may ask under ever new ids, and so may anyone in its name.
bool Contacts::may_ping_newcomer(const Turn& turn, const IpAddress& address) {
  const auto bytes = static_cast<uint32_t>(2 * node_.dialect.traits().ping_size);
  bool is_beyond = false;
  const bool may_ping =
      node_.ledger.try_charge(turn.now, address, Charge::excess, bytes, &is_beyond);
  if (is_beyond) node_.count(NodeCounter::limited_pings);
  return may_ping;
}

void Contacts::deliver(const Turn& turn, const EvidenceMessage& message) {
  CHECK(table_.owner_of(message.contact.id) == node_.link.self());  // Else it would be passed on.
  switch (message.learnt) {
    case Learnt::heard:
      act(turn, table_.observe(message.contact, message.evidence, turn.now));
      return;
    case Learnt::failed:
      learn_failure(turn, message.contact);
      return;
    case Learnt::displaced:
      learn_displaced(turn, message.contact);
      return;
  }
}

void Contacts::deliver(const Turn& turn, const ContactWantedMessage& message) {
  act(turn, table_.want(message.contact, turn.now));
}

void Contacts::deliver(const Turn& turn, const ContactChangedMessage& message) {
  table_.apply(message.change, turn.now);
}

void Contacts::deliver(const Turn& turn, const ProvenMessage& message) {
  proven_.prove(message.source, turn.now);
}

RoutingTable::Listed Contacts::list(const Id& near, const Id& from, Instant now,
                                    std::span<ContactRow> out) const {
  const RoutingTable::Listed listed = table_.list_contacts(near, from, now, out);
  for (ContactRow& row : out.first(listed.count)) {
    if (const auto smoothed = requester_.smoothed(row.contact.endpoint)) {
      row.round_trip = static_cast<uint32_t>(smoothed->nanoseconds / 1000);
    }
  }
  return listed;
}

void Contacts::restore(const Turn& turn, const Contact& contact, Duration age) {
  if (!is_usable(contact) || table_.owner_of(contact.id) != node_.link.self()) return;
  table_.restore(contact, turn.now - age, turn.now);
}

void Contacts::advance(const Turn& turn, Rng& rng) {
  table_.advance(turn.now, rng, [&](const TableAction& action) { act(turn, action); });
}

// Changes decided by this shard's table: every other replica applies them, in order. Changes that
// do not fit in the outbox are sent next time, possibly twice, which does no harm.
void Contacts::broadcast_changes(const Turn& turn) {
  CHECK(node_.link.shards() > 1);  // With one, there are no changes.
  size_t sent = 0;
  for (const ContactChange& change : table_.changes()) {
    bool has_room = true;
    for (uint32_t shard = 0; shard < node_.link.shards() && has_room; ++shard) {
      if (shard == node_.link.self()) continue;
      has_room =
          node_.link.tell(turn, static_cast<ShardIndex>(shard), ContactChangedMessage{{}, change});
    }
    if (!has_room) break;
    ++sent;
  }
  table_.changes_sent(sent);
}

}  // namespace xord
