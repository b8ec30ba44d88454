// Rules of the timer wheel, and its agreement with a sorted map under random use.
#include "reactor/base/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "reactor/base/rng.h"

namespace xord {
namespace {

constexpr Duration tick = nanoseconds(1 << 20);
constexpr Instant start = Instant{} + hours(1);

TimerId timer(uint32_t index) {
  return static_cast<TimerId>(index);
}

std::vector<uint32_t> fired_by(TimerWheel& wheel, Instant now) {
  std::vector<uint32_t> fired;
  const uint32_t count =
      wheel.advance(now, [&](TimerId id) { fired.push_back(static_cast<uint32_t>(id)); });
  EXPECT_EQ(count, fired.size());
  return fired;
}

TEST(TimerWheel, ATimerFiresOnceAtItsDeadlineRoundedUpToATickAndNeverEarly) {
  TimerWheel wheel(4, tick, start);
  wheel.arm(timer(1), start + tick * 10 + nanoseconds(1));

  EXPECT_TRUE(fired_by(wheel, start + tick * 10 + nanoseconds(2)).empty());
  EXPECT_TRUE(fired_by(wheel, start + tick * 11 - nanoseconds(1)).empty());
  EXPECT_EQ(fired_by(wheel, start + tick * 11), std::vector<uint32_t>{1});
  EXPECT_FALSE(wheel.is_armed(timer(1)));
  EXPECT_TRUE(fired_by(wheel, start + tick * 1000).empty());
}

TEST(TimerWheel, ATickIsRoundedDownToAPowerOfTwo) {
  TimerWheel wheel(1, milliseconds(1), start);  // 2^19 ns.
  wheel.arm(timer(0), start + nanoseconds(1));
  EXPECT_TRUE(fired_by(wheel, start + nanoseconds((1 << 19) - 1)).empty());
  EXPECT_EQ(fired_by(wheel, start + nanoseconds(1 << 19)).size(), 1u);
}

TEST(TimerWheel, ACancelledTimerDoesNotFire) {
  TimerWheel wheel(4, tick, start);
  wheel.arm(timer(0), start + tick * 5);
  wheel.arm(timer(1), start + tick * 5);

  EXPECT_TRUE(wheel.cancel(timer(0)));
  EXPECT_FALSE(wheel.cancel(timer(0)));
  EXPECT_EQ(fired_by(wheel, start + tick * 9), std::vector<uint32_t>{1});
  EXPECT_EQ(wheel.next_wakeup(), std::nullopt);
}

TEST(TimerWheel, ArmingAgainMovesTheTimer) {
  TimerWheel wheel(1, tick, start);
  wheel.arm(timer(0), start + tick * 5);
  wheel.arm(timer(0), start + tick * 5000);
  EXPECT_TRUE(fired_by(wheel, start + tick * 4999).empty());
  EXPECT_EQ(fired_by(wheel, start + tick * 5000).size(), 1u);
}

TEST(TimerWheel, ADeadlineThatHasPassedIsDueAtTheNextTick) {
  TimerWheel wheel(1, tick, start);
  fired_by(wheel, start + tick * 100);
  wheel.arm(timer(0), start - hours(1));
  EXPECT_TRUE(fired_by(wheel, start + tick * 100).empty());
  EXPECT_EQ(fired_by(wheel, start + tick * 101).size(), 1u);
}

TEST(TimerWheel, ATimerThatRearmsItselfCannotHoldTheLoop) {
  TimerWheel wheel(1, tick, start);
  wheel.arm(timer(0), start + tick);
  const auto rearm = [&](TimerId id) { wheel.arm(id, start); };
  EXPECT_EQ(wheel.advance(start + hours(1), rearm), 1u);
  EXPECT_EQ(wheel.advance(start + hours(1), rearm), 0u);
  EXPECT_EQ(wheel.advance(start + hours(1) + tick * 2, rearm), 1u);
}

TEST(TimerWheel, ATimerMayCancelAnotherThatIsDueInTheSameTick) {
  TimerWheel wheel(3, tick, start);
  for (uint32_t i = 0; i < 3; ++i) wheel.arm(timer(i), start + tick * 7);
  uint32_t fired = 0;
  wheel.advance(start + tick * 7, [&](TimerId id) {
    ++fired;
    for (uint32_t i = 0; i < 3; ++i) {
      if (timer(i) != id) {
        EXPECT_TRUE(wheel.cancel(timer(i)));
      }
    }
  });
  EXPECT_EQ(fired, 1u);
  EXPECT_EQ(wheel.next_wakeup(), std::nullopt);
}

TEST(TimerWheel, TimeGivenBackwardsChangesNothing) {
  TimerWheel wheel(1, tick, start);
  wheel.arm(timer(0), start + tick * 10);
  fired_by(wheel, start + tick * 5);
  EXPECT_TRUE(fired_by(wheel, start - hours(2)).empty());
  EXPECT_EQ(fired_by(wheel, start + tick * 10).size(), 1u);
}

TEST(TimerWheel, DeadlinesOfCenturiesAreKept) {
  TimerWheel wheel(1, tick, start);
  const Instant far = start + hours(24 * 365) * 250;
  wheel.arm(timer(0), far);
  EXPECT_TRUE(fired_by(wheel, far - seconds(1)).empty());
  EXPECT_EQ(fired_by(wheel, far + tick).size(), 1u);
}

// The model: deadlines in ticks, in a multimap.
class Model {
 public:
  explicit Model(uint32_t timers_max) : due_(timers_max, none) {}

