// What the timer wheel costs: arming and cancelling (docs/PERFORMANCE.md), and firing.
#include <benchmark/benchmark.h>

#include "reactor/base/rng.h"
#include "reactor/base/timer_wheel.h"

namespace xord {
namespace {

constexpr uint32_t armed_max = 10'000'000;

TimerWheel& wheel_of_ten_million() {
  static TimerWheel wheel = [] {
    TimerWheel full(armed_max + 1, milliseconds(1), Instant{});
    Rng rng(1);
    for (uint32_t i = 0; i < armed_max; ++i) {
      full.arm(static_cast<TimerId>(i),
               Instant{} + milliseconds(static_cast<int64_t>(rng.bounded(3'600'000))));
    }
    return full;
  }();
  return wheel;
}

// Cancel and arm a random one of 10 M, within the next hour.
void cancel_and_arm_a_random_one(benchmark::State& state) {
  TimerWheel& wheel = wheel_of_ten_million();
  Rng rng(2);
  for (auto _ : state) {
    const uint64_t draw = rng.next();
    const auto timer =
        static_cast<TimerId>((static_cast<uint32_t>(draw) * uint64_t{armed_max}) >> 32);
    wheel.cancel(timer);
    wheel.arm(timer, Instant{} + milliseconds(static_cast<int64_t>((draw >> 32) % 3'600'000)));
  }
}
BENCHMARK(cancel_and_arm_a_random_one)->MinTime(2);

// What storing a record again does: its expiry moves to later.
void move_a_random_one_to_later(benchmark::State& state) {
  TimerWheel& wheel = wheel_of_ten_million();
  Rng rng(2);
  int64_t later = 3'600'000;
  for (auto _ : state) {
    wheel.arm(static_cast<TimerId>(rng.bounded(armed_max)), Instant{} + milliseconds(later++));
  }
}
BENCHMARK(move_a_random_one_to_later)->MinTime(2);

// What each outgoing request does: its timer is armed, and cancelled when the answer comes.
void arm_and_cancel_a_new_requests(benchmark::State& state) {
  TimerWheel& wheel = wheel_of_ten_million();
  const auto timer = static_cast<TimerId>(armed_max);
  Instant now{};
  for (auto _ : state) {
    now = now + nanoseconds(100);
    wheel.arm(timer, now + milliseconds(300));
    benchmark::DoNotOptimize(wheel.cancel(timer));
  }
}
BENCHMARK(arm_and_cancel_a_new_requests)->MinTime(1);

// The same with time moving, 1,024 requests open at a time and a request each microsecond: includes
// clearing away what cancelling leaves behind.
void requests_while_time_moves(benchmark::State& state) {
  constexpr uint32_t timers = 1024;
  TimerWheel wheel(timers, milliseconds(1), Instant{});
  Instant now{};
  uint32_t at = 0;
  for (auto _ : state) {
    now = now + microseconds(1);
    const auto timer = static_cast<TimerId>(at++ % timers);
    wheel.cancel(timer);
    wheel.arm(timer, now + milliseconds(300));
    wheel.advance(now, [](TimerId) {});
  }
}
BENCHMARK(requests_while_time_moves);

// A timer armed ahead that does fire, all cascades included.
void arm_and_fire(benchmark::State& state) {
  constexpr uint32_t timers = 65'536;
  TimerWheel wheel(timers, milliseconds(1), Instant{});
  Instant now{};
  uint64_t fired = 0;
  for (auto _ : state) {
    for (uint32_t i = 0; i < timers; ++i) {
      wheel.arm(static_cast<TimerId>(i), now + milliseconds(200 + i % 5000));
    }
    now = now + seconds(6);
    fired += wheel.advance(now, [](TimerId) {});
  }
  state.SetItemsProcessed(static_cast<int64_t>(fired));
}
BENCHMARK(arm_and_fire);

}  // namespace
}  // namespace xord
