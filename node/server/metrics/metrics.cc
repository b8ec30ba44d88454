#include "node/server/metrics/metrics.h"

#include <rocksdb/version.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "node/server/metrics/metric_table.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

using prometheus::ClientMetric;
using Labels = std::vector<ClientMetric::Label>;
using Series = std::vector<ClientMetric>;

constexpr double nanoseconds_a_second = 1e9;

#ifdef __clang__
constexpr const char* compiler = __VERSION__;  // "Clang 14.0.6"
#else
constexpr const char* compiler = "GCC " __VERSION__;
#endif

bool is_left_out(StatsList list, std::string_view count) {
  const auto left_out = not_exported();
  return std::any_of(left_out.begin(), left_out.end(), [&](const NotExported& each) {
    return each.list == list && each.count == count;
  });
}

const std::vector<NamedCount>* list_of(const ShardStats& stats, StatsList list) {
  switch (list) {
    case StatsList::shard:
      return &stats.shard;
    case StatsList::node:
      return &stats.node;
    case StatsList::malformed:
      return &stats.malformed;
    case StatsList::table:
      return &stats.table;
    case StatsList::io:
      return &stats.io;
    case StatsList::storage:
      return &stats.storage;
    case StatsList::published:
      return &stats.published;
    case StatsList::commits:
      return &stats.commits;
    case StatsList::calls:
    case StatsList::lookups:
    case StatsList::histograms:
    case StatsList::operations:
    case StatsList::database:
    case StatsList::http:
      break;
  }
  return nullptr;
}

const std::vector<NamedCount>& total_of(const ServerStats& stats, StatsList list) {
  if (list == StatsList::database) return stats.database;
  if (list == StatsList::http) return stats.http;
  const auto* counts = list_of(stats.total, list);
  CHECK(counts != nullptr);
  return *counts;
}

size_t place_of(const std::vector<NamedCount>& counts, std::string_view name) {
  for (size_t place = 0; place < counts.size(); ++place) {
    if (counts[place].info->name == name) return place;
  }
  CHECK(false);  // The table names a count that there is not; a test goes through all of them.
  return 0;
}

double value_of(const NamedCount& count) {
  const auto value = static_cast<double>(count.value);
  return count.info->name.ends_with("_nanoseconds") ? value / nanoseconds_a_second : value;
}

// Makes the series of one metric.
class Family {
 public:
  Family(const MetricRow& row, const ServerStats& stats, const MetricFacts& facts,
         MetricShards shards)
      : row_(row), stats_(stats), facts_(facts), is_by_shard_(shards == MetricShards::apart) {}

  Series make() {
    if (row_.fact != MetricFact::none) add_fact();
    for (const MetricSample& sample : row_.samples) add(sample);
    return std::move(series_);
  }

 private:
  ClientMetric& append(Labels labels) {
    series_.emplace_back();
    series_.back().label = std::move(labels);
    return series_.back();
  }
  void append(Labels labels, double value) {
    CHECK(row_.type != MetricType::histogram);
    ClientMetric& metric = append(std::move(labels));
    (row_.type == MetricType::counter ? metric.counter.value : metric.gauge.value) = value;
  }
  void append_histogram(Labels labels, const NamedHistogram& from) {
    CHECK(row_.type == MetricType::histogram);
    CHECK(from.counts.size() == from.info->bounds.size() + 1);
    const bool is_time = from.info->unit == HistogramUnit::seconds;
    const auto shown = [is_time](uint64_t value) {
      return static_cast<double>(value) / (is_time ? nanoseconds_a_second : 1);
    };
    ClientMetric::Histogram& to = append(std::move(labels)).histogram;
    for (size_t bucket = 0; bucket < from.info->bounds.size(); ++bucket) {
      to.sample_count += from.counts[bucket];
      to.bucket.push_back({to.sample_count, shown(from.info->bounds[bucket])});
    }
    to.sample_count += from.counts.back();
    to.sample_sum = shown(from.sum);
  }

