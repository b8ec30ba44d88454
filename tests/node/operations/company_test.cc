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

}  // namespace
}  // namespace xord
