// One client command (ping, find, get, set) as a state machine, behind the same seam as a Node. It
// answers only `ping`, under client_id, and leaves almost nothing behind in the nodes it asks: a
// Python node files any node that asks it, and a contact that has gone costs its lookups 5 s each.
// So each node is asked under the id of *the node that named it*, which it mostly knows already; a
// via node under an id that it once named, or the first time under client_id (docs/DECISIONS.md,
// "Client commands use the id of the node that named the node they ask"). Bounded by the rows of
// one lookup; allocates in its constructor only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "node/calls/in_flight.h"
#include "node/calls/round_trip.h"
#include "node/contact.h"
#include "node/lookup/lookup.h"
#include "node/lookup/value_pool.h"
#include "node/wire/dialect.h"
#include "reactor/base/bytes.h"
#include "reactor/base/datagram.h"
#include "reactor/base/instant.h"

namespace xord {

enum class ClientTask : uint8_t {
  ping,  // Whether a via node answers, which node it is, and how long that took.
  find,  // The k nodes nearest to the target.
  get,   // The value that most of them have, stored again at the nearest that lacks it.
  set,   // Stores the value at the k nearest.
};

// An address to start from. Addresses of one name form a group, of which one answer is enough.
struct Via {
  Endpoint endpoint;
  uint8_t group = 0;
  std::optional<Contact> named;  // A contact that this node once named, from ClientResult::named.
};
constexpr size_t vias_max = 64;

struct ClientPlan {
  ClientTask task{};
  Id target;                       // find, get, set: the key.
  std::vector<uint8_t> value;      // set: one element of the dialect, at most value_size_max bytes.
  std::vector<Via> vias;           // 1..vias_max, no two with the same endpoint.
  Duration timeout = seconds(10);  // For the whole command, from start(). It tries that long.
  uint32_t pings_max = UINT32_MAX;  // To one via node; at most two await their answer at a time.
};

enum class ClientStatus : uint8_t {
  done,       // ping: answered. find: found. get: got a value. set: at least one node stored it.
  not_found,  // get: the lookup ended, and no node asked had a value.
  refused,    // set: no node stored it, and at least one refused.
  no_answer,  // No via node answered, or no node that was asked to store.
  timed_out,  // Some node answered, but the command did not end in time.
  closed,     // No program listens at any via node's endpoint: their hosts said so.
};

struct FoundNode {
  Contact contact;
  Duration round_trip;
};

struct NamedContact {
  Endpoint via;
  Contact named;
};

struct ClientResult {
  ClientStatus status = ClientStatus::no_answer;
  std::vector<FoundNode> nodes;  // ping: the first to answer. find, set: the nearest, in order.
  std::vector<uint8_t> value;    // get: the element as received.
  // set, get: how many nodes acknowledged the value with `true`, answered `false`, did not answer.
  uint32_t stored = 0;
  uint32_t refused = 0;
  uint32_t silent = 0;
  std::vector<NamedContact> named;  // For the next command to these via nodes.
  // Via nodes whose contact of the last time did not answer, and that named no other: forget it.
  std::vector<Endpoint> forgotten;
};

class Client {
 public:
  // `secret` and `seed` must be unguessable and new for each command.
  Client(const Dialect& dialect, ClientPlan plan, const InFlight::Secret& secret, uint64_t seed,
         Instant now);

  // Sends the first requests. Call it once.
  void start(Instant now, Outbox& out);
  // Malformed, unsolicited and forged datagrams change nothing.
  void receive(Instant now, const Datagram& in, Outbox& out);
  // The host of `to` reported that no program listens there (ICMP port unreachable). Heeded only
  // while via nodes are being greeted; afterwards silence says the same.
  void closed(Instant now, const Endpoint& to, Outbox& out);
  void advance(Instant now, Outbox& out);
  // Empty once finished.
  std::optional<Instant> next_wakeup() const;

  // The result is complete, and nothing more is sent.
  bool is_finished() const { return stage_ == Stage::finished; }
  bool is_greeting() const { return stage_ == Stage::greeting; }
  const ClientResult& result() const { return result_; }

