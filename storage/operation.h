// What a store asks of the disk, and what comes back: plain data, so that the store does no I/O.
// The server passes operations to the commit thread (storage/rocks/) and completions to the store;
// the simulator has a disk of its own. Each is a frame: the header here, then `value_size` bytes.
// Writes of one key are carried out and completed in the order given. A read sees every write given
// before it, and may see later ones, which are then completed before it.
#pragma once

#include <compare>
#include <cstdint>

#include "reactor/base/bytes.h"
#include "reactor/base/id.h"
#include "reactor/base/instant.h"

namespace xord {

// Node time in whole seconds, the unit of every time in a record. Lasts 136 years.
using NodeSeconds = uint32_t;

// The longest lifetime of a record: 10 years.
constexpr NodeSeconds ttl_max = 10 * 366 * 86'400;
// Node time at the very first start: beyond ttl_max, so that the moment a record was published (now
// less its age) is never before zero.
constexpr NodeSeconds first_node_seconds = 400'000'000;
static_assert(first_node_seconds > ttl_max);

inline NodeSeconds node_seconds(Instant now) {
  return static_cast<NodeSeconds>(now.nanoseconds / 1'000'000'000);
}
inline Instant instant_of(NodeSeconds at) {
  return {static_cast<int64_t>(at) * 1'000'000'000};
}

// The times of a record. `published` is when its publisher last published it, as far as the age
// carried by stores tells (docs/WIRE.md); expiry = published + ttl, unless the copy is held for
// less.
struct RecordTimes {
  NodeSeconds first_seen = 0;
  NodeSeconds published = 0;
  NodeSeconds last_store = 0;
  NodeSeconds expiry = 0;  // Not served at or after this second.

  bool operator==(const RecordTimes&) const = default;
};

using Ticket = uint64_t;  // Chosen by the store; a completion repeats it.
using NetworkIndex = uint8_t;

// What a node keeps of a network: the records stored here, and those that it published itself.
enum class StoreList : uint8_t { records, published };

// One of a node's stores. A network's index alone stands for its records.
struct StoreId {
  NetworkIndex network = 0;
  StoreList list = StoreList::records;

  constexpr StoreId() = default;
  constexpr StoreId(NetworkIndex of_network, StoreList which = StoreList::records)
      : network(of_network), list(which) {}
  auto operator<=>(const StoreId&) const = default;
  bool is_published() const { return list == StoreList::published; }
};

enum class OperationKind : uint8_t {
  write,        // Put the record: times and value.
  write_times,  // Only the times changed (first_seen excepted); the value on disk stays. Never
                // given while a `write` of the same key is pending.
  read,         // Fetch the value.
  erase,        // Erase the record from disk; completed as `written`.
};

struct Operation {
  Ticket ticket = 0;
  OperationKind kind{};
  StoreId store;
  uint16_t source_prefix = 0;  // StoreRequest::source_prefix, kept with the record.
  uint32_t value_size = 0;     // Bytes that follow this header.
  Id key;
  RecordTimes times;
};

enum class CompletionKind : uint8_t {
  written,        // The ticket's batch is committed, as durable as configured.
  write_failed,   // It is not, and never will be: the store must be refused.
  value_read,     // The value follows.
  read_failed,    // The value could not be read: it may or may not exist.
  value_lost,     // Its row no longer exists, or is damaged.
  keys_ahead,     // At start: the keys of the next records to be loaded follow, at most
                  // keys_ahead_max. Their memory is prefetched at once, and nothing else happens.
  record_loaded,  // At start: a record found on disk; no ticket. The value may follow or be left
                  // out. In load_prefix() order, except for rows that are loaded late.
  load_finished,  // At start: every record in this shard's range was delivered.
  load_failed,    // At start: the database could not be opened or read to the end.
};

struct Completion {
  Ticket ticket = 0;
  CompletionKind kind{};
  StoreId store;
  bool has_value = false;  // Whether the value follows.
  uint16_t source_prefix = 0;
  uint32_t value_size = 0;  // The value's size on disk, even if the value does not follow.
  Id key;
  RecordTimes times;
  uint64_t fingerprint = 0;  // record_loaded: value_fingerprint() of the value.
};

// Records are loaded in the order of their keys' last two bytes, which choose the shard
// (reactor/base/shard.h): whole ranges are then known before all of them are.
inline uint32_t load_prefix(const Id& key) {
  return load_be16(&key.bytes[id_size - 2]);
}

constexpr size_t keys_ahead_max = 32;

// What a store remembers of a value it does not hold in memory, to tell whether another is equal:
// 64 bits under a secret seed of this process, so nobody can make two values collide.
uint64_t value_fingerprint(uint64_t hash_seed, Bytes value);

}  // namespace xord
