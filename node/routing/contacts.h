// The contacts of one shard: what is learnt about them, and who is told. The owner of a contact's
// bucket decides, every shard's replica follows. Owns the table and what protects it: which sources
// are proven, who was heard or asked for lately. Sends the table's pings; starts no lookup: that a
// refresh is due is an event.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "node/admission/proven.h"
#include "node/calls/outcome.h"
#include "node/calls/requester.h"
#include "node/node_context.h"
#include "node/routing/contact_messages.h"
#include "node/routing/recent_filter.h"
#include "node/routing/routing_table.h"
#include "node/turn.h"
#include "reactor/base/rng.h"

namespace xord {

using UsableContacts = std::array<Contact, reply_contacts_kept>;

class Contacts {
 public:
  // `book` and `requester` are borrowed.
  Contacts(const NodeContext& node, ContactBook& book, Requester& requester, Instant start);

  RoutingTable& table() { return table_; }
  const RoutingTable& table() const { return table_; }
  const ContactBook& book() const { return book_; }

  // Whether we could send to it: of a family that we have sockets for, no address that stands for
  // many or none, not ourselves.
  bool is_usable(const Contact& contact) const;
  // Those of `reply` that are; in `usable`.
  std::span<const Contact> usable_of(const Reply& reply, UsableContacts& usable) const;

  // Whether `source` answered a transaction of ours lately, on any shard: it is not forged.
  bool is_proven(const Endpoint& source, Instant now) const {
    return proven_.is_proven(source, now);
  }
  void fetch_ahead(const Endpoint& source) const { proven_.fetch_ahead(source); }
  // It did, on this shard; the others are told if it is news.
  void prove(const Turn& turn, const Endpoint& source);

  // A request came from `contact`, whose source is proven.
  void heard_from(const Turn& turn, const Contact& contact);
  // What the outcome of a call says of the node that it was sent to.
  void learn_from(const Turn& turn, const Outcome& outcome);

  // For an answer that is to name `contacts`: has those pinged that must answer before, or should.
  // Returns one that must, or no_contact. At most named_pings_max pings in one call of the node.
  ContactHandle want(const Turn& turn, std::span<const ContactHandle> contacts);

  // What another shard says.
  void deliver(const Turn& turn, const EvidenceMessage& message);
  void deliver(const Turn& turn, const ContactWantedMessage& message);
  void deliver(const Turn& turn, const ContactChangedMessage& message);
  void deliver(const Turn& turn, const ProvenMessage& message);

  // A contact saved by an earlier run, as Node::restore().
  void restore(const Turn& turn, const Contact& contact, Duration age);
  // Pings for upkeep, and refreshes.
  void advance(const Turn& turn, Rng& rng);
  std::optional<Instant> next_wakeup() const { return table_.next_wakeup(); }
  // At the end of each call of the node: the other shards follow what the table decided in it.
  void end_turn(const Turn& turn);

 private:
  void learn(const Turn& turn, const Contact& contact, Evidence evidence);
  void learn_from_answer(const Turn& turn, const Outcome& outcome);
  void learn_failure(const Turn& turn, const Contact& contact);
  void learn_displaced(const Turn& turn, const Contact& contact);
  void want(const Turn& turn, const Contact& contact);
  void act(const Turn& turn, const TableAction& action);
  void broadcast_changes(const Turn& turn);

  const NodeContext node_;
  ContactBook& book_;
  Requester& requester_;
  RoutingTable table_;
  ProvenSources proven_;
  RecentFilter heard_;
  RecentFilter wanted_;
  uint32_t named_pings_ = 0;  // Sent in this call of the node.
};

}  // namespace xord
