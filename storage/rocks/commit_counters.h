// What a commit thread counts, and how long its commits take. Readable from any thread
// (reactor/base/counters.h). What the histogram tells is not counted a second time.
#pragma once

#include <cstdint>
#include <span>

#include "reactor/base/counters.h"
#include "reactor/base/histogram.h"

namespace xord {

#define XORD_COMMIT_COUNTS(X)                                                                  \
  X(rows_written, counter, "Rows written.")                                                    \
  X(bytes_written, counter, "Bytes of rows written, before RocksDB's own amplification.")      \
  X(rows_read, counter, "Rows read.")                                                          \
  X(rows_damaged, counter, "Rows with a wrong checksum, not delivered.")                       \
  X(rows_faulty, counter, "Rows with content that no store can have produced, not delivered.") \
  X(records_loaded, counter, "Records handed to the shard at start.")                          \
  X(rows_refused, counter, "Rows refused: the tables are larger than storage-max allows.")     \
  X(commits_failed, counter, "Batches that the disk refused.")                                 \
  X(commit_nanoseconds_max, greatest, "Write and sync of the longest batch.")                  \
  X(rows_unreadable, counter, "Reads that failed.")                                            \
  X(ranges_lost, gauge, "Ranges of keys that could not be loaded.")                            \
  X(completions_waited, counter, "Times that the shard's mailbox was full.")

enum class CommitCount : uint8_t { XORD_COMMIT_COUNTS(XORD_COUNT_ENUMERATOR) count };

// In the order of the enum.
inline std::span<const CountInfo> info_of(CommitCount) {
  static constexpr CountInfo infos[] = {XORD_COMMIT_COUNTS(XORD_COUNT_INFO)};
  return infos;
}

// A sync takes 0.14 ms on a good disk, and seconds on one that is overloaded.
inline constexpr auto commit_bounds = bounds_in_microseconds(
    {100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 100'000, 250'000, 1'000'000, 5'000'000});

#define XORD_COMMIT_HISTOGRAMS(X) \
  X(commit_duration_seconds, seconds, commit_bounds, "Write and sync of a batch.")

enum class CommitHistogram : uint8_t { XORD_COMMIT_HISTOGRAMS(XORD_HISTOGRAM_ENUMERATOR) count };

inline std::span<const HistogramInfo> info_of(CommitHistogram) {
  static constexpr HistogramInfo infos[] = {XORD_COMMIT_HISTOGRAMS(XORD_HISTOGRAM_INFO)};
  return infos;
}

// What is read from that histogram.
#define XORD_COMMIT_SUMS(X)                                                                 \
  X(batches, counter, "Batches with at least one write.")                                   \
  X(commit_nanoseconds, counter, "Write and sync, summed over batches.")                    \
  X(commits_within_1ms, counter, "Batches that took at most 1 ms.")                         \
  X(commits_within_10ms, counter, "Batches that took more than 1 ms and at most 10 ms.")    \
  X(commits_within_100ms, counter, "Batches that took more than 10 ms and at most 100 ms.") \
  X(commits_within_1s, counter, "Batches that took more than 100 ms and at most 1 s.")      \
  X(commits_longer, counter, "Batches that took more than 1 s.")

enum class CommitSum : uint8_t { XORD_COMMIT_SUMS(XORD_COUNT_ENUMERATOR) count };

inline std::span<const CountInfo> info_of(CommitSum) {
  static constexpr CountInfo infos[] = {XORD_COMMIT_SUMS(XORD_COUNT_INFO)};
  return infos;
}
uint64_t sum_of(const Histograms<CommitHistogram>& commits, CommitSum which);

}  // namespace xord
