// Every figure that a node shows: named once, explained in a sentence, and in docs/CONTROL.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "node/counters.h"
#include "node/routing/routing_table.h"
#include "node/server/calls/call_counters.h"
#include "node/server/http/http_counters.h"
#include "node/server/shards/shard_frames.h"
#include "reactor/io_counters.h"
#include "storage/rocks/commit_thread.h"
#include "storage/rocks/rocks_store.h"
#include "storage/store_config.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

std::string control_page() {
  std::ifstream file(std::string(XORD_DOCS) + "/CONTROL.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class Enum>
class CountersTest : public ::testing::Test {};
using Enums = ::testing::Types<NodeCounter, NodeSum, CallOutcome, LookupOutcome, ParseError,
                               TableRefusal, ShardCount, IoCounter, IoSum, StoreCount, CommitCount,
                               CommitSum, DatabaseCount, HttpCount>;
TYPED_TEST_SUITE(CountersTest, Enums);

TYPED_TEST(CountersTest, EachIsNamedOnceExplainedAndInTheDocuments) {
  const std::string page = control_page();
  ASSERT_FALSE(page.empty());
  std::set<std::string> names;
  for (const CountInfo& info : info_of(TypeParam{})) {
    const std::string name(info.name);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_NE(page.find("`" + name + "`"), std::string::npos) << name << " is not in CONTROL.md";
    ASSERT_FALSE(info.help.empty()) << name;
    EXPECT_EQ(info.help.back(), '.') << name;
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(TypeParam::count));
}

TEST(CountersTest, TheRowsOfTheTablesAreInTheDocuments) {
  const std::string page = control_page();
  const auto check = [&](std::string_view name) {
    EXPECT_NE(page.find("`" + std::string(name) + "`"), std::string::npos) << name;
  };
  for (const char* method : method_names) check(method);
  for (const char* purpose : lookup_purpose_names) check(purpose);
  for (size_t kind = 0; kind < CallCounters::kinds; ++kind) {
    check(name_of(static_cast<CommandKind>(kind)));
  }
  for (size_t status = 0; status < CallCounters::statuses; ++status) {
    check(name_of(static_cast<ServerStatus>(status)));
  }
}

template <class Enum>
class HistogramsTest : public ::testing::Test {};
using HistogramEnums =
    ::testing::Types<NodeHistogram, IoHistogram, CommitHistogram, OperationHistogram, SetHistogram>;
TYPED_TEST_SUITE(HistogramsTest, HistogramEnums);

TYPED_TEST(HistogramsTest, EachIsNamedByItsUnitExplainedAndInTheDocumentsAndItsBoundsAscend) {
  const std::string page = control_page();
  for (const HistogramInfo& info : info_of(TypeParam{})) {
    const std::string name(info.name);
    EXPECT_NE(page.find("`" + name + "`"), std::string::npos) << name << " is not in CONTROL.md";
    EXPECT_EQ(info.unit == HistogramUnit::seconds, name.ends_with("_seconds")) << name;
    ASSERT_FALSE(info.help.empty()) << name;
    EXPECT_EQ(info.help.back(), '.') << name;
    ASSERT_FALSE(info.bounds.empty()) << name;
    EXPECT_LE(info.bounds.size(), histogram_bounds_max) << name;
    const auto not_above = std::adjacent_find(info.bounds.begin(), info.bounds.end(),
                                              [](uint64_t a, uint64_t b) { return a >= b; });
    EXPECT_EQ(not_above, info.bounds.end()) << name;
  }
  EXPECT_EQ(info_of(TypeParam{}).size(), static_cast<size_t>(TypeParam::count));
}

// How the figures of several shards make one: a gauge of which each shard has the whole must not be
// summed, nor the longest of several times.
TEST(CounterKinds, EachFigureThatIsNoCounterIsOfTheKindThatItIs) {
  const std::map<std::string, CountKind> others = {
      {"network_size", CountKind::least},
      {"contacts", CountKind::least},
      {"contacts_answerable", CountKind::least},
      {"stall_longest_nanoseconds", CountKind::greatest},
      {"overdue", CountKind::gauge},
      {"oldest_seconds", CountKind::greatest},
      {"commit_nanoseconds_max", CountKind::greatest},
      {"records", CountKind::gauge},
      {"networks_loaded", CountKind::gauge},
      {"sources_thinned", CountKind::gauge},
      {"turning", CountKind::gauge},
      {"drained", CountKind::gauge},
      {"value_bytes", CountKind::gauge},
      {"cached_bytes", CountKind::gauge},
      {"writes_pending", CountKind::gauge},
      {"reads_pending", CountKind::gauge},
      {"ranges_lost", CountKind::gauge},
      {"write_amplification_percent", CountKind::gauge},
      {"records_expected", CountKind::gauge},
      {"table_bytes", CountKind::gauge},
      {"memory_bytes", CountKind::gauge},
      {"connections", CountKind::gauge},
      {"event_streams", CountKind::gauge}};
  std::set<std::string> seen;
  const auto check = [&](std::span<const CountInfo> infos) {
    for (const CountInfo& info : infos) {
      const auto at = others.find(std::string(info.name));
      EXPECT_EQ(info.kind, at == others.end() ? CountKind::counter : at->second) << info.name;
      if (at != others.end()) seen.insert(at->first);
    }
  };
  check(info_of(NodeCounter{}));
  check(info_of(NodeSum{}));
  check(info_of(CallOutcome{}));
  check(info_of(LookupOutcome{}));
  check(info_of(ParseError{}));
  check(info_of(TableRefusal{}));
  check(info_of(ShardCount{}));
  check(info_of(IoCounter{}));
  check(info_of(IoSum{}));
  check(info_of(StoreCount{}));
  check(info_of(CommitCount{}));
  check(info_of(CommitSum{}));
  check(info_of(DatabaseCount{}));
  check(info_of(HttpCount{}));
  EXPECT_EQ(seen.size(), others.size());
}

// One figure of all shards, by the rule of its kind.
uint64_t together(CountKind kind, uint64_t a, uint64_t b) {
  if (kind == CountKind::least) return std::min(a, b);
  return kind == CountKind::greatest ? std::max(a, b) : a + b;
}

TEST(CounterKinds, TheTotalOfSeveralShardsFollowsThem) {
  TemporaryDirectory directory;
  Server first;
  Server second;
  ASSERT_FALSE(first.start(loopback_config(directory.at("first"), 3)));
  ASSERT_FALSE(second.start(loopback_config(directory.at("second"))));
  ASSERT_EQ(second.bootstrap({address_of(first)}).get().status, ServerStatus::done);
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(first.set("key " + std::to_string(i), int64_t{i}).get().status, ServerStatus::done);
  }
  ServerStats stats;
  ASSERT_TRUE(eventually([&] {
    stats = first.stats();
    return std::all_of(stats.shards.begin(), stats.shards.end(), [](const ShardStats& shard) {
      const auto is_known = [](const NamedCount& count) {
        return count.info->name == "contacts" && count.value == 1;
      };
      return std::any_of(shard.shard.begin(), shard.shard.end(), is_known);
    });
  })) << stats.json();
  EXPECT_EQ(stats.contacts, 1u) << "of three replicas, not their sum";
  EXPECT_EQ(stats.records, 30u) << "the shares of three shards";
  std::set<std::string> of_shards_that_differ;
  const auto check = [&](std::vector<NamedCount> ShardStats::*list) {
    const std::vector<NamedCount>& total = stats.total.*list;
    for (size_t i = 0; i < total.size(); ++i) {
      uint64_t all = (stats.shards[0].*list)[i].value;
      for (size_t shard = 1; shard < stats.shards.size(); ++shard) {
        const uint64_t more = (stats.shards[shard].*list)[i].value;
        if (more != all) of_shards_that_differ.insert(std::string(total[i].info->name));
        all = together(total[i].info->kind, all, more);
      }
      EXPECT_EQ(total[i].value, all) << total[i].info->name;
    }
  };
  for (const auto list :
       {&ShardStats::shard, &ShardStats::node, &ShardStats::malformed, &ShardStats::table,
        &ShardStats::io, &ShardStats::storage, &ShardStats::published, &ShardStats::commits}) {
    check(list);
  }
  EXPECT_TRUE(of_shards_that_differ.contains("commit_nanoseconds_max")) << stats.json();

  for (const auto table : {&ShardStats::calls, &ShardStats::lookups}) {
    for (size_t row = 0; row < (stats.total.*table).size(); ++row) {
      const CountRow& total = (stats.total.*table)[row];
      for (size_t i = 0; i < total.counts.size(); ++i) {
        uint64_t all = 0;
        for (const ShardStats& shard : stats.shards) all += (shard.*table)[row].counts[i].value;
        EXPECT_EQ(total.counts[i].value, all) << total.name << total.counts[i].info->name;
      }
    }
  }
  for (size_t i = 0; i < stats.total.histograms.size(); ++i) {
    const NamedHistogram& total = stats.total.histograms[i];
    uint64_t count = 0;
    uint64_t sum = 0;
    for (const ShardStats& shard : stats.shards) {
      count += shard.histograms[i].count();
      sum += shard.histograms[i].sum;
    }
    EXPECT_EQ(total.count(), count) << total.info->name;
    EXPECT_EQ(total.sum, sum) << total.info->name;
    EXPECT_GT(count, 0u) << total.info->name << ": something was measured";
  }
}

uint64_t count_in(const std::vector<CountRow>& table, std::string_view row, std::string_view name) {
  for (const CountRow& each : table) {
    for (const NamedCount& count : each.counts) {
      if (each.name == row && count.info->name == name) return count.value;
    }
  }
  ADD_FAILURE() << "there is no " << row << " " << name;
  return 0;
}

TEST(Tables, WhatARunningNodeDidIsShownByMethodPurposeKindAndOutcome) {
  TemporaryDirectory directory;
  Server first;
  Server second;
  ASSERT_FALSE(first.start(loopback_config(directory.at("first"))));
  ASSERT_FALSE(second.start(loopback_config(directory.at("second"))));
  ASSERT_EQ(second.bootstrap({address_of(first)}).get().status, ServerStatus::done);
  ASSERT_TRUE(eventually([&] { return second.stats().contacts == 1; }));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(second.set("key", int64_t{i}).get().stored, 2u);
  }
  ASSERT_EQ(second.get("another key").get().status, ServerStatus::not_found);
  ServerStats stats;
  ASSERT_TRUE(eventually([&] {
    stats = second.stats();
    return stats.count("lookups_finished") == stats.count("lookups_started");
  })) << stats.json();
  EXPECT_EQ(count_in(stats.total.calls, "store", "answered"), 3u);
  EXPECT_GE(count_in(stats.total.calls, "find_node", "answered"), 4u) << "for the join, for sets";
  EXPECT_EQ(count_in(stats.total.calls, "find_value", "answered"), 1u);
  EXPECT_EQ(count_in(stats.total.calls, "stun", "answered"), 0u);
  EXPECT_EQ(count_in(stats.total.lookups, "set", "done"), 3u);
  EXPECT_EQ(count_in(stats.total.lookups, "get", "not_found"), 1u);
  EXPECT_GE(count_in(stats.total.lookups, "join", "done"), 1u);
  EXPECT_GE(stats.count("batches"), 3u) << "read from the histogram";

  const auto json = nlohmann::json::parse(stats.json());
  EXPECT_EQ(json["total"]["calls"]["store"]["answered"], 3);
  EXPECT_EQ(json["total"]["lookups"]["set"]["done"], 3);
  EXPECT_EQ(json["total"]["node"]["calls_failed"], 0);
  const auto& calls = json["total"]["histograms"]["call_duration_seconds"];
  EXPECT_EQ(calls["bounds"][0], 0.001);
  EXPECT_EQ(calls["bounds"].size() + 1, calls["counts"].size());
  EXPECT_GT(calls["sum"], 0.0);
  EXPECT_LT(calls["sum"], 60.0) << "in seconds";
  EXPECT_EQ(json["histograms"]["set_replicas"]["counts"][2], 3) << "two each";
  EXPECT_EQ(json["histograms"]["set_replicas"]["sum"], 6);
  const auto& operations = json["operation_duration_seconds"];
  EXPECT_EQ(operations["get"].size(), 1u) << "others than not_found did not occur";
  const std::vector<uint64_t> sets = operations["set"]["done"]["counts"];
  EXPECT_EQ(std::accumulate(sets.begin(), sets.end(), uint64_t{0}), 3u);
  EXPECT_FALSE(operations.contains("purge"));
}

}  // namespace
}  // namespace xord
