// What an embedding program asks of a node (get, set, find, join), and the answer: plain data, one
// frame each, so that it crosses threads like everything else.
#pragma once

#include <cstdint>

#include "node/contact.h"
#include "storage/operation.h"

namespace xord {

using OperationId = uint64_t;  // Chosen by the asker; the result repeats it.

enum class OperationStatus : uint8_t {
  done,         // get: the value follows. set: `stored` copies were acknowledged. find, join: done.
  not_found,    // get: nobody asked had a value.
  not_stored,   // set: nobody acknowledged. purge: the disk failed.
  no_contacts,  // No contact answered: the network was not reached.
  refused,      // The node is at its limit of operations or lookups: try again later.
};

// list_published: what its value is an array of.
struct PublishedKey {
  Id key;
  uint32_t value_size = 0;
  uint32_t published_ago = 0;  // Seconds since it was last published; a day or more: it is due.
};
constexpr uint32_t published_keys_max = 256;

// Behind it follow `value_size` bytes of value, then `contacts_count` Contacts, nearest first.
struct OperationResult {
  OperationId operation = 0;
  OperationStatus status{};
  uint8_t contacts_count = 0;
  uint16_t stored = 0;      // set: how many nodes said true, this one included if it holds a copy.
                            // purge: how many records were erased.
  uint32_t value_size = 0;  // get: the value as it is on the wire. purge: the next key, or none.
  NetworkIndex network = 0;
  uint8_t hops = 0;    // How many answers deep the nearest node was found.
  uint16_t asked = 0;  // Calls that the lookup made; 0: none was needed.
};

}  // namespace xord
