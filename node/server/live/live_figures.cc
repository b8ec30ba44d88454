#include "node/server/live/live_figures.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace xord {
namespace {

constexpr float unknown = std::numeric_limits<float>::quiet_NaN();
constexpr double nanoseconds_a_second = 1e9;

struct SeriesInfo {
  std::string_view name;
  SeriesKind kind;
};

#define XORD_SERIES_INFO(name, kind) {#name, SeriesKind::kind},
constexpr SeriesInfo infos[] = {XORD_SERIES(XORD_SERIES_INFO)};
#undef XORD_SERIES_INFO
static_assert(std::size(infos) == series_count);

// A series that is the sum of counts of one list; without names, of all of them.
struct Summed {
  Series series;
  std::vector<NamedCount> ShardStats::*list;
  std::vector<std::string_view> names;
};

const std::vector<Summed>& summed() {
  static const std::vector<Summed> all = {
      {Series::requests_ping, &ShardStats::node, {"requests_ping"}},
      {Series::requests_find_node, &ShardStats::node, {"requests_find_node"}},
      {Series::requests_find_value, &ShardStats::node, {"requests_find_value"}},
      {Series::requests_store, &ShardStats::node, {"requests_store"}},
      {Series::requests_stun, &ShardStats::node, {"requests_stun"}},
      {Series::received, &ShardStats::io, {"received"}},
      {Series::sent, &ShardStats::io, {"sent"}},
      {Series::received_bytes, &ShardStats::io, {"received_bytes"}},
      {Series::sent_bytes, &ShardStats::io, {"sent_bytes"}},
      {Series::kernel_drops, &ShardStats::io, {"receive_dropped"}},
      {Series::malformed, &ShardStats::malformed, {}},
      {Series::limited,
       &ShardStats::node,
       {"limited_contacts", "limited_values", "limited_stuns", "limited_reads", "limited_pings"}},
      {Series::stores_acknowledged, &ShardStats::node, {"stores_acknowledged"}},
      {Series::stores_refused, &ShardStats::node, {"stores_refused"}},
      {Series::contacts, &ShardStats::shard, {"contacts"}},
      {Series::contacts_answerable, &ShardStats::shard, {"contacts_answerable"}},
      {Series::network_size, &ShardStats::node, {"network_size"}},
      {Series::records, &ShardStats::storage, {"records"}},
      {Series::writes_pending, &ShardStats::storage, {"writes_pending"}},
  };
  return all;
}

// A series that is a column of a table, or several, over all rows.
struct Column {
  Series series;
  std::vector<CountRow> ShardStats::*table;
  std::vector<std::string_view> names;
};

const std::vector<Column>& columns() {
  static const std::vector<Column> all = {
      {Series::calls_answered, &ShardStats::calls, {"answered"}},
      {Series::calls_expired, &ShardStats::calls, {"expired"}},
      {Series::calls_malformed, &ShardStats::calls, {"malformed"}},
      {Series::calls_no_slot, &ShardStats::calls, {"no_slot"}},
      {Series::lookups_done, &ShardStats::lookups, {"done", "not_found"}},
      {Series::lookups_failed, &ShardStats::lookups, {"no_contacts", "refused"}},
  };
  return all;
}

constexpr std::pair<Series, std::string_view> of_database[] = {
    {Series::table_bytes, "table_bytes"},
    {Series::bytes_logged, "bytes_logged"},
    {Series::bytes_flushed, "bytes_flushed"},
    {Series::bytes_compacted, "bytes_compacted"}};

constexpr size_t commit_buckets =
    series_count - static_cast<size_t>(Series::commits_100us);  // With the one beyond the bounds.

uint64_t count_of(const std::vector<NamedCount>& counts, std::string_view name) {
  for (const NamedCount& count : counts) {
    if (count.info->name == name) return count.value;
  }
  CHECK(false);  // Every server has all counts.
  return 0;
}

uint64_t sum_of(const std::vector<NamedCount>& counts, const std::vector<std::string_view>& names) {
  uint64_t sum = 0;
  for (const std::string_view name : names) sum += count_of(counts, name);
  if (!names.empty()) return sum;
  for (const NamedCount& count : counts) sum += count.value;
  return sum;
}

const NamedHistogram& histogram_of(const ShardStats& stats, std::string_view name) {
  const auto found =
      std::find_if(stats.histograms.begin(), stats.histograms.end(),
                   [&](const NamedHistogram& each) { return each.info->name == name; });
  CHECK(found != stats.histograms.end());
  CHECK(found->counts.size() == found->info->bounds.size() + 1);
  return *found;
}

// Counters never shrink; if one seems to, nothing was counted.
double rate_of(uint64_t now, uint64_t before, double elapsed) {
  CHECK(elapsed > 0);
  return now > before ? static_cast<double>(now - before) / elapsed : 0;
}

// All that are read as they stand: counters and gauges alike.
std::array<uint64_t, series_count> figures_of(const ServerStats& stats) {
  std::array<uint64_t, series_count> figures{};
  const auto at = [&figures](Series series) -> uint64_t& {
    return figures[static_cast<size_t>(series)];
  };
  for (const Summed& each : summed()) at(each.series) = sum_of(stats.total.*each.list, each.names);
  for (const Column& each : columns()) {
    for (const CountRow& row : stats.total.*each.table) {
      at(each.series) += sum_of(row.counts, each.names);
    }
  }
  for (const auto& [series, name] : of_database) at(series) = count_of(stats.database, name);
  const NamedHistogram& commits = histogram_of(stats.total, "commit_duration_seconds");
  CHECK(commits.counts.size() == commit_buckets);
  std::copy(commits.counts.begin(), commits.counts.end(),
            figures.begin() + static_cast<size_t>(Series::commits_100us));
  return figures;
}

// The bound of the highest bucket that has more than before, in seconds; 0 if none has.
float longest_since(const NamedHistogram& histogram, std::span<const uint64_t> before) {
  CHECK(histogram.info->unit == HistogramUnit::seconds);
  for (size_t bucket = histogram.counts.size(); bucket-- > 0;) {
    if (histogram.counts[bucket] <= before[bucket]) continue;
    const size_t bound = std::min(bucket, histogram.info->bounds.size() - 1);
    return static_cast<float>(static_cast<double>(histogram.info->bounds[bound]) /
                              nanoseconds_a_second);
  }
  return 0;
}

float in_seconds(const std::optional<double>& in_nanoseconds) {
  return in_nanoseconds ? static_cast<float>(*in_nanoseconds / nanoseconds_a_second) : unknown;
}

}  // namespace