  // The labels of the row with these values; an empty value is the same as no label.
  Labels labels_of(const std::array<std::string_view, 2>& values) const {
    Labels labels;
    for (size_t i = 0; i < values.size(); ++i) {
      CHECK(values[i].empty() || !row_.labels[i].empty());
      if (!values[i].empty()) {
        labels.push_back({std::string(row_.labels[i]), std::string(values[i])});
      }
    }
    return labels;
  }

  void add(const MetricSample& sample) {
    switch (sample.list) {
      case StatsList::calls:
        return add_table(stats_.total.calls);
      case StatsList::lookups:
        return add_table(stats_.total.lookups);
      case StatsList::histograms:
        return add_histogram(sample.count);
      case StatsList::operations:
        return row_.type == MetricType::histogram ? add_durations() : add_operations();
      default:
        return sample.count.empty() ? add_all(sample.list) : add_count(sample);
    }
  }

  void add_table(const std::vector<CountRow>& table) {
    CHECK(!row_.labels[1].empty());
    for (const CountRow& row : table) {
      for (const NamedCount& count : row.counts) {
        append(labels_of({row.name, count.info->name}), value_of(count));
      }
    }
  }

  void add_all(StatsList list) {
    for (const NamedCount& count : total_of(stats_, list)) {
      if (!is_left_out(list, count.info->name))
        append(labels_of({count.info->name}), value_of(count));
    }
  }

  void add_count(const MetricSample& sample) {
    const std::vector<NamedCount>& total = total_of(stats_, sample.list);
    if (total.empty()) return;  // Nothing has been counted yet.
    const size_t place = place_of(total, sample.count);
    if (!row_.is_by_shard || !is_by_shard_) {
      double value = value_of(total[place]);
      if (!sample.less.empty()) {
        // Read one after the other, so their difference may be below 0 for a moment.
        CHECK(row_.type == MetricType::gauge);
        value = std::max(value - value_of(total[place_of(total, sample.less)]), 0.0);
      }
      return append(labels_of(sample.labels), value);
    }
    CHECK(sample.less.empty());
    for (size_t shard = 0; shard < stats_.shards.size(); ++shard) {
      const std::vector<NamedCount>& counts = *list_of(stats_.shards[shard], sample.list);
      CHECK(counts[place].info == total[place].info);
      Labels labels = labels_of(sample.labels);
      labels.push_back({"shard", std::to_string(shard)});
      append(std::move(labels), value_of(counts[place]));
    }
  }

  void add_histogram(std::string_view name) {
    for (const auto* histograms : {&stats_.total.histograms, &stats_.histograms}) {
      for (const NamedHistogram& each : *histograms) {
        if (each.info->name == name) append_histogram({}, each);
      }
    }
  }

  void add_operations() {
    CHECK(row_.type == MetricType::counter && !row_.labels[1].empty());
    for (const OperationStats& each : stats_.operation_durations) {
      append(labels_of({each.kind, each.outcome}), static_cast<double>(each.duration.count()));
    }
  }

  // Calls that were refused ended at once; among the others they would make all look fast.
  void add_durations() {
    const std::vector<OperationStats>& all = stats_.operation_durations;
    for (size_t begin = 0; begin < all.size();) {
      NamedHistogram together{all[begin].duration.info, {}, 0};
      together.counts.resize(together.info->bounds.size() + 1);
      size_t end = begin;
      for (; end < all.size() && all[end].kind == all[begin].kind; ++end) {
        if (!was_carried_out(all[end].outcome)) continue;
        const NamedHistogram& one = all[end].duration;
        CHECK(one.counts.size() == together.counts.size());
        for (size_t i = 0; i < one.counts.size(); ++i) together.counts[i] += one.counts[i];
        together.sum += one.sum;
      }
      append_histogram(labels_of({all[begin].kind}), together);
      begin = end;
    }
  }
  static bool was_carried_out(std::string_view outcome) {
    return outcome == "done" || outcome == "not_found" || outcome == "not_stored" ||
           outcome == "no_contacts";
  }

