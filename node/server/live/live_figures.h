// What a node does now: its counters as rates of the last second, and some gauges. LiveSampler
// makes them of two snapshots; FigureHistory keeps them, and GET /v1/events sends them. Pure: fed
// with snapshots and `now`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "node/server/host/disk_space.h"
#include "node/server/stats/server_stats.h"
#include "reactor/base/check.h"
#include "reactor/base/instant.h"

namespace xord {

// What several seconds of a series make.
enum class SeriesKind : uint8_t {
  rate,      // Of a counter, a second; their mean.
  mean,      // A share; their mean.
  gauge,     // The last.
  greatest,  // The greatest.
};

// docs/ADMIN.md, "Live figures", says what each is. The last thirteen are the buckets of
// commit_duration_seconds.
#define XORD_SERIES(X)          \
  X(requests_ping, rate)        \
  X(requests_find_node, rate)   \
  X(requests_find_value, rate)  \
  X(requests_store, rate)       \
  X(requests_stun, rate)        \
  X(received, rate)             \
  X(sent, rate)                 \
  X(received_bytes, rate)       \
  X(sent_bytes, rate)           \
  X(kernel_drops, rate)         \
  X(malformed, rate)            \
  X(limited, rate)              \
  X(calls_answered, rate)       \
  X(calls_expired, rate)        \
  X(calls_malformed, rate)      \
  X(calls_no_slot, rate)        \
  X(call_p50_s, greatest)       \
  X(call_p95_s, greatest)       \
  X(lookups_done, rate)         \
  X(lookups_failed, rate)       \
  X(contacts, gauge)            \
  X(contacts_answerable, gauge) \
  X(network_size, gauge)        \
  X(records, gauge)             \
  X(table_bytes, gauge)         \
  X(disk_free_bytes, gauge)     \
  X(stores_acknowledged, rate)  \
  X(stores_refused, rate)       \
  X(writes_pending, gauge)      \
  X(bytes_logged, rate)         \
  X(bytes_flushed, rate)        \
  X(bytes_compacted, rate)      \
  X(busy, mean)                 \
  X(busiest, greatest)          \
  X(turn_longest_s, greatest)   \
  X(commit_p99_s, greatest)     \
  X(commits_100us, rate)        \
  X(commits_250us, rate)        \
  X(commits_500us, rate)        \
  X(commits_1ms, rate)          \
  X(commits_2500us, rate)       \
  X(commits_5ms, rate)          \
  X(commits_10ms, rate)         \
  X(commits_25ms, rate)         \
  X(commits_100ms, rate)        \
  X(commits_250ms, rate)        \
  X(commits_1s, rate)           \
  X(commits_5s, rate)           \
  X(commits_longer, rate)

#define XORD_SERIES_ENUMERATOR(name, kind) name,
enum class Series : uint8_t { XORD_SERIES(XORD_SERIES_ENUMERATOR) count };
#undef XORD_SERIES_ENUMERATOR
constexpr size_t series_count = static_cast<size_t>(Series::count);
static_assert(series_count == 49);

std::string_view name_of(Series series);
SeriesKind kind_of(Series series);
std::optional<Series> series_named(std::string_view name);

// One value a series; not a number where nothing is known. Seven digits are enough to draw, and
// half the memory of all that doubles can hold.
struct SeriesValues {
  std::array<float, series_count> values{};

  float& operator[](Series which) { return values[index_of(which)]; }
  float operator[](Series which) const { return values[index_of(which)]; }

 private:
  static size_t index_of(Series which) {
    CHECK(which < Series::count);
    return static_cast<size_t>(which);
  }
};

struct ShardFigures {
  double busy = 0;      // The share of the last second that it worked, 0 to 1.
  double requests = 0;  // A second.
  uint64_t records = 0;
  uint64_t queue = 0;       // Writes that await the disk.
  double turn_longest = 0;  // Of the last minute, in seconds: the bound of its histogram's bucket.
};

struct LiveFigures {
  SeriesValues values;
  // The counters of which rates are made, since the start; 0 for all other series.
  std::array<uint64_t, series_count> totals{};
  std::vector<ShardFigures> shards;
};

// The value below which `share` (0 to 1) of what fell into the buckets is, evenly spread within a
// bucket, in the unit of the bounds; of the last bucket its lower bound. Empty if they are empty.
std::optional<double> quantile_of(std::span<const uint64_t> counts,
                                  std::span<const uint64_t> bounds, double share);

class LiveSampler {
 public:
  // The figures of the time since the previous call. `stats` is of a server that has shards, always
  // of the same number. The first time rates are not known.
  LiveFigures take(const ServerStats& stats, const std::optional<DiskSpace>& disk,
                   MonotonicTime now);

 private:
  static constexpr size_t window = 10;  // Samples that quantiles are of.
  static constexpr size_t minute = 60;  // Samples that the longest turn is of.
  using Buckets = std::array<uint64_t, histogram_bounds_max + 1>;

  // What a histogram held after each of the last samples.
  struct Window {
    std::array<Buckets, window + 1> samples{};
    size_t count = 0;

    void add(const NamedHistogram& histogram);
    std::optional<double> quantile(const NamedHistogram& histogram, double share) const;
  };
  struct ShardBefore {
    uint64_t busy = 0;
    uint64_t requests = 0;
    Buckets turns{};
    std::array<float, minute> longest{};  // Of each of the last samples, by their number.
  };

  void add_shards(const ServerStats& stats, double elapsed, LiveFigures* figures);
  ShardFigures sample_shard(const ShardStats& stats, double elapsed, ShardBefore* before) const;

  std::optional<MonotonicTime> before_at_;
  std::array<uint64_t, series_count> before_{};  // The totals.
  std::vector<ShardBefore> shards_;
  Window calls_;
  Window commits_;
  uint64_t samples_ = 0;
};

}  // namespace xord
