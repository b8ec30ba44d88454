#include "node/operations/company.h"

#include <gtest/gtest.h>

#include <vector>

namespace xord {
namespace {

class CompanyTest : public ::testing::Test {
 protected:
  std::vector<NodeNotice> take() {
    std::vector<NodeNotice> taken;
    notices.take([&](const NodeNotice& notice) { taken.push_back(notice); });
    return taken;
  }
  Instant now{1'000'000'000};
  NodeNotices notices;
  Company company{notices, now};
};

TEST_F(CompanyTest, SaysOnceThatItHasJoinedAndAfterHowLong) {
  now = now + seconds(3);
  company.joined(now, 7, {});
  company.joined(now, 8, {});
  const auto told = take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, NoticeKind::joined);
  EXPECT_EQ(told[0].count, 7u);
  EXPECT_EQ(told[0].lasted, seconds(3));
}

TEST_F(CompanyTest, SaysThatNobodyAnsweredAtGrowingIntervals) {
  uint32_t told = 0;
  for (int second = 0; second < 3600; ++second) {
    company.nobody_answered(now, 1);
    told += static_cast<uint32_t>(take().size());
    now = now + seconds(1);
  }
  EXPECT_GE(told, 8u);   // 0, 10, 30, 70, 150, 310, 630, 1230 s, ...
  EXPECT_LE(told, 13u);  // Ten minutes apart in the end.
}

TEST_F(CompanyTest, IsAloneAgainWhenTheLastContactIsSilent) {
  company.watch(now, 1, 1, false);
  EXPECT_EQ(take()[0].kind, NoticeKind::joined) << "others found us";
  company.watch(now, 1, 0, false);
  const auto told = take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, NoticeKind::alone_again);
  EXPECT_EQ(told[0].count, 1u);
  company.watch(now, 1, 0, false);
  EXPECT_TRUE(take().empty());
}

TEST_F(CompanyTest, WhatAJoinLeadsToTheJoinTells) {
  company.watch(now, 1, 1, true);
  EXPECT_TRUE(take().empty());
  company.joined(now, 1, {});
  EXPECT_EQ(take().size(), 1u);
}

TEST_F(CompanyTest, WhatNobodyAnsweredIsToldAtTheDoubleOfThePauseUpToTenMinutes) {
  const Instant began = now;
  company.nobody_answered(now, 3);
  auto told = take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, NoticeKind::nobody_answered);
  EXPECT_EQ(told[0].count, 3u);
  for (const int64_t pause : {10, 20, 40, 80, 160, 320, 600, 600}) {
    now = now + seconds(pause) - nanoseconds(1);
    company.nobody_answered(now, 1);
    EXPECT_TRUE(take().empty()) << pause;
    now = now + nanoseconds(1);
    company.nobody_answered(now, 1);
    told = take();
    ASSERT_EQ(told.size(), 1u) << pause;
    EXPECT_EQ(told[0].lasted, now - began);
  }
  company.joined(now, 1, {});
  take();
  company.nobody_answered(now + hours(1), 1);
  EXPECT_TRUE(take().empty()) << "it has company";
}

TEST_F(CompanyTest, AloneAgainItCountsFromThenAndTellsAtOnce) {
  for (int i = 0; i < 3; ++i) company.nobody_answered(now = now + hours(1), 1);
  company.watch(now, 2, 1, false);
  take();
  now = now + hours(1);
  company.watch(now, 2, 0, false);
  EXPECT_EQ(take()[0].count, 2u);
  now = now + seconds(5);
  company.nobody_answered(now, 1);
  const auto told = take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].lasted, seconds(5));
  now = now + seconds(10);
  company.nobody_answered(now, 1);
  EXPECT_EQ(take().size(), 1u) << "the pauses begin anew";
}

}  // namespace
}  // namespace xord
