// The calls of an embedding program (get, set, find, join), and their results: plain data, one
// frame each, so that they cross threads like everything else.
#pragma once

#include <cstdint>

#include "node/contact.h"
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
