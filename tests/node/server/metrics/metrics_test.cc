// The metrics: every figure is in exactly one, they keep Prometheus' rules and their size, and each
// says what the statistics say. tests/e2e/metrics_test.py asks Prometheus' own tools.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "node/server/metrics/metric_table.h"
#include "node/server/metrics/metrics.h"
#include "reactor/base/shard.h"
#include "tests/node/server/made_up_stats.h"

namespace xord {
namespace {

using Place = std::pair<StatsList, std::string>;

// Each metric that shows a figure, by the figure.
std::map<Place, std::set<std::string>> metrics_by_figure() {
  std::map<Place, std::set<std::string>> shown;
  for (const MetricGroup& group : metric_groups()) {
    for (const MetricRow& row : group.rows) {
      for (const MetricSample& sample : row.samples) {
        shown[{sample.list, std::string(sample.count)}].insert(std::string(row.name));
        if (!sample.less.empty()) {
          shown[{sample.list, std::string(sample.less)}].insert(std::string(row.name));
        }
      }
    }
  }
  return shown;
}

std::map<Place, std::string> reasons() {
  std::map<Place, std::string> reasons;
  for (const NotExported& each : not_exported()) {
    EXPECT_FALSE(each.because.empty());
    EXPECT_EQ(each.because.back(), '.');
    EXPECT_TRUE(
        reasons.insert({{each.list, std::string(each.count)}, std::string(each.because)}).second)
        << each.count;
  }
  return reasons;
}

TEST(MetricTable, EachFigureIsInExactlyOneMetricOrLeftOutForAReason) {
  auto shown = metrics_by_figure();
  auto left_out = reasons();
  for (const auto& [list, infos] : all_counts()) {
    const bool whole_list = shown.contains({list, ""});
    for (const CountInfo* info : infos) {
      const Place place{list, std::string(info->name)};
      const size_t reasons_count = left_out.erase(place);
      const size_t metrics = shown[place].size() + (whole_list && reasons_count == 0 ? 1 : 0);
      EXPECT_EQ(metrics + reasons_count, 1u)
          << info->name << " of list " << static_cast<int>(list) << ": add it to a row of "
          << "node/server/metrics/metric_table.cc";
      shown.erase(place);
    }
    shown.erase({list, ""});
  }
  const auto check = [&](StatsList list, std::string_view name) {
    EXPECT_EQ((shown[{list, std::string(name)}].size()), 1u) << name;
    shown.erase({list, std::string(name)});
  };
  check(StatsList::calls, "");
  check(StatsList::lookups, "");
  check(StatsList::operations, "");
  for (const HistogramInfo& info : info_of(OperationHistogram{})) {
    check(StatsList::operations, info.name);
  }
  for (const auto infos : {info_of(NodeHistogram{}), info_of(IoHistogram{}),
                           info_of(CommitHistogram{}), info_of(SetHistogram{})}) {
    for (const HistogramInfo& info : infos) check(StatsList::histograms, info.name);
  }
  for (const auto& [place, metrics] : shown) ADD_FAILURE() << place.second << " does not exist";
  for (const auto& [place, reason] : left_out) ADD_FAILURE() << place.second << " does not exist";
}

TEST(MetricTable, NamesTypesAndLabelsKeepPrometheusRules) {
  std::map<Place, CountKind> kinds;
  for (const auto& [list, infos] : all_counts()) {
    for (const CountInfo* info : infos) kinds[{list, std::string(info->name)}] = info->kind;
  }
  std::set<std::string_view> names;
  for (const MetricGroup& group : metric_groups()) {
    EXPECT_FALSE(group.title.empty());
    for (const MetricRow& row : group.rows) {
      EXPECT_TRUE(names.insert(row.name).second) << row.name;
      EXPECT_TRUE(row.name.starts_with("xord_") || row.name.starts_with("process_")) << row.name;
      EXPECT_EQ(row.type == MetricType::counter, row.name.ends_with("_total")) << row.name;
      EXPECT_EQ(row.help.back(), '.') << row.name;
      EXPECT_FALSE(row.samples.empty() && row.fact == MetricFact::none) << row.name;
      EXPECT_FALSE(row.is_by_shard && row.type == MetricType::histogram) << "too many series";
      for (const std::string_view label : row.labels) EXPECT_NE(label, "shard") << row.name;
      for (const MetricSample& sample : row.samples) {
        const auto kind = kinds.find({sample.list, std::string(sample.count)});
        if (kind == kinds.end()) continue;
        EXPECT_EQ(kind->second == CountKind::counter, row.type == MetricType::counter)
            << row.name << ": " << sample.count;
        EXPECT_TRUE(sample.less.empty() || row.type == MetricType::gauge) << row.name;
      }
    }
  }
}

// A scrape as a map from the name with its labels to the value.
std::map<std::string, double> parsed(const std::string& text) {
  std::map<std::string, double> series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const size_t space = line.rfind(' ');
    EXPECT_TRUE(series.insert({line.substr(0, space), std::stod(line.substr(space + 1))}).second)
        << line;
  }
  return series;
}

MetricFacts all_facts() {
  MetricFacts facts;
  facts.version = "0.1.0";
  facts.commit = "0123abc";
  facts.durability = "sync";
  facts.networks = {{"rpcudp", "00112233445566778899aabbccddeeff00112233"}};
  facts.contacts_max = 1;
  facts.records_max = 2;
  facts.storage_max = 3;
  facts.memory_max = 4;
  const auto result = [&facts](HealthCheck check) -> HealthResult& {
    return facts.health.results[static_cast<size_t>(check)];
  };
  result(HealthCheck::joined).level = HealthLevel::warn;
  result(HealthCheck::inbound).level = HealthLevel::fail;
  facts.log_lines_limited = 312;
  facts.http_answers = {{"/metrics", 200, 9}, {"/v1/records/{id}", 404, 2}, {"other", 0, 1}};
  facts.process = ProcessFigures{1.5, 1e9, 10, 20, 30, 40};
  facts.disk = DiskSpace{100, 200};
  return facts;
}

uint64_t count_of(const std::vector<NamedCount>& counts, std::string_view name) {
  for (const NamedCount& count : counts) {
    if (count.info->name == name) return count.value;
  }
  ADD_FAILURE() << "there is no " << name;
  return 0;
}

TEST(Metrics, WithTheMostShardsAScrapeIsWithinItsBounds) {
  const MetricFacts facts = all_facts();
  const ServerStats stats = MadeUpStats(uint64_t{1} << 50).make(shards_max);
  const std::string text = metrics_text(stats, facts, MetricShards::apart);
  size_t series = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) series += line.front() != '#';
  RecordProperty("series", static_cast<int>(series));
  RecordProperty("bytes", static_cast<int>(text.size()));
  EXPECT_LT(series, metric_series_max);
  EXPECT_LT(text.size(), metrics_bytes_max);
  const std::string summed = metrics_text(stats, facts, MetricShards::summed);
  EXPECT_LT(summed.size(), text.size() / 2);
  EXPECT_EQ(summed.find("shard=\""), std::string::npos);
}

