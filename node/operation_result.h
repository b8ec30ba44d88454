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
// For all addresses: this many that have taken most, by each limited charge.
constexpr uint32_t top_charged = 20;
constexpr uint32_t charged_prefixes_max = top_charged * limited_charges;
static_assert(charged_prefixes_max >= prefix_levels);

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
