// The statistics as the document that `xord stats` prints: each figure under its name, in its unit,
// and nothing of what there is none.
#include "node/server/stats/server_stats.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/node/server/made_up_stats.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> names_in(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

Json document_of(const ServerStats& stats) {
  const std::string text = stats.json();
  EXPECT_EQ(text.find('\n'), std::string::npos) << "it is one line";
  return Json::parse(text);
}

void expect_counts(const Json& object, const std::vector<NamedCount>& counts) {
  ASSERT_EQ(object.size(), counts.size());
  for (const NamedCount& count : counts) {
    EXPECT_EQ(object.at(std::string(count.info->name)), count.value) << count.info->name;
  }
}

void expect_table(const Json& object, const std::vector<CountRow>& rows) {
  ASSERT_EQ(object.size(), rows.size());
  for (const CountRow& row : rows) expect_counts(object.at(std::string(row.name)), row.counts);
}

void expect_histogram(const Json& object, const NamedHistogram& histogram) {
  const bool is_time = histogram.info->unit == HistogramUnit::seconds;
  const auto shown = [is_time](uint64_t value) {
    return is_time ? static_cast<double>(value) / 1e9 : static_cast<double>(value);
  };
  EXPECT_EQ(names_in(object), (std::vector<std::string>{"bounds", "counts", "sum"}));
  std::vector<double> bounds;
  for (const uint64_t bound : histogram.info->bounds) bounds.push_back(shown(bound));
  EXPECT_EQ(object.at("bounds").get<std::vector<double>>(), bounds) << histogram.info->name;
  EXPECT_EQ(object.at("counts").get<std::vector<uint64_t>>(), histogram.counts);
  EXPECT_EQ(object.at("sum").get<double>(), shown(histogram.sum)) << histogram.info->name;
}

void expect_shard(const Json& object, const ShardStats& stats) {
  EXPECT_EQ(names_in(object),
            (std::vector<std::string>{"shard", "node", "malformed", "table", "io", "storage",
                                      "published", "commits", "calls", "lookups", "histograms"}));
  expect_counts(object.at("shard"), stats.shard);
  expect_counts(object.at("node"), stats.node);
  expect_counts(object.at("malformed"), stats.malformed);
  expect_counts(object.at("table"), stats.table);
  expect_counts(object.at("io"), stats.io);
  expect_counts(object.at("storage"), stats.storage);
  expect_counts(object.at("published"), stats.published);
  expect_counts(object.at("commits"), stats.commits);
  expect_table(object.at("calls"), stats.calls);
  expect_table(object.at("lookups"), stats.lookups);
  ASSERT_EQ(object.at("histograms").size(), stats.histograms.size());
  for (const NamedHistogram& each : stats.histograms) {
    expect_histogram(object.at("histograms").at(std::string(each.info->name)), each);
  }
}

