// Purging: what is erased, what stays, and that each call does a bounded part of the work.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

const std::vector<uint8_t> text_value{0xa4, 't', 'e', 'x', 't'};

class PurgeTest : public ::testing::Test {
 protected:
  PurgeTest() : net(3), node(net.add(2)) {}

  // A key whose first byte is `first`, followed by `number`.
  Id key_of(uint8_t first, uint32_t number) {
    Id key;
    key.bytes[0] = first;
    store_be32(&key.bytes[1], number);
    key.bytes[18] = static_cast<uint8_t>(number * 97);  // Owned by either shard.
    return key;
  }
  void put(const Id& key) {
    const auto result = net.set(node, key, text_value);
    ASSERT_TRUE(result && result->header.stored == 1);
  }
  ModelResult call(uint32_t shard, const Id& from, uint32_t prefix_bits) {
    const OperationId operation = next_operation++;
    node.run(shard, net.now(), [&](Node& each, Outputs& out) {
      each.purge(net.now(), operation, from, prefix_bits, out);
    });
    EXPECT_TRUE(node.results.contains(operation));
    return node.results[operation];
  }
  // As a caller does it: shard after shard, to the end of the range.
  uint32_t purge(const Id& from, uint32_t prefix_bits) {
    uint32_t erased = 0;
    for (uint32_t shard = 0; shard < node.shards_count(); ++shard) {
      for (std::optional<Id> at = from; at;) {
        const ModelResult result = call(shard, *at, prefix_bits);
        EXPECT_EQ(result.header.status, OperationStatus::done);
        EXPECT_LE(result.header.erased, purge_records_max);
        erased += result.header.erased;
        at = result.tail.empty() ? std::nullopt : std::optional(Id::from(result.value()));
      }
    }
    return erased;
  }
  bool holds(const Id& key) {
    Store& store = node.store(shard_of(key, node.shards_count()));
    return store.find(net.now(), key).presence == Presence::value;
  }

  ModelNetwork net;
  ModelNode& node;
  OperationId next_operation = 1'000'000;
};

TEST_F(PurgeTest, AKeyAloneIsErasedAndItsNeighboursStay) {
  for (uint32_t i = 0; i < 3; ++i) put(key_of(7, i));
  EXPECT_EQ(purge(key_of(7, 1), id_bits), 1u);
  EXPECT_TRUE(holds(key_of(7, 0)));
  EXPECT_FALSE(holds(key_of(7, 1)));
  EXPECT_TRUE(holds(key_of(7, 2)));
  EXPECT_EQ(purge(key_of(7, 1), id_bits), 0u);
}

TEST_F(PurgeTest, APrefixIsErasedToItsLastKeyAndNoFurther) {
  Id last;
  last.bytes.fill(0xff);
  last.bytes[0] = 7;  // Anything after it has another prefix.
  put(last);
  for (uint32_t i = 0; i < 5; ++i) {
    put(key_of(6, i));
    put(key_of(7, i));
    put(key_of(8, i));
  }
  EXPECT_EQ(purge(key_of(7, 0), 8), 6u);
  EXPECT_FALSE(holds(last));
  for (uint32_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(holds(key_of(6, i)));
    EXPECT_FALSE(holds(key_of(7, i)));
    EXPECT_TRUE(holds(key_of(8, i)));
  }
}

TEST_F(PurgeTest, AllIsErasedSomeAtATimeAndAnErasedKeyIsStoredAgain) {
  constexpr uint32_t count = 3 * purge_records_max;
  for (uint32_t i = 0; i < count; ++i) put(key_of(static_cast<uint8_t>(i), i));
  EXPECT_EQ(purge({}, 0), count);
  for (uint32_t i = 0; i < count; ++i) EXPECT_FALSE(holds(key_of(static_cast<uint8_t>(i), i)));
  put(key_of(1, 1));
  EXPECT_TRUE(holds(key_of(1, 1)));
}

TEST_F(PurgeTest, AFailingDiskIsToldAndTheRecordStays) {
  put(key_of(7, 1));
  node.disk_works = false;
  const ModelResult result = call(shard_of(key_of(7, 1), 2), key_of(7, 1), id_bits);
  EXPECT_EQ(result.header.status, OperationStatus::not_stored);
  EXPECT_EQ(result.header.erased, 0u);
  EXPECT_TRUE(holds(key_of(7, 1)));
}

TEST_F(PurgeTest, OnePurgeAtATimeIsInProgressOnAShard) {
  const Id key = key_of(7, 1);
  const uint32_t shard = shard_of(key, 2);
  put(key);
  node.disk_is_frozen = true;
  node.run(shard, net.now(),
           [&](Node& each, Outputs& out) { each.purge(net.now(), 999, key, id_bits, out); });
  EXPECT_FALSE(node.results.contains(999));
  EXPECT_EQ(call(shard, key, id_bits).header.status, OperationStatus::refused);
  node.disk_is_frozen = false;
  node.advance(net.now());
  ASSERT_TRUE(node.results.contains(999));
  EXPECT_EQ(node.results[999].header.erased, 1u);
  EXPECT_FALSE(holds(key));
}

}  // namespace
}  // namespace xord::testing
