// The names under which the counters of storage and of the routing table are shown. They themselves
// show nothing.
#pragma once

#include <string_view>

#include "node/routing/routing_table.h"
#include "storage/rocks/commit_thread.h"
#include "storage/store_config.h"

namespace xord {

constexpr std::string_view store_count_names[] = {
    "records",
    "value_bytes",
    "cached_bytes",
    "writes_pending",
    "reads_pending",
    "found",
    "found_cold",
    "absent",
    "not_loaded",
    "stored",
    "unchanged",
    "write_failed",
    "times_written",
    "removed",
    "republish_due",
    "refused_too_old",
    "refused_older",
    "refused_too_large",
    "refused_records_full",
    "refused_bytes_full",
    "refused_prefix_full",
    "refused_busy",
    "refused_loading",
    "refused_failed",
    "read_failed",
    "expired",
    "evicted",
    "loaded",
    "loaded_expired",
    "loaded_refused",
    "stale_completions",
};
static_assert(std::size(store_count_names) == static_cast<size_t>(StoreCount::count));
static_assert(static_cast<size_t>(StoreCount::stored) == 9 &&
              static_cast<size_t>(StoreCount::loaded) == 27);

constexpr std::string_view commit_count_names[] = {
    "batches",
    "rows_written",
    "bytes_written",
    "rows_read",
    "rows_damaged",
    "rows_faulty",
    "records_loaded",
    "commits_failed",
    "commit_nanoseconds",
    "commit_nanoseconds_max",
    "commits_within_1ms",
    "commits_within_10ms",
    "commits_within_100ms",
    "commits_within_1s",
    "commits_longer",
    "rows_unreadable",
    "ranges_lost",
    "completions_waited",
};
static_assert(std::size(commit_count_names) == static_cast<size_t>(CommitCount::count));

constexpr std::string_view database_count_names[] = {
    "bytes_logged",   "bytes_flushed", "bytes_compacted",  "write_amplification_percent",
    "rows_reclaimed", "openings",      "records_expected", "table_bytes",
    "memory_bytes",
};
static_assert(std::size(database_count_names) == static_cast<size_t>(DatabaseCount::count));

constexpr std::string_view table_refusal_names[] = {
    "refused_table_full", "refused_buckets_full", "refused_book_full",
    "refused_subnet",     "refused_replica_full", "refused_changes_full",
};
static_assert(std::size(table_refusal_names) == static_cast<size_t>(TableRefusal::count));

inline std::string_view name_of(TableRefusal which) {
  return table_refusal_names[static_cast<size_t>(which)];
}
inline std::string_view name_of(StoreCount which) {
  return store_count_names[static_cast<size_t>(which)];
}
inline std::string_view name_of(CommitCount which) {
  return commit_count_names[static_cast<size_t>(which)];
}

}  // namespace xord