  void add_fact();
  void add_process_fact(const ProcessFigures& process);
  void add_state() {
    for (uint8_t state = 0; state <= static_cast<uint8_t>(StorageState::stopped); ++state) {
      const auto each = static_cast<StorageState>(state);
      append({{"state", std::string(name_of(each))}}, each == stats_.storage_state ? 1 : 0);
    }
  }
  // 1 passes, 0.5 warns, 0 fails.
  void add_checks() {
    for (size_t i = 0; i < health_checks; ++i) {
      const auto check = static_cast<HealthCheck>(i);
      const auto level = static_cast<double>(facts_.health[check].level);
      append({{"check", std::string(name_of(check))}}, 1 - level / 2);
    }
  }
  void add_answers() {
    for (const AnswerCount& each : facts_.http_answers) {
      const std::string code = each.status == 0 ? "other" : std::to_string(each.status);
      append(labels_of({each.path, code}), static_cast<double>(each.count));
    }
  }
  void add_limit(uint64_t limit) {
    CHECK(row_.type == MetricType::gauge);
    if (limit > 0) append({}, static_cast<double>(limit));
  }

  const MetricRow& row_;
  const ServerStats& stats_;
  const MetricFacts& facts_;
  const bool is_by_shard_;
  Series series_;
};

void Family::add_fact() {
  using enum MetricFact;
  switch (row_.fact) {
    case build:
      return append({{"version", facts_.version},
                     {"commit", facts_.commit},
                     {"compiler", compiler},
                     {"rocksdb", rocksdb::GetRocksVersionAsString()}},
                    1);
    case node:
      for (const MetricFacts::Network& network : facts_.networks) {
        append({{"network", network.name},
                {"id", network.id},
                {"io", stats_.io},
                {"durability", facts_.durability}},
               1);
      }
      return;
    case live:
      return append({}, facts_.health.is(HealthQuestion::live) ? 1 : 0);
    case ready:
      return append({}, facts_.health.is(HealthQuestion::ready) ? 1 : 0);
    case health_check_status:
      return add_checks();
    case log_lines_limited:
      return append({{"reason", "limited"}}, static_cast<double>(facts_.log_lines_limited));
    case http_answers:
      return add_answers();
    case storage_state:
      return add_state();
    case operations_running:
      return append({}, static_cast<double>(stats_.operations));
    case contacts_limit:
      return add_limit(facts_.contacts_max);
    case records_limit:
      return add_limit(facts_.records_max);
    case storage_limit:
      return add_limit(facts_.storage_max);
    case memory_limit:
      return add_limit(facts_.memory_max);
    case disk_free:
      return facts_.disk ? append({}, static_cast<double>(facts_.disk->free)) : void();
    case disk_size:
      return facts_.disk ? append({}, static_cast<double>(facts_.disk->size)) : void();
    default:
      if (facts_.process) add_process_fact(*facts_.process);
  }
}

void Family::add_process_fact(const ProcessFigures& process) {
  using enum MetricFact;
  switch (row_.fact) {
    case cpu_seconds:
      return append({}, process.cpu_seconds);
    case resident_bytes:
      return append({}, static_cast<double>(process.resident_bytes));
    case virtual_bytes:
      return append({}, static_cast<double>(process.virtual_bytes));
    case descriptors:
      return append({}, static_cast<double>(process.descriptors));
    case descriptors_limit:
      return append({}, static_cast<double>(process.descriptors_max));
    case start_time:
      return append({}, process.start_seconds);
    default:
      CHECK(false);
  }
}

prometheus::MetricType prometheus_type(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return prometheus::MetricType::Counter;
    case MetricType::gauge:
      return prometheus::MetricType::Gauge;
    case MetricType::histogram:
      return prometheus::MetricType::Histogram;
  }
  CHECK(false);
  return prometheus::MetricType::Untyped;
}

}  // namespace

std::string metrics_text(const ServerStats& stats, const MetricFacts& facts, MetricShards shards) {
  std::vector<prometheus::MetricFamily> families;
  size_t series_count = 0;
  for (const MetricGroup& group : metric_groups()) {
    for (const MetricRow& row : group.rows) {
      Series series = Family(row, stats, facts, shards).make();
      if (series.empty()) continue;
      series_count += series.size();
      families.push_back({std::string(row.name), std::string(row.help), prometheus_type(row.type),
                          std::move(series)});
    }
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  DCHECK(series_count <= metric_series_max);
  return std::move(text).str();
}

}  // namespace xord