TEST(ServerStats, TheDocumentHasEachFigureUnderItsName) {
  ServerStats stats = MadeUpStats(1'000).make(2);
  stats.io_fallback_because = "no permission";
  stats.storage_state = StorageState::loading;
  stats.uptime_seconds = 12.34567;
  stats.sockets = {{"127.0.0.1:8468", 212'992, true}, {"[::1]:8468", 4'096, false}};
  stats.contacts = 7;
  stats.records = 9;
  stats.operations = 3;
  const Json document = document_of(stats);
  EXPECT_EQ(names_in(document),
            (std::vector<std::string>{"id", "io", "io_fallback_because", "storage_state",
                                      "uptime_seconds", "sockets", "contacts", "records",
                                      "operations", "operation_duration_seconds", "histograms",
                                      "total", "database", "http", "shards"}));
  EXPECT_EQ(document.at("id"), stats.id);
  EXPECT_EQ(document.at("io"), "uring");
  EXPECT_EQ(document.at("io_fallback_because"), "no permission");
  EXPECT_EQ(document.at("storage_state"), "loading");
  EXPECT_EQ(document.at("uptime_seconds").dump(), "12.346") << "in milliseconds";
  EXPECT_EQ(document.at("sockets"), Json::parse(R"([
      {"endpoint": "127.0.0.1:8468", "receive_buffer_bytes": 212992, "steered": true},
      {"endpoint": "[::1]:8468", "receive_buffer_bytes": 4096, "steered": false}])"));
  EXPECT_EQ(document.at("contacts"), 7);
  EXPECT_EQ(document.at("records"), 9);
  EXPECT_EQ(document.at("operations"), 3);
  expect_counts(document.at("database"), stats.database);
  expect_counts(document.at("http"), stats.http);
  expect_shard(document.at("total"), stats.total);
  ASSERT_EQ(document.at("shards").size(), 2u);
  for (size_t i = 0; i < 2; ++i) expect_shard(document.at("shards").at(i), stats.shards[i]);
  ASSERT_EQ(document.at("histograms").size(), stats.histograms.size());
  for (const NamedHistogram& each : stats.histograms) {
    expect_histogram(document.at("histograms").at(std::string(each.info->name)), each);
  }
}

TEST(ServerStats, ASingleShardIsNotShownTwice) {
  EXPECT_FALSE(document_of(MadeUpStats(0).make(1)).contains("shards"));
  EXPECT_EQ(document_of(MadeUpStats(0).make(3)).at("shards").size(), 3u);
}

TEST(ServerStats, CallsOfTheProgramAreShownByKindAndOutcomeIfThereWereAny) {
  ServerStats stats = MadeUpStats(1).make(1);
  for (OperationStats& each : stats.operation_durations) {
    const bool occurred = (each.kind == "get" && each.outcome == "done") ||
                          (each.kind == "get" && each.outcome == "stopped") ||
                          (each.kind == "join" && each.outcome == "no_contacts");
    if (!occurred) std::fill(each.duration.counts.begin(), each.duration.counts.end(), 0);
  }
  const Json shown = document_of(stats).at("operation_duration_seconds");
  EXPECT_EQ(names_in(shown), (std::vector<std::string>{"get", "join"}));
  EXPECT_EQ(names_in(shown.at("get")), (std::vector<std::string>{"done", "stopped"}));
  EXPECT_EQ(names_in(shown.at("join")), (std::vector<std::string>{"no_contacts"}));
  for (const OperationStats& each : stats.operation_durations) {
    if (each.duration.count() == 0) continue;
    expect_histogram(shown.at(std::string(each.kind)).at(std::string(each.outcome)), each.duration);
  }
}

TEST(ServerStats, ACountIsFoundInEachListOfTheNodeAndOfTheDatabase) {
  const ServerStats stats = MadeUpStats(1).make(1);
  const auto first_of = [](const std::vector<NamedCount>& list, std::string_view name) {
    for (const NamedCount& count : list) {
      if (count.info->name == name) return count.value;
    }
    return uint64_t{0};
  };
  EXPECT_EQ(stats.count("contacts"), first_of(stats.total.shard, "contacts"));
  EXPECT_EQ(stats.count("requests_ping"), first_of(stats.total.node, "requests_ping"));
  EXPECT_EQ(stats.count("truncated"), first_of(stats.total.malformed, "truncated"));
  EXPECT_EQ(stats.count("refused_subnet"), first_of(stats.total.table, "refused_subnet"));
  EXPECT_EQ(stats.count("received_ipv4"), first_of(stats.total.io, "received_ipv4"));
  EXPECT_EQ(stats.count("stored"), first_of(stats.total.storage, "stored"))
      << "of the records, not of the list of what is published";
  EXPECT_EQ(stats.count("rows_written"), first_of(stats.total.commits, "rows_written"));
  EXPECT_EQ(stats.count("bytes_logged"), first_of(stats.database, "bytes_logged"));
  EXPECT_EQ(stats.count("no such figure"), 0u);
}

TEST(ServerStats, EachStateOfTheStorageHasItsName) {
  const std::pair<StorageState, std::string_view> names[] = {
      {StorageState::opening, "opening"}, {StorageState::loading, "loading"},
      {StorageState::ready, "ready"},     {StorageState::damaged, "damaged"},
      {StorageState::failed, "failed"},   {StorageState::stopped, "stopped"}};
  for (const auto& [state, name] : names) EXPECT_EQ(name_of(state), name);
}

}  // namespace
}  // namespace xord
