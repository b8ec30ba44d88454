// Every bound of the node, what it costs, and why it has that value. Constants belong to the
// protocol; a Budget holds the capacities, which are configuration: a production shard and a
// simulated node run the same code with different figures. Nothing in node/ grows beyond what is
// listed here.
#pragma once

#include <algorithm>
#include <cstdint>

#include "node/wire/message.h"
#include "reactor/base/instant.h"

namespace xord {

// ---- The paper's constants.

// k: this many nodes hardly ever all fail within an hour (checklist 10). A full bucket fits one
// answer.
constexpr uint32_t bucket_size = 20;
static_assert(bucket_size <= reply_contacts_kept, "an answer of k contacts is kept whole");
// alpha: calls of one lookup in parallel (checklist 15).
constexpr uint32_t lookup_parallelism = 3;

// ---- Timeouts.

// How long a transaction is open; later answers no longer count. The Python library waits equally
// long, so it sends no answer later than that.
constexpr Duration transaction_lifetime = seconds(5);
// Bounds of the adaptive timeout, after which a call is slow: below 200 ms the scheduler of a busy
// machine looks like a dead contact, and beyond the lifetime there is nothing to wait for.
constexpr Duration adaptive_timeout_min = milliseconds(200);
constexpr Duration adaptive_timeout_max = transaction_lifetime;
// Before any sample (RFC 6298 2.1), and the maximum for a contact without samples of its own: slow
// contacts elsewhere must not decide how long a lookup waits for it.
constexpr Duration adaptive_timeout_unmeasured = seconds(1);
static_assert(adaptive_timeout_min < adaptive_timeout_unmeasured &&
              adaptive_timeout_unmeasured < adaptive_timeout_max);
// A call to a node that has not heard from us lately takes two: its ping and our pong come first.
constexpr int64_t round_trips_of_a_call = 2;
// How long requests of an unproven source are held while we wait for its pong. Shorter than the 5 s
// that the asker waits, or the answer would come too late to be of use.
constexpr Duration held_lifetime = seconds(4);
static_assert(held_lifetime < transaction_lifetime);
// A source that answered a transaction of ours counts as proven for this long (docs/DECISIONS.md,
// "A proof lapses after ten minutes").
constexpr Duration proven_lifetime = minutes(10);
static_assert(held_lifetime < proven_lifetime, "what is held is served under the proof");
// Granularity of all of these: one wheel slot. Being 0.5 ms late hardly matters against 200 ms.
constexpr Duration timer_tick = milliseconds(1);
static_assert(timer_tick * 100 <= adaptive_timeout_min);

// ---- Lookups.

// Contacts that one lookup remembers, 57 bytes each. It asks about 30 to 60 nodes, and each answer
// names k, mostly the same ones; 128 leave room for the k nearest with two thirds of them dead. A
// row index must fit a byte.
constexpr uint32_t lookup_rows_max = 128;
static_assert(lookup_rows_max >= 4 * bucket_size && lookup_rows_max < UINT8_MAX);
// Paths of one lookup (S/Kademlia 4.4), each with its own rows: more than eight find nothing new in
// the k contacts known at the start.
constexpr uint32_t lookup_paths_max = 8;
static_assert(lookup_paths_max <= bucket_size, "each path begins with a contact of its own");
// Contacts of one subnet that a path follows on the word of others: a quarter of its k nearest. The
// owner of a /24 can name any number of contacts there, all nearest to the key.
constexpr uint32_t lookup_subnet_max = bucket_size / 4;
static_assert(lookup_subnet_max > 0);
// Different values that one path of a find_value may bring as candidates; a vote for any further
// one is not counted. Honest nodes hold two at most: the value before and after a new store.
constexpr uint32_t value_candidates_max = 4;

// ---- Joining.

// Endpoints that a join may name: all addresses of all bootstrap names together.
constexpr uint32_t bootstraps_max = 64;

// ---- Replication.

// Each holder republishes a record that no store has reached for this long (tReplicate).
constexpr Duration republish_after = hours(1);

// Nodes of a region that one lookup serves: as ids are spread evenly, the smallest range with k
// nodes around a key has 20 to 40. With more, only the key itself is served. 44 bytes each.
constexpr uint32_t region_contacts_max = 64;
static_assert(region_contacts_max >= 2 * bucket_size);
// Total size of the values being republished or handed over: all may go to one node, whose default
// receive buffer of 208 KiB must hold them.
constexpr uint32_t replication_bytes_max = 128 << 10;
static_assert(replication_bytes_max >= value_size_max);

// ---- Naming.

// Pings that one call of the node sends for answers that name contacts: an answer names k, and a
// source whose requests were held gets several answers at once. The next answer asks the contacts
// left out.
constexpr uint32_t named_pings_max = 16;
// Waiting answers that are sent in one call.
constexpr uint32_t waiting_answers_sent_max = 16;

// ---- Held requests.

// Slots of three sizes: a find_node or find_value is under 100 bytes and a store of a value of 400
// under 500; what fits one unfragmented datagram; the largest legal request.
constexpr uint32_t held_small_size = 512;
constexpr uint32_t held_medium_size = 1'536;
constexpr uint32_t held_large_size = 8'218;
static_assert(held_large_size >= value_size_max + 78);
static_assert(held_small_size < held_medium_size && held_medium_size < held_large_size);
// A joining Python node sends a ping, then three calls at once; more than this while we wait for
// its answer is a flood.
constexpr uint32_t held_per_source_max = 8;

// Capacities of one shard. The defaults are those of a production node: about 40 MB.
struct Budget {
  // Concurrent lookups: refresh, get and set, republish. Full means "refuse the caller", never
  // "queue without bound". 7 KiB each, times NodeConfig::disjoint_paths.
  uint32_t lookups = 1024;
  uint32_t lookup_rows = lookup_rows_max;
  // Candidate values of all lookups together, 8 KiB each: only a lookup that found a value needs
  // one, and only while it waits for its last calls. This many per path.
  uint32_t lookup_values = 256;
  // Besides the calls of lookups: a ping to each held source, the stores of each replication, some
  // of which are sent twice, and pings of the routing table.
  uint32_t other_requests = 8192;
  // The sum over all users: the parallel calls of each lookup and as many slow ones, then the rest.
  // A lookup that asks all of the k nearest at once waits when no slot is free.
  uint32_t requests_in_flight() const { return lookups * lookup_parallelism * 2 + other_requests; }

