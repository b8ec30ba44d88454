// Requests of ours: sends them, and matches what comes back. Owns the calls under way and what is
// known of round trips. Knows neither lookups nor tables: a call names its owner, and whoever
// drives the requester hands each outcome on. Nothing here is sent twice by itself.
#pragma once

#include <cstdint>
#include <optional>

#include "node/calls/in_flight.h"
#include "node/calls/outcome.h"
#include "node/calls/round_trip.h"
#include "node/node_context.h"
#include "node/turn.h"
#include "node/wire/message.h"
#include "reactor/base/datagram.h"

namespace xord {

class Requester {
 public:
  Requester(const NodeContext& node, Instant start);

  // Opens `call`, whose method becomes that of `ask`, and sends it from `local`: by default the
  // kernel's choice. False, and counted, when there is no free slot or no room in the outbox.
  bool send(const Turn& turn, Call call, const Ask& ask, const LocalAddress& local = {});

  // `call`, a ping, is slow: sends it once more, as a new transaction; the first stays open. False
  // when it was repeated before, or could not be sent.
  bool repeat_ping(const Turn& turn, const Call& call);

  // What the reply `datagram` decides. Empty, and counted, when it is no answer to an open call, or
  // belongs to another shard, which then gets it. `*reply` is filled in when the outcome says
  // answered; it borrows the datagram's bytes.
  std::optional<Outcome> receive(const Turn& turn, const Datagram& datagram, Reply* reply);
  // A request with this transaction reached us: if a call of ours has it, we asked ourselves, and
  // its outcome will say so. True when there is one.
  bool came_back(Bytes transaction) { return in_flight_.came_back(transaction); }
  // The shard that a reply or a returned request with `transaction` belongs to, if it is another.
  std::optional<ShardIndex> other_shard_of(Bytes transaction) const;

  // Calls handle(const Outcome&) for every call that became slow or expired by `now`, earliest
  // first. It may send.
  template <class Handle>
  void advance(Instant now, Handle&& handle) {
    in_flight_.advance(now, [&](const Call& call, Overdue what) {
      Outcome outcome;
      outcome.kind = what == Overdue::slow ? Outcome::Kind::slow : Outcome::Kind::expired;
      outcome.call = call;
      handle(static_cast<const Outcome&>(outcome));
    });
  }
  std::optional<Instant> next_wakeup() const { return in_flight_.next_wakeup(); }

  uint32_t open_count() const { return in_flight_.open_count(); }
  // Round trips: of a contact, and of all that are filed.
  void sample(const Endpoint& contact, Duration round_trip) {
    round_trips_.sample(contact, round_trip);
  }
  void sample_of_node(Duration round_trip) { round_trips_.sample_of_node(round_trip); }
  // How long a call to `endpoint` is waited for before it is slow.
  Duration timeout(const Endpoint& endpoint) const { return round_trips_.timeout(endpoint); }

 private:
  const NodeContext node_;
  RoundTrips round_trips_;
  InFlight in_flight_;
};

}  // namespace xord
