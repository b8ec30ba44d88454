// The list of a shard's records: which, in which order, and that each call does a bounded part.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

const std::vector<uint8_t> text_value{0xa4, 't', 'e', 'x', 't'};

class ListsTest : public ::testing::Test {
 protected:
  ListsTest() : net(3), node(net.add()) {}

  static Id key_of(uint8_t first, uint32_t number) {
    Id key;
    key.bytes[0] = first;
    store_be32(&key.bytes[1], number);
    return key;
  }
  void put(const Id& key) {
    const auto result = net.set(node, key, text_value);
    ASSERT_TRUE(result && result->header.stored == 1);
  }
  struct Page {
    PageHead head;
    std::vector<RecordRow> rows;
  };
  Page page(const Id& from, uint32_t prefix_bits) {
    const OperationId operation = next_operation++;
    node.run(0, net.now(), [&](Node& each, Outputs& out) {
      each.list_records(net.now(), operation, from, prefix_bits, out);
    });
    const ModelResult& result = node.results[operation];
    EXPECT_EQ(result.header.status, OperationStatus::done);
    Page page;
    std::memcpy(&page.head, result.value().data(), sizeof page.head);
    const Bytes rows = result.value().subspan(sizeof page.head);
    page.rows.resize(rows.size() / sizeof(RecordRow));
    if (!rows.empty()) std::memcpy(page.rows.data(), rows.data(), rows.size());
    return page;
  }
  std::vector<RecordRow> list(const Id& first, uint32_t prefix_bits) {
    std::vector<RecordRow> all;
    for (std::optional<Id> from = first; from;) {
      const Page each = page(*from, prefix_bits);
      EXPECT_LE(each.rows.size(), page_rows);
      all.insert(all.end(), each.rows.begin(), each.rows.end());
      from = each.head.is_last != 0 ? std::nullopt : std::optional(each.head.next);
    }
    return all;
  }

  ModelNetwork net;
  ModelNode& node;
  OperationId next_operation = 1'000'000;
};

TEST_F(ListsTest, RecordsComeInTheOrderOfTheirKeysAPageAtATime) {
  constexpr uint32_t count = 2 * page_rows + 1;
  for (uint32_t i = 0; i < count; ++i) put(key_of(7, count - i));
  const auto all = list({}, 0);
  ASSERT_EQ(all.size(), count);
  for (uint32_t i = 0; i < count; ++i) EXPECT_EQ(all[i].key, key_of(7, i + 1));
}

TEST_F(ListsTest, APrefixHasItsRecordsAlone) {
  Id last;
  last.bytes.fill(0xff);
  last.bytes[0] = 7;
  put(last);
  for (uint32_t i = 0; i < 3; ++i) {
    put(key_of(6, i));
    put(key_of(7, i));
    put(key_of(8, i));
  }
  const auto all = list(key_of(7, 0), 8);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all.front().key, key_of(7, 0));
  EXPECT_EQ(all.back().key, last);
  EXPECT_EQ(list(key_of(7, 1), id_bits).size(), 1u);
  EXPECT_EQ(list(key_of(7, 9), id_bits).size(), 0u);
  EXPECT_EQ(list(key_of(9, 0), 8).size(), 0u);
}

TEST_F(ListsTest, ARowHasSizeTypeAndTimes) {
  put(key_of(1, 1));
  net.run_for(seconds(60));
  const auto all = list({}, 0);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].value_size, text_value.size());
  EXPECT_EQ(all[0].is_in_memory, 1u);
  EXPECT_EQ(all[0].first_byte, text_value[0]);
  EXPECT_EQ(all[0].published_ago, 60u);
  EXPECT_EQ(all[0].stored_ago, 60u);
  EXPECT_EQ(all[0].published_ago + all[0].expires_in, net.options.ttl);
}

// A clock that was wrong may have left times ahead of now.
TEST_F(ListsTest, TimesAheadOfNowAreNoTimeAgo) {
  put(key_of(1, 1));
  const Instant before = net.now() - hours(1);
  node.run(0, before, [&](Node& each, Outputs& out) { each.list_records(before, 7, {}, 0, out); });
  const Bytes value = node.results[7].value();
  ASSERT_EQ(value.size(), sizeof(PageHead) + sizeof(RecordRow));
  RecordRow row;
  std::memcpy(&row, value.data() + sizeof(PageHead), sizeof row);
  EXPECT_EQ(row.published_ago, 0u);
  EXPECT_EQ(row.stored_ago, 0u);
  EXPECT_EQ(row.expires_in, net.options.ttl + 3600);
}

TEST_F(ListsTest, WhatIsExpiredIsNotListed) {
  put(key_of(1, 1));
  net.run_for(seconds(net.options.ttl));
  EXPECT_TRUE(list({}, 0).empty());
}

}  // namespace
}  // namespace xord::testing