std::string_view name_of(Series series) {
  CHECK(series < Series::count);
  return infos[static_cast<size_t>(series)].name;
}

SeriesKind kind_of(Series series) {
  CHECK(series < Series::count);
  return infos[static_cast<size_t>(series)].kind;
}

std::optional<Series> series_named(std::string_view name) {
  for (size_t i = 0; i < series_count; ++i) {
    if (infos[i].name == name) return static_cast<Series>(i);
  }
  return std::nullopt;
}

std::optional<double> quantile_of(std::span<const uint64_t> counts,
                                  std::span<const uint64_t> bounds, double share) {
  CHECK(counts.size() > bounds.size() && !bounds.empty() && share > 0 && share <= 1);
  uint64_t all = 0;
  for (size_t bucket = 0; bucket <= bounds.size(); ++bucket) all += counts[bucket];
  if (all == 0) return std::nullopt;
  const double wanted = share * static_cast<double>(all);
  double below = 0;
  for (size_t bucket = 0; bucket < bounds.size(); ++bucket) {
    const auto here = static_cast<double>(counts[bucket]);
    if (here > 0 && below + here >= wanted) {
      const double low = bucket == 0 ? 0 : static_cast<double>(bounds[bucket - 1]);
      return low + (static_cast<double>(bounds[bucket]) - low) * (wanted - below) / here;
    }
    below += here;
  }
  return static_cast<double>(bounds.back());
}

void LiveSampler::Window::add(const NamedHistogram& histogram) {
  Buckets& sample = samples[count++ % samples.size()];
  CHECK(histogram.counts.size() <= sample.size());
  std::copy(histogram.counts.begin(), histogram.counts.end(), sample.begin());
}

