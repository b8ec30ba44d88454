// The capacities of one store, and its counters.
#pragma once

#include <cstdint>

#include "reactor/base/counters.h"
#include "storage/operation.h"

namespace xord {

// What happens to the records that loading brings.
enum class LoadedRecords : uint8_t {
  served,
  // The node's clock claims an absence longer than the ttl (storage/files/clock_file.h): records
  // are neither served nor touched on disk, so that a restart with the right clock restores them.
  hidden,
};

// When a record is to be republished: `after` its last store and up to a sixth of that later,
// jittered for each record and each process, so that not all holders republish together.
struct RepublishTimes {
  NodeSeconds after = 0;  // 0: never.
  // Counted from its publication instead: for the list of what this node itself published.
  bool since_publication = false;
};

// What a record takes on disk besides its value: row key, header, checksum, and its part of
// RocksDB's blocks, index and filter.
constexpr uint32_t row_bytes_on_disk = 64;

// Whether the half of a store is all that one source prefix may take (docs/STORAGE.md, "Shares").
enum class Shares : uint8_t { unlimited, counted, enforced };

struct StoreConfig {
  StoreId id{};
  Id self{};               // This node's: a full store gives up what is farthest from it.
  uint64_t hash_seed = 0;  // Secret, drawn by each process at start; the commit thread gets it too.
  NodeSeconds ttl = 7 * 86'400;  // 60 to ttl_max.
  LoadedRecords loaded = LoadedRecords::served;
  RepublishTimes republish{};
  // How far the times on disk may fall behind those in memory: ttl/24, or not at all.
  enum class TimesOnDisk : uint8_t { lazily, at_once } times_on_disk = TimesOnDisk::lazily;
  // Which of two values of a key is kept: the one published later, or the one stored later.
  enum class Order : uint8_t { by_publication, by_store } order = Order::by_publication;

  uint32_t records_max = 400;              // 80 bytes each, reserved at once, touched when used.
  uint64_t bytes_max = uint64_t{1} << 30;  // Sum of all values, in memory or on disk.
  Shares shares = Shares::unlimited;       // Of both, for one source prefix.
  uint32_t row_bytes = 0;                  // What each record takes of bytes_max besides its value.
  uint64_t memory_max = uint64_t{1} << 20;  // Values cached in memory; 0: every find is cold.
  uint32_t value_size_max = 8'192;          // At most 65,535.

  uint32_t writes_max = 64;              // Stores, and writes of times, awaiting completion.
  uint32_t write_bytes_max = 256 << 10;  // Their values; at least twice value_size_max.
  uint32_t reads_max = 64;               // Reads awaiting completion.
};

// What may change while a store works (Store::change).
struct StoreLimits {
  NodeSeconds ttl = 0;       // StoreConfig::ttl
  uint32_t records_max = 0;  // At most StoreConfig::records_max of its construction.
  uint64_t bytes_max = 0;    // StoreConfig::bytes_max
  Shares shares = Shares::unlimited;
};

// The list of what a node itself published in `network`: kept for good, republished each day
// (checklist 26), written to disk with the time of its last publication, read when needed.
inline StoreConfig published_list_config(NetworkIndex network) {
  StoreConfig config;
  config.id = {network, StoreList::published};
  config.ttl = ttl_max;
  config.republish = {24 * 3600, true};
  config.times_on_disk = StoreConfig::TimesOnDisk::at_once;
  config.order = StoreConfig::Order::by_store;  // The owner's last word counts.
  config.memory_max = 0;
  return config;
}

#define XORD_STORE_COUNTS(X)                                                                   \
  X(records, gauge, "Records held.")                                                           \
  X(value_bytes, gauge, "Bytes of their values.")                                              \
  X(cached_bytes, gauge, "Bytes of values in memory.")                                         \
  X(writes_pending, gauge, "Writes that await the disk.")                                      \
  X(reads_pending, gauge, "Reads that await the disk.")                                        \
  X(found, counter, "Look-ups answered from memory.")                                          \
  X(found_cold, counter, "Look-ups of values that are on disk only.")                          \
  X(absent, counter, "Look-ups of keys that are not held.")                                    \
  X(not_loaded, counter, "Look-ups in ranges that are still being loaded.")                    \
  X(stored, counter, "Stores whose write was committed.")                                      \
  X(unchanged, counter, "Equal stores acknowledged from memory.")                              \
  X(write_failed, counter, "Writes that failed.")                                              \
  X(times_written, counter, "Rows of which only the times were written.")                      \
  X(removed, counter, "Records removed by their owner.")                                       \
  X(displaced, counter, "Records that made room for another when the store was full.")         \
  X(republish_due, counter, "Records found to be due.")                                        \
  X(overdue, gauge, "Of the list of what is published: keys that are due and wait for it.")    \
  X(oldest_seconds, greatest, "Of that list: since the publication that is longest ago.")      \
  X(refused_too_old, counter, "Stores refused: published a ttl ago or more.")                  \
  X(refused_older, counter, "Stores refused: another value that is held was published later.") \
  X(refused_too_large, counter, "Stores refused: the value is too large.")                     \
  X(refused_records_full, counter, "Stores refused: records-max is reached.")                  \
  X(refused_bytes_full, counter, "Stores refused: storage-max is reached.")                    \
  X(refused_prefix_full, counter, "Stores refused: the source's prefix has half of it.")       \
  X(refused_busy, counter, "Stores refused: too many writes await the disk.")                  \
  X(refused_loading, counter, "Stores refused: the range is still being loaded.")              \
  X(refused_failed, counter, "Stores refused: the disk refuses writes.")                       \
  X(read_failed, counter, "Values that could not be read.")                                    \
  X(expired, counter, "Records dropped because they had expired.")                             \
  X(evicted, counter, "Values dropped from memory; they stay on disk.")                        \
  X(loaded, counter, "Records loaded at start.")                                               \
  X(loaded_expired, counter, "Records on disk that had expired by the start: erased.")         \
  X(loaded_refused, counter, "Records on disk beyond records-max, or too large, at start.")    \
  X(stale_completions, counter, "Completions of the disk that nothing waited for.")

enum class StoreCount : uint8_t { XORD_STORE_COUNTS(XORD_COUNT_ENUMERATOR) count };

// In the order of the enum.
inline std::span<const CountInfo> info_of(StoreCount) {
  static constexpr CountInfo infos[] = {XORD_STORE_COUNTS(XORD_COUNT_INFO)};
  return infos;
}

}  // namespace xord
