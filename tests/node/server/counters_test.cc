// Every figure that a node shows: named once, explained in a sentence, and in docs/CONTROL.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "node/counters.h"
#include "node/routing/routing_table.h"
#include "node/server/shard_frames.h"
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
using Enums = ::testing::Types<NodeCounter, ParseError, TableRefusal, ShardCount, IoCounter,
                               StoreCount, CommitCount, DatabaseCount>;
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
      {"memory_bytes", CountKind::gauge}};
  std::set<std::string> seen;
  const auto check = [&](std::span<const CountInfo> infos) {
    for (const CountInfo& info : infos) {
      const auto at = others.find(std::string(info.name));
      EXPECT_EQ(info.kind, at == others.end() ? CountKind::counter : at->second) << info.name;
      if (at != others.end()) seen.insert(at->first);
    }
  };
  check(info_of(NodeCounter{}));
  check(info_of(ParseError{}));
  check(info_of(TableRefusal{}));
  check(info_of(ShardCount{}));
  check(info_of(IoCounter{}));
  check(info_of(StoreCount{}));
  check(info_of(CommitCount{}));
  check(info_of(DatabaseCount{}));
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
}

}  // namespace
}  // namespace xord
