// Which figure of the statistics is which Prometheus metric: the table behind GET /metrics and
// docs/METRICS.md. Every counter, sum and histogram of ServerStats is in exactly one metric or,
// with a reason, among those that are not exported; a test goes through the lists. Constant.
//
// Label values come from closed lists: never an id, a key or an address of a peer. A metric has at
// most two labels besides `shard`.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace xord {

enum class MetricType : uint8_t { counter, gauge, histogram };

// Where in ServerStats a figure is: a list of ShardStats, or of the whole node.
enum class StatsList : uint8_t {
  shard,
  node,
  malformed,
  table,
  io,
  storage,
  published,
  commits,
  calls,       // A table: its rows are the first label, its columns the second.
  lookups,     // Likewise.
  histograms,  // Of the shards, or of the server.
  operations,  // Calls of the program, by kind and outcome.
  database,
  http,
};

// The value of a metric for one set of labels. Nanoseconds become seconds.
struct MetricSample {
  StatsList list{};
  std::string_view count;                    // Its name there; empty: all that are exported.
  std::array<std::string_view, 2> labels{};  // Values, by MetricRow::labels; `count` empty: none.
  std::string_view less{};                   // Of a gauge: another count, subtracted from it.
};

// What is not among the counters: facts about process, host and configuration.
enum class MetricFact : uint8_t {
  none,
  build,
  node,
  live,
  ready,
  health_check_status,
  log_lines_limited,
  http_answers,
  storage_state,
  operations_running,
  contacts_limit,
  records_limit,
  storage_limit,
  memory_limit,
  disk_free,
  disk_size,
  cpu_seconds,
  resident_bytes,
  virtual_bytes,
  descriptors,
  descriptors_limit,
  start_time
};

struct MetricRow {
  std::string_view name;
  MetricType type{};
  std::string_view help;  // A sentence.
  std::array<std::string_view, 2> labels{};
  std::vector<MetricSample> samples{};
  bool is_by_shard = false;            // Has the label `shard` as well, unless shards are summed.
  MetricFact fact = MetricFact::none;  // Instead of samples, or before them.
};

struct MetricGroup {
  std::string_view title;
  std::vector<MetricRow> rows;
};
std::span<const MetricGroup> metric_groups();

struct NotExported {
  StatsList list{};
  std::string_view count;
  std::string_view because;  // A sentence.
};
std::span<const NotExported> not_exported();

// What follows is shared by the files of the table.

std::span<const MetricGroup> storage_metric_groups();
MetricRow fact_row(std::string_view name, MetricType type, MetricFact fact, std::string_view help);

}  // namespace xord
