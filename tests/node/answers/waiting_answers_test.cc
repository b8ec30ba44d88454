#include "node/answers/waiting_answers.h"

#include <gtest/gtest.h>

#include <map>

#include "reactor/base/rng.h"

namespace xord {
namespace {

constexpr Instant start{1'000'000'000'000};

WaitingAnswer answer_until(Instant until, uint8_t number = 0) {
  WaitingAnswer answer;
  answer.until = until;
  answer.target.bytes[0] = number;
  return answer;
}

TEST(WaitingAnswers, AnAnswerIsReadyWhenItsContactIsDecided) {
  WaitingAnswers answers(8);
  answers.wait_for(*answers.add(answer_until(start + seconds(1), 1)), 77);
  answers.wait_for(*answers.add(answer_until(start + seconds(1), 2)), 78);
  EXPECT_FALSE(answers.take_ready());
  answers.decided(start, 78);
  const auto ready = answers.take_ready();
  ASSERT_TRUE(ready);
  EXPECT_EQ(answers[*ready].target.bytes[0], 2);
  EXPECT_FALSE(answers.take_ready());
}

TEST(WaitingAnswers, NobodyWaitsPastItsTime) {
  WaitingAnswers answers(8);
  answers.wait_for(*answers.add(answer_until(start + milliseconds(500))), 77);
  EXPECT_EQ(answers.next_wakeup(), start + milliseconds(500));
  answers.advance(start + milliseconds(499));
  EXPECT_FALSE(answers.take_ready());
  answers.advance(start + milliseconds(500));
  const auto ready = answers.take_ready();
  ASSERT_TRUE(ready);
  answers.finish(*ready);
  EXPECT_EQ(answers.count(), 0u);
  EXPECT_FALSE(answers.next_wakeup());
}

TEST(WaitingAnswers, WhoIsReadyIsServedAtOnce) {
  WaitingAnswers answers(8);
  answers.wait_for(*answers.add(answer_until(start + seconds(1))), 77);
  answers.decided(start + milliseconds(3), 77);
  EXPECT_EQ(answers.next_wakeup(), start + milliseconds(3));
}

TEST(WaitingAnswers, AFullPoolTakesNoMore) {
  WaitingAnswers answers(2);
  const auto first = answers.add(answer_until(start));
  ASSERT_TRUE(first && answers.add(answer_until(start)));
  EXPECT_FALSE(answers.add(answer_until(start)));
  answers.finish(*first);
  EXPECT_TRUE(answers.add(answer_until(start)));
}

// Against a plain list, with contacts that share buckets and answers that wait again.
TEST(WaitingAnswers, EqualsAPlainList) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    WaitingAnswers answers(16);
    std::map<uint32_t, std::pair<uint64_t, Instant>> waiting;  // By index: contact and end.
    Instant now = start;
    uint64_t again = 0;
    const auto take_all_ready = [&](auto&& is_ready) {
      while (const auto ready = answers.take_ready()) {
        ASSERT_TRUE(waiting.contains(ready->index));
        ASSERT_TRUE(is_ready(waiting[ready->index]));
        waiting.erase(ready->index);
        const Instant until = answers[*ready].until;
        if (until > now && rng.chance(0.5)) {
          answers.wait_for(*ready, again);
          waiting[ready->index] = {again, until};
        } else {
          answers.finish(*ready);
        }
      }
      for (const auto& [index, one] : waiting) ASSERT_FALSE(is_ready(one));
    };
    for (int step = 0; step < 500; ++step) {
      now = now + milliseconds(static_cast<int64_t>(rng.bounded(100)));
      const uint64_t contact = rng.bounded(40);
      again = contact + 1;  // Not the one being decided.
      if (rng.chance(0.5)) {
        if (const auto added = answers.add(answer_until(now + milliseconds(500)))) {
          answers.wait_for(*added, contact);
          waiting[added->index] = {contact, now + milliseconds(500)};
        } else {
          ASSERT_EQ(waiting.size(), 16u);
        }
      } else {
        answers.decided(now, contact);
        answers.advance(now);
        take_all_ready([&](const auto& one) { return one.first == contact || one.second <= now; });
      }
      ASSERT_EQ(answers.count(), waiting.size());
      answers.check_invariants();
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace xord