  void arm(uint32_t index, Instant deadline) {
    cancel(index);
    const int64_t since = std::max<int64_t>((deadline - start).nanoseconds, 0);
    const int64_t rounded = (since + tick.nanoseconds - 1) / tick.nanoseconds;
    due_[index] = std::max(rounded, now_ + 1);
    order_.emplace(due_[index], index);
  }
  bool cancel(uint32_t index) {
    if (due_[index] == none) return false;
    for (auto [at, end] = order_.equal_range(due_[index]); at != end; ++at) {
      if (at->second == index) {
        order_.erase(at);
        break;
      }
    }
    due_[index] = none;
    return true;
  }
  void begin_advance(Instant now) { now_ = std::max(now_, ticks(now)); }
  // Takes `index`, which must be among the earliest due by now.
  void fired(uint32_t index) {
    ASSERT_FALSE(order_.empty());
    EXPECT_EQ(due_[index], order_.begin()->first);
    EXPECT_LE(due_[index], now_);
    EXPECT_TRUE(cancel(index));
  }
  bool has_due() const { return !order_.empty() && order_.begin()->first <= now_; }
  bool is_empty() const { return order_.empty(); }
  Instant earliest() const { return start + tick * order_.begin()->first; }

  static int64_t ticks(Instant now) { return (now - start).nanoseconds / tick.nanoseconds; }

 private:
  static constexpr int64_t none = -1;
  int64_t now_ = 0;
  std::vector<int64_t> due_;
  std::multimap<int64_t, uint32_t> order_;
};

Duration random_span(Rng& rng) {  // Of every magnitude from nanoseconds to days.
  return nanoseconds(static_cast<int64_t>(rng.next() >> (16 + rng.bounded(40))));
}

void compare_with_model(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr uint32_t timers_max = 200;
  Rng rng(seed);
  TimerWheel wheel(timers_max, tick, start);
  Model model(timers_max);
  Instant now = start;
  for (int step = 0; step < 2000; ++step) {
    const auto index = static_cast<uint32_t>(rng.bounded(timers_max));
    const uint64_t choice = rng.bounded(10);
    if (choice < 6) {
      const Instant deadline = now + random_span(rng) - random_span(rng) / 8;
      wheel.arm(timer(index), deadline);
      model.arm(index, deadline);
    } else if (choice < 8) {
      EXPECT_EQ(wheel.cancel(timer(index)), model.cancel(index));
    } else {
      now = now + random_span(rng) / 4;
      model.begin_advance(now);
      wheel.advance(now, [&](TimerId id) {
        model.fired(static_cast<uint32_t>(id));
        if (!rng.chance(0.3)) return;  // Occasionally it arms or cancels from inside.
        const auto other = static_cast<uint32_t>(rng.bounded(timers_max));
        const Instant deadline = now + random_span(rng);
        wheel.arm(timer(other), deadline);
        model.arm(other, deadline);
        const auto third = static_cast<uint32_t>(rng.bounded(timers_max));
        EXPECT_EQ(wheel.cancel(timer(third)), model.cancel(third));
      });
      EXPECT_FALSE(model.has_due());
    }
    const auto wakeup = wheel.next_wakeup();
    ASSERT_EQ(wakeup.has_value(), !model.is_empty());
    if (wakeup) {
      EXPECT_LE(*wakeup, model.earliest());
      EXPECT_GT(*wakeup, now);  // Otherwise the loop would spin.
    }
    if (testing::Test::HasFailure()) return;
  }
  for (uint32_t i = 0; i < timers_max; ++i) {
    EXPECT_EQ(wheel.cancel(timer(i)), model.cancel(i));
  }
  EXPECT_EQ(wheel.next_wakeup(), std::nullopt) << "it still counts a timer that is not armed";
}

TEST(TimerWheel, AgreesWithASortedMap) {
  for (uint64_t seed = 1; seed <= 100; ++seed) compare_with_model(seed);
}

TEST(TimerWheel, SleepingUntilEachWakeupFiresEveryTimerInItsOwnTick) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    TimerWheel wheel(300, tick, start);
    std::vector<int64_t> due(300);
    for (uint32_t i = 0; i < due.size(); ++i) {
      due[i] = 1 + static_cast<int64_t>(rng.next() >> (24 + rng.bounded(38)));
      wheel.arm(timer(i), start + tick * due[i]);
    }
    uint32_t wakeups = 0;
    while (const auto wakeup = wheel.next_wakeup()) {
      ++wakeups;
      wheel.advance(*wakeup, [&](TimerId id) {
        EXPECT_EQ(due[static_cast<uint32_t>(id)], Model::ticks(*wakeup));
      });
    }
    EXPECT_LE(wakeups, due.size() * 7);  // A timer of 40 bits passes through at most 7 levels.
  }
}

}  // namespace
}  // namespace xord
