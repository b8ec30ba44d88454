// Our requests: sends them, and matches the replies. Owns the open calls and the round-trip
// estimates. Knows neither lookups nor tables: a call names its owner, and the caller passes each
// outcome on. It sends nothing a second time on its own. It counts what became of the calls of each
// method (NodeCounters::calls), and how long those that were answered took.
#pragma once

#include <cstdint>
#include <optional>

#include "node/calls/in_flight.h"
#include "node/calls/inbound_watch.h"
#include "node/calls/outcome.h"
#include "node/calls/ping_cookies.h"
#include "node/calls/round_trip.h"
#include "node/node_context.h"
#include "node/turn.h"
#include "node/wire/message.h"
#include "reactor/base/datagram.h"

namespace xord {

class Requester {
 public:
  Requester(const NodeContext& node, Instant start);

  // Opens `call`, setting its method to that of `ask`, and sends it from `local`: by default from
  // this network's socket, and the kernel chooses the address. False, and counted, when there is no
  // free slot or no room in the outbox.
  bool send(const Turn& turn, Call call, const Ask& ask, const LocalAddress& local = {});

  // Pings `to` without a call: takes no slot, so that strangers cannot use them up, and is never
  // repeated. The outcome of its pong is by cookie; its silence has no outcome. False, and counted,
  // when there is no room in the outbox.
  bool ping_stranger(const Turn& turn, const Endpoint& to, const LocalAddress& local);

  // Retries `call`, a ping that is slow, as a new transaction; the first stays open. False if it is
  // itself a retry, or could not be sent.
  bool repeat_ping(const Turn& turn, const Call& call);

  // The outcome of the reply `datagram`. Empty, and counted, if it answers no open call or belongs
  // to another shard, to which it is then forwarded. `*reply` is filled in when the outcome is
  // `answered`; it borrows the datagram's bytes.
  std::optional<Outcome> receive(const Turn& turn, const Datagram& datagram, Reply* reply);
  // A request with this transaction reached us: if it belongs to a call of ours, we asked
  // ourselves, and its outcome will say so. True if there is such a call.
  bool came_back(Bytes transaction) { return in_flight_.came_back(transaction); }
  // The shard that a reply or a returned request with `transaction` belongs to, if not this one.
  std::optional<ShardIndex> other_shard_of(Bytes transaction) const;

  // Calls handle(const Outcome&) for every call that became slow or expired by `now`, earliest
  // first. `handle` may send.
  template <class Handle>
  void advance(Instant now, Handle&& handle) {
    in_flight_.advance(now, [&](const Call& call, Overdue what) {
      if (what == Overdue::expired) count(call, CallOutcome::expired);
      Outcome outcome;
      outcome.kind = what == Overdue::slow ? Outcome::Kind::slow : Outcome::Kind::expired;
      outcome.call = call;
      handle(static_cast<const Outcome&>(outcome));
    });
  }
  std::optional<Instant> next_wakeup() const { return in_flight_.next_wakeup(); }

  uint32_t open_count() const { return in_flight_.open_count(); }
  // Told of each call here; the caller tells it of requests.
  InboundWatch& inbound() { return inbound_; }
  // Records a round trip: of one contact, or of the filed contacts as a whole.
  void sample(const Endpoint& contact, Duration round_trip) {
    round_trips_.sample(contact, round_trip);
  }
  void sample_of_node(Duration round_trip) { round_trips_.sample_of_node(round_trip); }
  // How long a call to `endpoint` may take before it is slow.
  Duration timeout(const Endpoint& endpoint) const { return round_trips_.timeout(endpoint); }
  // As RoundTrips.
  std::optional<Duration> smoothed(const Endpoint& endpoint) const {
    return round_trips_.smoothed(endpoint);
  }

 private:
  void count(const Call& call, CallOutcome outcome) const {
    node_.counters.calls.add(call.method, outcome);
  }
  // Encodes `ask` into `buffer`, the last span reserved in the outbox, and commits it.
  void commit(const Turn& turn, MutableBytes buffer, const Transaction& transaction,
              const Endpoint& to, const Ask& ask, const LocalAddress& local);
  // The outcome of a pong that proves its source; empty, and counted, if it does not parse.
  std::optional<Outcome> receive_cookie(const Datagram& datagram, Reply* reply);

  const NodeContext node_;
  RoundTrips round_trips_;
  InFlight in_flight_;
  PingCookies cookies_;
  InboundWatch inbound_;
};

}  // namespace xord