std::optional<double> LiveSampler::Window::quantile(const NamedHistogram& histogram,
                                                    double share) const {
  CHECK(count > 0);
  const size_t oldest = count > samples.size() ? count - samples.size() : 0;
  const Buckets& first = samples[oldest % samples.size()];
  Buckets added{};
  for (size_t bucket = 0; bucket < histogram.counts.size(); ++bucket) {
    added[bucket] = histogram.counts[bucket] - std::min(histogram.counts[bucket], first[bucket]);
  }
  return quantile_of(added, histogram.info->bounds, share);
}

LiveFigures LiveSampler::take(const ServerStats& stats, const std::optional<DiskSpace>& disk,
                              MonotonicTime now) {
  CHECK(!stats.shards.empty() && (!before_at_ || now > *before_at_));
  const double elapsed = before_at_ ? (now - *before_at_).seconds() : 0;  // 0: not known.
  LiveFigures figures;
  const auto read = figures_of(stats);
  for (size_t i = 0; i < series_count; ++i) {
    float& value = figures.values.values[i];
    if (infos[i].kind == SeriesKind::rate) {
      figures.totals[i] = read[i];
      value = elapsed > 0 ? static_cast<float>(rate_of(read[i], before_[i], elapsed)) : unknown;
    } else {
      value = infos[i].kind == SeriesKind::gauge ? static_cast<float>(read[i]) : unknown;
    }
  }
  figures.values[Series::disk_free_bytes] = disk ? static_cast<float>(disk->free) : unknown;
  const NamedHistogram& calls = histogram_of(stats.total, "call_duration_seconds");
  const NamedHistogram& commits = histogram_of(stats.total, "commit_duration_seconds");
  calls_.add(calls);
  commits_.add(commits);
  figures.values[Series::call_p50_s] = in_seconds(calls_.quantile(calls, 0.5));
  figures.values[Series::call_p95_s] = in_seconds(calls_.quantile(calls, 0.95));
  figures.values[Series::commit_p99_s] = in_seconds(commits_.quantile(commits, 0.99));
  add_shards(stats, elapsed, &figures);
  before_ = read;
  before_at_ = now;
  ++samples_;
  return figures;
}

void LiveSampler::add_shards(const ServerStats& stats, double elapsed, LiveFigures* figures) {
  shards_.resize(stats.shards.size());
  double busy = 0;
  double busiest = 0;
  float longest = 0;
  for (size_t i = 0; i < shards_.size(); ++i) {
    figures->shards.push_back(sample_shard(stats.shards[i], elapsed, &shards_[i]));
    busy += figures->shards.back().busy;
    busiest = std::max(busiest, figures->shards.back().busy);
    longest = std::max(longest, shards_[i].longest[samples_ % minute]);
  }
  const bool is_known = elapsed > 0;
  figures->values[Series::busy] = is_known ? static_cast<float>(busy) : unknown;
  figures->values[Series::busiest] = is_known ? static_cast<float>(busiest) : unknown;
  figures->values[Series::turn_longest_s] = is_known ? longest : unknown;
}

ShardFigures LiveSampler::sample_shard(const ShardStats& stats, double elapsed,
                                       ShardBefore* before) const {
  static const std::vector<std::string_view> methods = {"requests_ping", "requests_find_node",
                                                        "requests_find_value", "requests_store",
                                                        "requests_stun"};
  const uint64_t busy = count_of(stats.io, "busy_nanoseconds");
  const uint64_t requests = sum_of(stats.node, methods);
  const NamedHistogram& turns = histogram_of(stats, "turn_duration_seconds");
  ShardFigures figures;
  figures.records = count_of(stats.storage, "records");
  figures.queue = count_of(stats.storage, "writes_pending");
  float& longest = before->longest[samples_ % minute];
  longest = 0;
  if (elapsed > 0) {
    figures.busy = std::min(rate_of(busy, before->busy, elapsed) / nanoseconds_a_second, 1.0);
    figures.requests = rate_of(requests, before->requests, elapsed);
    longest = longest_since(turns, before->turns);
  }
  figures.turn_longest = *std::max_element(before->longest.begin(), before->longest.end());
  before->busy = busy;
  before->requests = requests;
  CHECK(turns.counts.size() <= before->turns.size());
  std::copy(turns.counts.begin(), turns.counts.end(), before->turns.begin());
  return figures;
}

}  // namespace xord
