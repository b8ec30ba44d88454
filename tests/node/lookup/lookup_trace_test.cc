// The trace of a lookup: which calls, who named whom, and how each ended.
#include "node/lookup/lookup_trace.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

constexpr Instant start = Instant{} + hours(1);

Contact contact(uint32_t number) {
  Contact contact;
  store_be32(contact.id.bytes.data(), number);
  contact.endpoint = Endpoint::ipv4(0x0a000000 + number, 4000);
  return contact;
}

TEST(LookupTrace, KeepsEachCallWithItsParentAndOutcome) {
  LookupTrace trace;
  trace.start(start);
  trace.asked(start, 7, std::nullopt, contact(1));
  trace.asked(start + milliseconds(1), 9, std::nullopt, contact(2));
  trace.ended(start + milliseconds(5), 7, TracedCall::Outcome::answered, 20);
  trace.asked(start + milliseconds(5), 3, Lookup::Row{7}, contact(3));
  trace.ended(start + milliseconds(6), 9, TracedCall::Outcome::slow);
  trace.ended(start + milliseconds(8), 9, TracedCall::Outcome::answered, 1);
  trace.ended(start + milliseconds(9), 3, TracedCall::Outcome::expired);
  const std::array<Contact, 1> nearest{contact(1)};
  trace.finish(start + milliseconds(10), nearest);
  EXPECT_EQ(trace.took(), 10'000u);
  ASSERT_EQ(trace.calls().size(), 3u);
  const TracedCall& first = trace.calls()[0];
  EXPECT_EQ(first.contact, contact(1));
  EXPECT_EQ(first.parent, TracedCall::no_parent);
  EXPECT_EQ(first.took, 5000u);
  EXPECT_EQ(first.named, 20u);
  EXPECT_EQ(first.is_nearest, 1u);
  const TracedCall& late = trace.calls()[1];
  EXPECT_EQ(late.outcome, TracedCall::Outcome::answered);
  EXPECT_EQ(late.began, 1000u);
  EXPECT_EQ(late.took, 7000u);
  const TracedCall& last = trace.calls()[2];
  EXPECT_EQ(last.parent, 0u);
  EXPECT_EQ(last.outcome, TracedCall::Outcome::expired);
  EXPECT_EQ(last.took, not_known);
  EXPECT_EQ(last.is_nearest, 0u);
}

TEST(LookupTrace, WhatFindsNoRoomIsCountedAndANewStartForgetsAll) {
  LookupTrace trace;
  trace.start(start);
  for (uint32_t i = 0; i < traced_calls_max + 2; ++i) {
    trace.asked(start, static_cast<Lookup::Row>(i), std::nullopt, contact(i));
  }
  trace.ended(start, traced_calls_max + 1, TracedCall::Outcome::answered, 1);
  EXPECT_EQ(trace.calls().size(), traced_calls_max);
  EXPECT_EQ(trace.left_out(), 2u);
  trace.start(start);
  EXPECT_TRUE(trace.calls().empty());
  EXPECT_EQ(trace.left_out(), 0u);
}

TEST(LookupTrace, ALookupOfANodeIsTracedAloneAndAsAnyOther) {
  ModelNetwork net(5);
  for (int i = 0; i < 30; ++i) net.add();
  net.join_all();
  ModelNode& node = net.node(3);
  const Id target = net.random_id();
  const auto found = net.find(node, target);
  ASSERT_TRUE(found);
  const auto trace = [&](OperationId operation) {
    node.run(0, net.now(),
             [&](Node& shard, Outputs& out) { shard.trace(net.now(), operation, target, out); });
  };
  trace(1'000'001);
  trace(1'000'002);
  ASSERT_TRUE(node.results.contains(1'000'002));
  EXPECT_EQ(node.results[1'000'002].header.status, OperationStatus::refused);
  const auto result = net.await(node, 1'000'001, seconds(10));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->header.status, OperationStatus::done);
  const size_t count = (result->value().size() - sizeof(TraceHead)) / sizeof(TracedCall);
  EXPECT_EQ(count, result->header.asked);
  std::vector<TracedCall> calls(count);
  std::memcpy(calls.data(), result->value().data() + sizeof(TraceHead), count * sizeof(TracedCall));
  uint32_t nearest = 0;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(calls[i].outcome, TracedCall::Outcome::answered);
    EXPECT_GT(calls[i].took, 0u);
    EXPECT_TRUE(calls[i].parent == TracedCall::no_parent || calls[i].parent < i);
    nearest += calls[i].is_nearest;
  }
  EXPECT_EQ(nearest, found->header.contacts_count);
  trace(1'000'003);
  EXPECT_TRUE(net.await(node, 1'000'003, seconds(10))) << "the first is over";
}

}  // namespace
}  // namespace xord::testing
