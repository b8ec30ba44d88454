// The capacities of one store, and its counters.
#pragma once

#include <cstdint>

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

struct StoreConfig {
  NetworkIndex network = 0;
  uint64_t hash_seed = 0;  // Secret, drawn by each process at start; the commit thread gets it too.
  NodeSeconds ttl = 7 * 86'400;  // 60 to ttl_max.
  LoadedRecords loaded = LoadedRecords::served;
  RepublishTimes republish{};
  // How far the times on disk may fall behind those in memory: ttl/24, or not at all.
  enum class TimesOnDisk : uint8_t { lazily, at_once } times_on_disk = TimesOnDisk::lazily;
  // Which of two values of a key is kept: the one published later, or the one stored later.
  enum class Order : uint8_t { by_publication, by_store } order = Order::by_publication;

  uint32_t records_max = 400;               // 80 bytes each, reserved at once, touched when used.
  uint64_t bytes_max = uint64_t{1} << 30;   // Sum of all values, in memory or on disk.
  uint64_t prefix_bytes_max = 0;            // The same for one source prefix; 0: no such limit.
  uint64_t memory_max = uint64_t{1} << 20;  // Values cached in memory; 0: every find is cold.
  uint32_t value_size_max = 8'192;          // At most 65,535.

  uint32_t writes_max = 64;              // Stores, and writes of times, awaiting completion.
  uint32_t write_bytes_max = 256 << 10;  // Their values; at least twice value_size_max.
  uint32_t reads_max = 64;               // Reads awaiting completion.
};

// The list of what a node itself published in `network`: kept for good, republished each day
// (checklist 26), written to disk with the time of its last publication, read when needed.
inline StoreConfig published_list_config(NetworkIndex network) {
  StoreConfig config;
  config.network = network | published_list_bit;
  config.ttl = ttl_max;
  config.republish = {24 * 3600, true};
  config.times_on_disk = StoreConfig::TimesOnDisk::at_once;
  config.order = StoreConfig::Order::by_store;  // The owner's last word counts.
  config.memory_max = 0;
  return config;
}

enum class StoreCount : uint8_t {
  records,  // Gauges: records held, the size of their values, values in memory.
  value_bytes,
  cached_bytes,
  writes_pending,
  reads_pending,
  found,  // Results of find().
  found_cold,
  absent,
  not_loaded,
  stored,     // Stores whose write was committed.
  unchanged,  // Equal stores acknowledged from memory.
  write_failed,
  times_written,  // Rows of which only the times were written.
  removed,        // Records removed by their owner.
  republish_due,  // Returned by take_due().
  refused_too_old,
  refused_older,
  refused_too_large,
  refused_records_full,
  refused_bytes_full,
  refused_prefix_full,
  refused_busy,
  refused_loading,
  refused_failed,
  read_failed,
  expired,  // Dropped because they had expired.
  evicted,  // Values dropped from the cache.
  loaded,
  loaded_expired,  // Found on disk but expired (or hidden): not held.
  loaded_refused,  // Found on disk beyond records_max, or larger than value_size_max.
  stale_completions,
  count
};

}  // namespace xord
