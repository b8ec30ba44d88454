// The calls of an embedding program (get, set, find, join), and their results: plain data, one
// frame each, so that they cross threads like everything else.
#pragma once

#include <array>
#include <cstdint>

#include "node/charge.h"
#include "node/contact.h"
#include "reactor/base/endpoint.h"
#include "storage/operation.h"

namespace xord {

using OperationId = uint64_t;  // Chosen by the caller; the result repeats it.

enum class OperationStatus : uint8_t {
  done,         // get: the value follows. set: `stored` copies were acknowledged. find, join: done.
  not_found,    // get: no node asked had a value.
  not_stored,   // set: no node acknowledged it. purge: the disk failed.
  no_contacts,  // No contact answered: the network was not reached.
  refused,      // The node is at its limit of operations or lookups: try again later.
};

// list_published: its value is an array of these.
struct PublishedKey {
  Id key;
  uint32_t value_size = 0;
  uint32_t published_ago = 0;  // Seconds since it was last published; due after a day.
};
static_assert(sizeof(PublishedKey) == 28, "no padding is sent");
constexpr uint32_t published_keys_max = 256;

// list_charges: its value is an array of these. What this shard's ledger has for one prefix, and
// how it limited it in the present spell (node/admission/ledger.h).
struct ChargedPrefix {
  IpAddress address;                                // Its first bits; the rest is zero.
  std::array<uint32_t, charges_count> charged{};    // Bytes or requests, as decayed by now.
  std::array<uint32_t, limited_charges> most{};     // The shard's share of each limit.
  std::array<uint32_t, limited_charges> refused{};  // All 0: it is not limited.
  std::array<uint32_t, limited_charges> until{};  // Milliseconds until a usual amount is admitted.
  uint32_t since = 0;                             // Seconds since the first refusal, of either.
  uint32_t last = 0;                              // Seconds since the last one.
  uint32_t prefix_bits = 0;                       // Out of 128, as Subnet::prefix_bits.

  Subnet subnet() const { return {address, static_cast<uint8_t>(prefix_bits)}; }
};
static_assert(sizeof(ChargedPrefix) == 72, "no padding is sent");
// For all addresses: this many that have taken most, by each charge.
constexpr uint32_t top_charged = 20;
constexpr uint32_t charged_prefixes_max = top_charged * charges_count;
static_assert(charged_prefixes_max >= prefix_levels);

// list_contacts, list_buckets, list_records: the value is a PageHead, then its rows, in the order
// of the list. A call visits a bounded number of places, so a page may be empty and not the last.
struct PageHead {
  Id next;  // Where the next page begins, unless this is the last.
  uint32_t is_last = 0;
};
constexpr uint32_t page_rows = 128;
constexpr uint32_t page_visits_max = 512;
constexpr uint32_t not_known = UINT32_MAX;

// A contact with a place in a bucket. Times in seconds.
struct ContactRow {
  Contact contact;
  uint32_t answered_ago = not_known;  // Not known if it never answered.
  uint32_t up = 0;                    // As far as its answers prove it.
  uint32_t round_trip = not_known;    // Smoothed, in microseconds.
  uint8_t standing = 0;               // Standing (node/routing/standing.h).
  uint8_t failures = 0;               // Calls in a row that expired or got a malformed answer.
  uint8_t depth = 0;                  // Leading bits that its id shares with ours.
  uint8_t unused = 0;
};
static_assert(sizeof(ContactRow) == 60, "no padding is sent");

struct BucketRow {
  Id first;             // The first id of its range.
  uint32_t refresh_in;  // Seconds until a lookup is due in it; 0: now.
  uint8_t prefix_bits;  // Leading bits that all ids of its range share.
  uint8_t depth;        // Those of them that they share with our id.
  uint8_t contacts;
  uint8_t answerable;
  uint8_t spares;
  uint8_t shard;
  std::array<uint8_t, 2> unused;
};
static_assert(sizeof(BucketRow) == 32, "no padding is sent");

struct RecordRow {
  Id key;
  uint32_t published_ago = 0;  // Seconds; likewise the next two.
  uint32_t stored_ago = 0;     // Since the last store of it.
  uint32_t expires_in = 0;
  uint16_t value_size = 0;
  uint8_t is_in_memory = 0;  // Its value is, and begins with this byte:
  uint8_t first_byte = 0;
};
static_assert(sizeof(RecordRow) == 36, "no padding is sent");

// explain: the value is a SourceHead, then `proven_count` ProvenRows. What one shard knows of the
// sources at one address, besides its charges.
struct SourceHead {
  uint32_t held = 0;          // Requests that wait for the proof of their source.
  uint32_t proven_count = 0;  // Endpoints that are proven; more than proven_rows_max are left out.
  float passing = 1;          // The part of its datagrams that the kernel lets pass.
  uint32_t filed_of_family = 0;  // Contacts in the whole table.
  // Those of its prefixes, narrowest first (node/subnet_limits.h); an IPv4 address has three. May
  // be more than there are, where two prefixes share the cells of a sketch.
  std::array<uint32_t, 4> filed_of_prefix{};
  uint8_t has_table_limits = 0;  // Else the table is not limited for it.
  std::array<uint8_t, 3> unused{};
};
static_assert(sizeof(SourceHead) == 36, "no padding is sent");
struct ProvenRow {
  Endpoint source;
  uint32_t lapses_in = 0;  // Seconds.
};
static_assert(sizeof(ProvenRow) == 28, "no padding is sent");
constexpr uint32_t proven_rows_max = 64;

// trace: the value is a TraceHead, then a TracedCall for each, in the order in which they were
// made.
struct TraceHead {
  uint32_t took = 0;      // Microseconds, of the whole lookup.
  uint32_t left_out = 0;  // Calls beyond traced_calls_max.
};
struct TracedCall {
  enum class Outcome : uint8_t { open, slow, answered, expired, malformed };
  static constexpr uint8_t no_parent = UINT8_MAX;

  Contact contact;
  uint32_t began = 0;          // Microseconds since the lookup began.
  uint32_t took = not_known;   // Of an answered call: microseconds.
  uint8_t parent = no_parent;  // The call whose answer named the contact; else it was known.
  Outcome outcome{};           // Slow, and open, at the end of the lookup: nothing waits for it.
  uint8_t named = 0;           // Contacts in its answer that may be asked.
  uint8_t is_nearest = 0;      // It is one of the k nearest that were found.
};
static_assert(sizeof(TracedCall) == 56, "no padding is sent");
constexpr uint32_t traced_calls_max = 128;
static_assert(traced_calls_max <= TracedCall::no_parent);

// Followed by `value_size` bytes of value, then `contacts_count` Contacts, nearest first.
struct OperationResult {
  OperationId operation = 0;
  OperationStatus status{};
  uint8_t contacts_count = 0;
  uint16_t stored = 0;      // set: how many nodes said true, including this one if it holds a copy.
  uint16_t erased = 0;      // purge: how many records.
  uint32_t value_size = 0;  // get: the value as on the wire. purge: the next key, or empty.
  NetworkIndex network = 0;
  uint8_t hops = 0;    // How many answers deep the nearest node was found.
  uint16_t asked = 0;  // Calls that the lookup made; 0: no lookup was needed.
};

}  // namespace xord
