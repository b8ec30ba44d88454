#include "node/server/http/answer_counts.h"

#include <gtest/gtest.h>

#include <thread>

namespace xord {
namespace {

TEST(AnswerCounts, EachPathIsCountedByStatusInTheOrderOfThePaths) {
  AnswerCounts counts({"/v1/stats", "/metrics", "/v1/stats"});  // GET and DELETE, say.
  counts.add("/metrics", 200);
  counts.add("/v1/stats", 503);
  counts.add("/metrics", 200);
  counts.add(AnswerCounts::no_route, 404);
  const std::vector<AnswerCount> expected = {
      {"/v1/stats", 503, 1}, {"/metrics", 200, 2}, {"other", 404, 1}};
  EXPECT_EQ(counts.read(), expected);
}

TEST(AnswerCounts, AStatusThatIsNotInTheListIsCountedAsAnyOther) {
  AnswerCounts counts({"/metrics"});
  counts.add("/metrics", 418);
  counts.add("/metrics", 599);
  const std::vector<AnswerCount> expected = {{"/metrics", 0, 2}};
  EXPECT_EQ(counts.read(), expected);
}

TEST(AnswerCounts, ThreadsThatAnswerAtOnceLoseNoCount) {
  AnswerCounts counts({"/metrics"});
  const auto add_all = [&counts] {
    for (int i = 0; i < 10'000; ++i) counts.add("/metrics", 200);
  };
  std::thread other(add_all);
  add_all();
  other.join();
  ASSERT_EQ(counts.read().size(), 1u);
  EXPECT_EQ(counts.read()[0].count, 20'000u);
}

}  // namespace
}  // namespace xord