 private:
  enum class Stage : uint8_t { greeting, looking, pausing, storing, finished };
  struct ViaState {
    std::optional<Id> id;  // Once it has answered a ping.
    Duration round_trip;
    uint8_t open_count = 0;  // Pings that may still be answered.
    uint32_t pings = 0;
    bool is_closed = false;
    bool is_given_up = false;  // It is closed, or answers pings with nonsense.
    size_t named_count = 0;    // What it named in the lookup.
    std::array<Contact, reply_contacts_kept> named;
  };
  struct Asked {  // By row of the lookup.
    Id sender;
    std::optional<Duration> round_trip;  // Once it has answered.
  };
  struct Target {  // A node at which the value is stored.
    Contact contact;
    Id sender;
    uint8_t open_count = 0;
    bool is_sent = false;  // At least once; false while there was no room.
    bool was_repeated = false;
    bool is_decided = false;
  };

  // Opens `call` and encodes it for `sender`. False, with no effect, when there is no room.
  bool send(Instant now, const Call& call, const Id& sender, Outbox& out);
  Ask ask_for(Method method) const;
  void receive_reply(Instant now, const Datagram& in, Outbox& out);
  void answer_ping(const Path& path, Bytes transaction, Outbox& out) const;

  void greet(Instant now, size_t index, Outbox& out);
  void greet_again(Instant now, size_t index, Outbox& out);
  void take_nonsense(Instant now, size_t index, Outbox& out);
  void take_pong(Instant now, const Match& match, const Id& responder, Outbox& out);
  // Proceeds to the lookup when no via node needs to be waited for any more.
  void settle_greeting(Instant now, Outbox& out);
  bool is_group_done(uint8_t group) const;

  void begin_lookup(Instant now, Outbox& out);
  void ask_for_names(Instant now, Outbox& out);
  // Asks the nodes that the lookup wants asked, and ends it when it is over.
  void pump(Instant now, Outbox& out);
  void take_lookup_answer(Instant now, const Match& match, const Reply& reply, Outbox& out);
  void remember_named(const Endpoint& responder, std::span<const Contact> named);
  void end_lookup(Instant now, Outbox& out);
  Id sender_for(Lookup::Row row) const;
  std::optional<Lookup::Row> row_of(const Contact& contact) const;

  void begin_stores(Instant now, std::span<const Contact> contacts, Outbox& out);
  void store(Instant now, size_t index, uint8_t attempt, Outbox& out);
  void take_stored(size_t index, bool was_stored);
  // Finishes when every target is decided.
  void settle_stores();
  // No node answered: asks all of them once more.
  void store_again(Instant now, Outbox& out);

  void overdue(Instant now, const Call& call, Overdue what, Outbox& out);
  void end_in_time();
  void finish(ClientStatus status);
  // The id under which to ask this via node the next time.
  std::optional<Contact> name_for_next_time(const ViaState& via) const;
  // The contact that the answer to `row` left out because we asked under its id: a node does not
  // name the asker. In a full answer others take its place; null then, and when there is none.
  const Contact* left_out_of(Lookup::Row row, size_t contacts_count) const;

  const Dialect& dialect_;
  ClientPlan plan_;
  ClientResult result_;
  Stage stage_ = Stage::greeting;
  Instant deadline_;
  std::optional<Instant> greeting_ends_;  // Once a node has answered.
  std::optional<Instant> retry_at_;       // Something could not be sent for lack of room.
  std::optional<Instant> look_again_at_;  // While pausing: no node answered the lookup.
  // The address families in which a via node answered: contacts of the other family are not asked,
  // since each would cost its timeout.
  bool reaches_ipv4_ = false;
  bool reaches_ipv6_ = false;
  InFlight in_flight_;
  RoundTrips round_trips_;
  ValuePool values_;
  Lookup lookup_;
  std::vector<ViaState> vias_;  // Parallel to plan_.vias.
  std::vector<Asked> asked_;
  std::vector<Target> targets_;
};

}  // namespace xord
