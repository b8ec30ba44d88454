#include "node/server/health/health_history.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

class HealthHistoryTest : public testing::Test {
 protected:
  HealthFacts facts() const {
    HealthFacts facts;
    history.describe(&facts);
    return facts;
  }
  // The same figures for so long, once a second.
  void pass(Duration duration) {
    for (Duration passed; passed < duration; passed = passed + seconds(1)) {
      sample.at = sample.at + seconds(1);
      history.add(sample);
    }
  }

  HealthHistory history;
  HealthSample sample{.at = MonotonicTime{seconds(1000).nanoseconds}};
};

TEST_F(HealthHistoryTest, HasNothingToSayAtFirst) {
  EXPECT_EQ(facts().calls_ended, 0u);
  EXPECT_FALSE(facts().inbound_age);
  history.add(sample);
  EXPECT_EQ(facts().calls_ended, 0u);
  EXPECT_EQ(facts().canary.runs, 0u);
}

TEST_F(HealthHistoryTest, CountsCallsOfTheLastFiveMinutes) {
  sample.calls_ended = 7;  // Before the first look.
  pass(seconds(1));
  sample.calls_ended += 60;
  sample.calls_answered += 40;
  pass(minutes(5));
  EXPECT_EQ(facts().calls_ended, 60u);
  EXPECT_EQ(facts().calls_answered, 40u);
  pass(seconds(1));
  EXPECT_EQ(facts().calls_ended, 0u);
  EXPECT_EQ(facts().calls_answered, 0u);
}

TEST_F(HealthHistoryTest, CountsDatagramsOfTheLastMinute) {
  pass(seconds(10));
  sample.received += 900;
  sample.dropped += 100;
  pass(minutes(1));
  EXPECT_EQ(facts().datagrams_received, 900u);
  EXPECT_EQ(facts().datagrams_dropped, 100u);
  pass(seconds(1));
  EXPECT_EQ(facts().datagrams_dropped, 0u);
}

TEST_F(HealthHistoryTest, KeepsFiveMinutesHoweverOftenItIsFed) {
  history.add(sample);
  sample.calls_ended += 60;
  for (int i = 0; i < 2990; ++i) {
    sample.at = sample.at + milliseconds(100);
    history.add(sample);
  }
  EXPECT_EQ(facts().calls_ended, 60u) << "299 s ago";
  for (int i = 0; i < 30; ++i) {
    sample.at = sample.at + milliseconds(100);
    history.add(sample);
  }
  EXPECT_EQ(facts().calls_ended, 0u);
}

TEST_F(HealthHistoryTest, BridgesAPauseOfItsFeeder) {
  history.add(sample);
  sample.dropped = 50;
  sample.at = sample.at + minutes(10);
  history.add(sample);
  EXPECT_EQ(facts().datagrams_dropped, 50u) << "since the last look";
}

TEST_F(HealthHistoryTest, KnowsWhenSomethingLastCame) {
  pass(seconds(3));
  EXPECT_FALSE(facts().inbound_age);
  EXPECT_FALSE(facts().lookup_age);
  ++sample.inbound;
  pass(minutes(20));
  EXPECT_EQ(facts().inbound_age, minutes(20) - seconds(1));
  ++sample.lookups;
  pass(seconds(1));
  EXPECT_EQ(facts().lookup_age, Duration{});
  EXPECT_EQ(facts().inbound_age, minutes(20));
}

TEST_F(HealthHistoryTest, CountsFailuresOfTheCanaryInARow) {
  history.add(sample);
  const CanaryRun good{20, 20, milliseconds(100)};
  const CanaryRun bad{19, 20, seconds(5)};
  for (const CanaryRun& run : {bad, bad, good, bad}) history.add(run);
  EXPECT_EQ(facts().canary.runs, 4u);
  EXPECT_EQ(facts().canary.failed_in_a_row, 1u);
  EXPECT_EQ(facts().canary.found, 19u);
  EXPECT_EQ(facts().canary.wanted, 20u);
  history.add(CanaryRun{20, 20, milliseconds(100), false});
  EXPECT_EQ(facts().canary.failed_in_a_row, 2u) << "its store failed";
  history.add(good);
  EXPECT_EQ(facts().canary.failed_in_a_row, 0u);
}

TEST_F(HealthHistoryTest, TakesTheMedianOfTheLastTenRuns) {
  history.add(sample);
  for (int i = 1; i <= 3; ++i) history.add(CanaryRun{20, 20, seconds(i)});
  EXPECT_EQ(facts().canary.median, seconds(2));
  for (int i = 0; i < 6; ++i) history.add(CanaryRun{20, 20, milliseconds(10)});
  EXPECT_EQ(facts().canary.median, milliseconds(10));
  for (int i = 0; i < 10; ++i) history.add(CanaryRun{20, 20, seconds(9)});
  EXPECT_EQ(facts().canary.median, seconds(9)) << "the earlier ones are forgotten";
}

}  // namespace
}  // namespace xord
