// The statistics of a node as Prometheus metrics, in its text format 0.0.4 (docs/METRICS.md). Made
// of one snapshot, so that figures of one scrape belong together. Pure: what is not counted by the
// node is an argument. With 64 shards a scrape has under 2,000 series and 300 KB.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/server/health/health.h"
#include "node/server/host/disk_space.h"
#include "node/server/host/process_figures.h"
#include "node/server/http/answer_counts.h"
#include "node/server/stats/server_stats.h"

namespace xord {

constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";
constexpr size_t metric_series_max = 2'000;
constexpr size_t metrics_bytes_max = 300'000;

// What a scrape shows beside the counters. What is empty or absent has no metric.
struct MetricFacts {
  struct Network {
    std::string name;
    std::string id;  // 40 hexadecimal digits.
  };

  std::string version;
  std::string commit;
  std::string durability;
  std::vector<Network> networks;
  uint64_t contacts_max = 0;
  uint64_t records_max = 0;
  uint64_t storage_max = 0;
  uint64_t memory_max = 0;
  HealthReport health;
  uint64_t log_lines_limited = 0;  // Log::limited_count()
  std::vector<AnswerCount> http_answers;
  std::optional<ProcessFigures> process;
  std::optional<DiskSpace> disk;
};

// What figures of single shards become.
enum class MetricShards : uint8_t {
  apart,   // A series for each, with the label `shard`.
  summed,  // One series: a tenth of the size with 64 shards.
};

std::string metrics_text(const ServerStats& stats, const MetricFacts& facts, MetricShards shards);

}  // namespace xord
