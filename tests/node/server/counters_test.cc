// Every figure that a node shows: named once, explained in a sentence, and in docs/CONTROL.md.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "node/counters.h"
#include "node/routing/routing_table.h"
#include "node/server/shard_frames.h"
#include "reactor/io_counters.h"
#include "storage/rocks/commit_thread.h"
#include "storage/rocks/rocks_store.h"
#include "storage/store_config.h"

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

TEST(CounterKinds, WhatEachShardHasAsAWholeIsNotSummed) {
  const auto kind = [](NodeCounter which) {
    return info_of(which)[static_cast<size_t>(which)].kind;
  };
  EXPECT_EQ(kind(NodeCounter::network_size), CountKind::least);
  EXPECT_EQ(kind(NodeCounter::refreshes), CountKind::counter);
  for (const ShardCount which : {ShardCount::contacts, ShardCount::contacts_answerable}) {
    EXPECT_EQ(info_of(which)[static_cast<size_t>(which)].kind, CountKind::least);
  }
  EXPECT_EQ(info_of(ShardCount::records)[static_cast<size_t>(ShardCount::records)].kind,
            CountKind::gauge);
  const auto longest = static_cast<size_t>(IoCounter::stall_longest_nanoseconds);
  EXPECT_EQ(info_of(IoCounter{})[longest].kind, CountKind::greatest);
}

}  // namespace
}  // namespace xord
