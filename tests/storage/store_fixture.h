// A store whose disk the test plays: it takes operations and completes them in any order.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "storage/store.h"

namespace xord::testing {

inline constexpr NodeSeconds day = 86'400;

inline Id key_of(uint32_t number) {
  Id key;
  store_be32(&key.bytes[4], number);
  return key;
}

class StoreTest : public ::testing::Test {
 protected:
  explicit StoreTest(StoreConfig with = {}) : config(with), store(with) { load_finished(store); }

  void load_finished(Store& finished) {
    Completion completion;
    completion.kind = CompletionKind::load_finished;
    EXPECT_EQ(finished.complete(now, completion, {}).kind, Finished::Kind::loaded);
  }
  StoreOutcome begin(uint32_t key, std::string_view value, uint32_t age = 0) {
    return store.begin_store(now, {key_of(key), bytes_of(value), age, 7}, operations);
  }
  Finished answer(Ticket ticket, CompletionKind kind) {
    Completion completion;
    completion.ticket = ticket;
    completion.kind = kind;
    return store.complete(now, completion, {});
  }
  void put(uint32_t key, std::string_view value, uint32_t age = 0) {
    const StoreOutcome outcome = begin(key, value, age);
    ASSERT_EQ(outcome.kind, StoreOutcome::Kind::pending);
    ASSERT_EQ(answer(outcome.ticket, CompletionKind::written).kind, Finished::Kind::stored);
    operations.clear();
  }
  Operation last_operation() const {
    return *frame_header<Operation>(operations.bytes(operations.entries().back()));
  }
  std::string served(uint32_t key) {
    const Found found = store.find(now, key_of(key));
    return found.presence == Presence::value ? std::string(text_of(found.value)) : "-";
  }
  void pass(NodeSeconds seconds_count) { now = now + seconds(seconds_count); }

  StoreConfig config;
  Instant now = instant_of(first_node_seconds);
  FrameOutbox operations{1000, 1 << 20};
  Store store;
};

struct ColdStoreTest : StoreTest {
  ColdStoreTest() : StoreTest({.memory_max = 0}) {}
};

struct SmallStoreTest : StoreTest {
  SmallStoreTest() : StoreTest({.records_max = 3, .bytes_max = 20, .writes_max = 4}) {}
};

struct ManyStoreTest : StoreTest {
  ManyStoreTest() : StoreTest({.records_max = 5000, .writes_max = 4096}) {}
};

}  // namespace xord::testing
