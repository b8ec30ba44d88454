// The contacts of one shard: what we learn about them, and which shards hear of it. The owner of a
// contact's bucket decides, and every shard's replica follows. Owns the table and what protects it:
// which sources are proven, and which contacts were heard from or asked for lately. Sends the
// table's pings; starts no lookups: a refresh that is due is an event.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

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

  // Whether we could send to it: we have a socket of its family, its address is not unspecified,
  // multicast or link-local, and it is not ourselves.
  bool is_usable(const Contact& contact) const;
  // Whether the word of a node at `namer` makes us send to `contact`: it must be usable, and its
  // address must reach as far as that of `namer`. Otherwise anyone could have us send to our own
  // host or site, or to a site behind us, by naming addresses there.
  bool is_usable(const Contact& contact, const Endpoint& namer) const;
  // The contacts of the reply of `namer` that are usable so, collected in `usable`.
  std::span<const Contact> usable_of(const Reply& reply, const Endpoint& namer,
                                     UsableContacts& usable) const;

  // Whether `source` answered a transaction of ours lately, on any shard, so it is not forged; or a
  // contact that answered us is filed there, and did not fall silent since.
  bool is_proven(const Endpoint& source, Instant now) const {
    return proven_.is_proven(source, now) || table_.is_answerable_at(source);
  }
  // As ProvenSources.
  template <class Visit>
  void for_each_proven_at(const IpAddress& address, Instant now, Visit&& visit) const {
    proven_.for_each_at(address, now, visit);
  }
  void fetch_ahead(const Endpoint& source) const { proven_.fetch_ahead(source); }
  // ProvenSources::swap_trusted()
  void swap_trusted(std::vector<Subnet>& other) { proven_.swap_trusted(other); }
  // `source` answered a transaction on this shard. Notifies the other shards, unless they were
  // notified lately.
  void prove(const Turn& turn, const Endpoint& source);

  // A request came from `contact`, whose source is proven. A newcomer is pinged, unless its address
  // has had its limit of bytes.
  void heard_from(const Turn& turn, const Contact& contact);
  // What the outcome of a call tells us about the node it was sent to.
  void learn_from(const Turn& turn, const Outcome& outcome);

  // For an answer that would name `contacts`: pings those that must, or should, answer first.
  // Returns one that must, or no_contact. Those in `arrived` have answered. At most
  // named_pings_max pings per call of the node.
  ContactHandle want(const Turn& turn, std::span<const ContactHandle> contacts,
                     std::span<const ContactHandle> arrived);

  // Messages from other shards.
  void deliver(const Turn& turn, const EvidenceMessage& message);
  void deliver(const Turn& turn, const ContactWantedMessage& message);
  void deliver(const Turn& turn, const ContactChangedMessage& message);
  void deliver(const Turn& turn, const ProvenMessage& message);

  // As RoutingTable, with the round trips.
  RoutingTable::Listed list(const Id& near, const Id& from, Instant now,
                            std::span<ContactRow> out) const;

  // Restores a contact saved by an earlier run, as Node::restore().
  void restore(const Turn& turn, const Contact& contact, Duration age);
  // Sends upkeep pings, and reports refreshes that are due.
  void advance(const Turn& turn, Rng& rng);
  std::optional<Instant> next_wakeup() const { return table_.next_wakeup(); }
  // At the end of each call of the node: sends the other shards what the table decided in it.
  void end_turn(const Turn& turn) {
    if (!table_.changes().empty()) [[unlikely]]
      broadcast_changes(turn);
    named_pings_ = 0;
  }

 private:
  void learn(const Turn& turn, const Contact& contact, Evidence evidence);
  void learn_from_answer(const Turn& turn, const Outcome& outcome);
  void learn_failure(const Turn& turn, const Contact& contact);
  void learn_displaced(const Turn& turn, const Contact& contact);
  void want(const Turn& turn, const Contact& contact);
  void act(const Turn& turn, const TableAction& action);
  // Charges a ping and its repetition to `address`; false beyond its limit.
  bool may_ping_newcomer(const Turn& turn, const IpAddress& address);
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