  // Contacts whose own round trip is remembered, 16 bytes each: those we talk to within an hour.
  uint32_t round_trips = 4096;
  // Sources that may be proven at once, 64 bytes each. 10,000 senders of a load test must fit with
  // room to spare.
  uint32_t proven_sources = 65'536;

  // Bits of each of the two filters of endpoints that were called lately: 128 KiB together, for
  // 40,000 in five minutes (node/calls/called_sources.h).
  uint32_t called_bits = 1 << 19;

  // Prefixes whose charges are kept, 70 bytes each: an address takes one to four, as neighbours
  // share those of their prefixes. 4,096 strangers of as many /16s fit, 10,000 of one region;
  // beyond that, those that took least are forgotten first.
  uint32_t ledger_rows = 16'384;

  // Contacts reported to their bucket's owner in the last minute, 16 bytes each.
  uint32_t heard_contacts = 65'536;

  // Answers that wait for contacts they would name, 150 bytes each: 8,000 requests a second that
  // all wait for half a second. When it is full, an answer omits those contacts.
  uint32_t waiting_answers = 4096;
  // Contacts whose owner was lately asked to ping them for an answer: 16 bytes each.
  uint32_t wanted_contacts = 4096;

  // Requests held until their source is proven, and 150 bytes more each: 17 MiB in all. The oldest
  // makes room, so a flood decides how long a request stays, and an answer that takes longer serves
  // the next one. Slots are residence times rate: small ones hold 328 ms of 50,000 a second, twice
  // the 150 ms that a ping to another continent takes (8 MiB). Medium ones hold 61 ms of as many,
  // 300 ms of 10,000 a second (4.5 MiB). Large ones hold 4 ms of 50,000 a second, which is 3.3
  // Gbit/s, and 300 ms of 640 (1.5 MiB): under more than that, the second request is served,
  // because the source of the first was pinged all the same.
  uint32_t held_small = 16'384;
  uint32_t held_medium = 3072;
  uint32_t held_large = 192;
  uint32_t held_max() const { return held_small + held_medium + held_large; }
  // Eighths of these that fit into `bytes`, one at least: for a node with little memory.
  void size_held(uint64_t bytes) {
    const auto eighths = static_cast<uint32_t>(std::clamp<uint64_t>(bytes / held_eighth, 1, 8));
    held_small = held_small / 8 * eighths;
    held_medium = held_medium / 8 * eighths;
    held_large = held_large / 8 * eighths;
  }
  static constexpr uint64_t held_eighth = 17 << 17;  // An eighth of 17 MiB.

  // Regions being found, 7 KiB each, and regions whose records are being stored, 3 KiB each: in a
  // network of 10,000 nodes a cycle takes about 350 of them in an hour or a day.
  uint32_t region_lookups = 4;
  uint32_t regions = 16;
  // Records republished or handed over at once, 9 KiB each, each with up to k stores in flight.
  // Each waits for the slowest of k nodes, two round trips and more: half a second to distant ones.
  // A shard that holds 10 M records, and republishes one in k of them each hour, has 139 a second.
  uint32_t replications = 64;
  // Newcomers that wait for their hand-over: as many as may join in a burst.
  uint32_t newcomers = 256;
  // Contacts that were handed their records within the last hour, 16 bytes each.
  uint32_t handed_contacts = 4096;

  // What one of many nodes in a simulation needs.
  static Budget simulated() {
    Budget budget;
    budget.lookups = 4;
    budget.lookup_rows = 96;
    budget.lookup_values = 4;
    budget.other_requests = 64;
    budget.round_trips = 32;
    budget.called_bits = 1 << 12;
    budget.proven_sources = 64;
    budget.heard_contacts = 64;
    budget.waiting_answers = 16;
    budget.wanted_contacts = 64;
    budget.held_small = 24;
    budget.held_medium = 2;
    budget.held_large = 2;
    budget.ledger_rows = 256;
    budget.region_lookups = 1;
    budget.regions = 2;
    budget.replications = 2;
    budget.newcomers = 32;
    budget.handed_contacts = 64;
    return budget;
  }
};

}  // namespace xord