TEST(Metrics, CountersAreShownByShardOrSummedAndInSeconds) {
  const ServerStats stats = MadeUpStats(1'000'000'000).make(2);
  const auto apart = parsed(metrics_text(stats, all_facts(), MetricShards::apart));
  const auto summed = parsed(metrics_text(stats, all_facts(), MetricShards::summed));
  for (size_t shard = 0; shard < 2; ++shard) {
    const std::string label = "shard=\"" + std::to_string(shard) + "\"";
    const ShardStats& of = stats.shards[shard];
    EXPECT_EQ(apart.at("xord_requests_total{method=\"store\"," + label + "}"),
              count_of(of.node, "requests_store"));
    EXPECT_EQ(apart.at("xord_shard_busy_seconds_total{" + label + "}"),
              static_cast<double>(count_of(of.io, "busy_nanoseconds")) / 1e9);
    EXPECT_EQ(apart.at("xord_received_datagrams_total{af=\"ipv6\"," + label + "}"),
              count_of(of.io, "received_ipv6"));
  }
  EXPECT_EQ(summed.at("xord_requests_total{method=\"store\"}"),
            count_of(stats.total.node, "requests_store"));
  EXPECT_FALSE(apart.contains("xord_requests_total{method=\"store\"}"));
  for (const auto* each : {&apart, &summed}) {
    EXPECT_EQ(each->at("xord_malformed_datagrams_total{reason=\"bad_text\"}"),
              count_of(stats.total.malformed, "bad_text"));
    EXPECT_FALSE(each->contains("xord_malformed_datagrams_total{reason=\"none\"}"));
    EXPECT_EQ(each->at("xord_calls_total{method=\"ping\",outcome=\"expired\"}"),
              stats.total.calls[0].counts[1].value);
    EXPECT_EQ(each->at("xord_lookups_total{purpose=\"canary\",outcome=\"done\"}"),
              stats.total.lookups[static_cast<size_t>(LookupPurpose::canary)].counts[0].value);
    EXPECT_EQ(each->at("xord_stores_total{outcome=\"refused\",reason=\"busy\"}"),
              count_of(stats.total.storage, "refused_busy"));
    EXPECT_EQ(each->at("xord_stores_total{outcome=\"refused\",reason=\"disk\"}"),
              count_of(stats.total.storage, "write_failed"));
    EXPECT_EQ(each->at("xord_stores_total{outcome=\"stored\"}"),
              count_of(stats.total.storage, "stored"));
    EXPECT_EQ(each->at("xord_rocksdb_written_bytes_total{by=\"log\"}"),
              count_of(stats.database, "bytes_logged"));
    EXPECT_EQ(each->at("xord_published_keys"), count_of(stats.total.published, "records"));
  }
}

TEST(Metrics, ContactsThatDoNotAnswerAreTheOthersAndNeverBelowNone) {
  ServerStats stats = MadeUpStats(0).make(1);
  const auto set = [&](uint64_t contacts, uint64_t answerable) {
    for (NamedCount& count : stats.total.shard) {
      if (count.info->name == "contacts") count.value = contacts;
      if (count.info->name == "contacts_answerable") count.value = answerable;
    }
    return parsed(metrics_text(stats, {}, MetricShards::apart));
  };
  EXPECT_EQ(set(10, 7).at("xord_contacts{state=\"silent\"}"), 3);
  EXPECT_EQ(set(10, 7).at("xord_contacts{state=\"answerable\"}"), 7);
  EXPECT_EQ(set(7, 8).at("xord_contacts{state=\"silent\"}"), 0) << "read one after the other";
}

TEST(Metrics, BucketsOfAHistogramCountWhatIsBelowThemInSeconds) {
  ServerStats stats = MadeUpStats(0).make(1);
  for (NamedHistogram& each : stats.total.histograms) {
    std::fill(each.counts.begin(), each.counts.end(), 0);
    if (each.info->name != "commit_duration_seconds") continue;
    each.counts[0] = 1;      // At most 100 us.
    each.counts[3] = 2;      // At most 1 ms.
    each.counts.back() = 4;  // Longer than all.
    each.sum = 30'500'000'000;
  }
  const auto series = parsed(metrics_text(stats, {}, MetricShards::apart));
  const auto below = [&](const std::string& bound) {
    return series.at("xord_commit_duration_seconds_bucket{le=\"" + bound + "\"}");
  };
  EXPECT_EQ(below("0.0001"), 1);
  EXPECT_EQ(below("0.0005"), 1);
  EXPECT_EQ(below("0.001"), 3);
  EXPECT_EQ(below("5"), 3);
  EXPECT_EQ(below("+Inf"), 7);
  EXPECT_EQ(series.at("xord_commit_duration_seconds_count"), 7);
  EXPECT_EQ(series.at("xord_commit_duration_seconds_sum"), 30.5);
  EXPECT_EQ(series.at("xord_lookup_hops_count"), 0);
}

TEST(Metrics, CallsOfTheProgramAreCountedByOutcomeAndTimedUnlessTheyWereRefused) {
  ServerStats stats = MadeUpStats(0).make(1);
  for (OperationStats& each : stats.operation_durations) {
    std::fill(each.duration.counts.begin(), each.duration.counts.end(), 0);
    each.duration.sum = 0;
    if (each.kind != "get") continue;
    if (each.outcome == "done") each.duration.counts[1] = 3;
    if (each.outcome == "not_found") each.duration.counts[1] = 2;
    if (each.outcome == "refused") each.duration.counts[0] = 100;
    if (each.outcome == "done") each.duration.sum = 2'000'000'000;
  }
  const auto series = parsed(metrics_text(stats, {}, MetricShards::apart));
  EXPECT_EQ(series.at("xord_operations_total{kind=\"get\",outcome=\"done\"}"), 3);
  EXPECT_EQ(series.at("xord_operations_total{kind=\"get\",outcome=\"refused\"}"), 100);
  EXPECT_EQ(series.at("xord_operations_total{kind=\"set\",outcome=\"done\"}"), 0)
      << "from the start";
  EXPECT_EQ(series.at("xord_operation_duration_seconds_count{kind=\"get\"}"), 5);
  EXPECT_EQ(series.at("xord_operation_duration_seconds_sum{kind=\"get\"}"), 2);
}

TEST(Metrics, FactsAreShownAndThoseThatAreUnknownAreNot) {
  ServerStats stats = MadeUpStats(5).make(1);
  stats.storage_state = StorageState::damaged;
  const auto series = parsed(metrics_text(stats, all_facts(), MetricShards::apart));
  EXPECT_EQ(series.at("xord_live"), 1);
  EXPECT_EQ(series.at("xord_ready"), 0);
  EXPECT_EQ(series.at("xord_health_check_status{check=\"disk\"}"), 1);
  EXPECT_EQ(series.at("xord_health_check_status{check=\"joined\"}"), 0.5);
  EXPECT_EQ(series.at("xord_health_check_status{check=\"inbound\"}"), 0);
  EXPECT_EQ(series.at("xord_log_lines_dropped_total{reason=\"limited\"}"), 312);
  EXPECT_EQ(series.at("xord_log_lines_dropped_total{reason=\"no_room\"}"),
            count_of(stats.total.shard, "log_lines_dropped"));
  EXPECT_EQ(series.at("xord_admin_requests_total{path=\"/metrics\",code=\"200\"}"), 9);
  EXPECT_EQ(series.at("xord_admin_requests_total{path=\"/v1/records/{id}\",code=\"404\"}"), 2);
  EXPECT_EQ(series.at("xord_admin_requests_total{path=\"other\",code=\"other\"}"), 1);
  EXPECT_EQ(series.at("xord_storage_state{state=\"damaged\"}"), 1);
  EXPECT_EQ(series.at("xord_storage_state{state=\"ready\"}"), 0);
  EXPECT_EQ(series.at("xord_contacts_limit"), 1);
  EXPECT_EQ(series.at("xord_records_limit"), 2);
  EXPECT_EQ(series.at("xord_storage_limit_bytes"), 3);
  EXPECT_EQ(series.at("xord_memory_limit_bytes"), 4);
  EXPECT_EQ(series.at("xord_disk_free_bytes"), 100);
  EXPECT_EQ(series.at("xord_disk_size_bytes"), 200);
  EXPECT_EQ(series.at("process_cpu_seconds_total"), 1.5);
  EXPECT_EQ(series.at("process_start_time_seconds"), 1e9);
  EXPECT_EQ(series.at("process_resident_memory_bytes"), 10);
  EXPECT_EQ(series.at("process_virtual_memory_bytes"), 20);
  EXPECT_EQ(series.at("process_open_fds"), 30);
  EXPECT_EQ(series.at("process_max_fds"), 40);
  EXPECT_EQ(series.at("xord_node_info{network=\"rpcudp\","
                      "id=\"00112233445566778899aabbccddeeff00112233\",io=\"uring\","
                      "durability=\"sync\"}"),
            1);
  const std::string without = metrics_text(stats, {}, MetricShards::apart);
  for (const std::string_view name : {"xord_contacts_limit", "xord_disk_free_bytes",
                                      "process_cpu_seconds_total", "process_open_fds"}) {
    EXPECT_EQ(without.find(name), std::string::npos) << name;
  }
}

TEST(Metrics, BeforeTheStartThereIsNothingToShow) {
  const auto series = parsed(metrics_text({}, {}, MetricShards::apart));
  EXPECT_EQ(series.at("xord_storage_state{state=\"opening\"}"), 1);
  EXPECT_FALSE(series.contains("xord_published_keys"));
}

TEST(Metrics, LabelsAreEscaped) {
  MetricFacts facts;
  facts.version = "a\"b\\c\nd";
  const std::string text = metrics_text({}, facts, MetricShards::apart);
  EXPECT_NE(text.find("version=\"a\\\"b\\\\c\\nd\""), std::string::npos) << text.substr(0, 300);
}

}  // namespace
}  // namespace xord
