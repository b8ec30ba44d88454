// A hierarchical timer wheel over a fixed number of timers. Arming, re-arming and cancelling are
// O(1) and nothing allocates after construction: it is built for timeouts, most of which are
// cancelled. Cancelling, or re-arming for later, only marks the timer: it stays filed where it is
// until time gets there (that touches one cache line of a cold timer instead of four). The wheel
// never reads a clock; time moves only when its owner calls advance(). 16 bytes a timer, and 9 KiB.
// After Varghese and Lauck 1987, scheme 7, with the level chosen as in tokio and Seastar.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "reactor/base/check.h"
#include "reactor/base/instant.h"
#include "reactor/base/lazy_array.h"

namespace xord {

enum class TimerId : uint32_t {};  // Chosen by the owner, 0..timers_max-1: usually its slot index.

class TimerWheel {
 public:
  // `tick`, at least 1,024 ns, is rounded down to a power of two of nanoseconds (a millisecond
  // becomes 0.52 ms), so that nothing on the path divides. Time begins at `start`; deadlines count
  // from it.
  TimerWheel(uint32_t timers_max, Duration tick, Instant start);

  // Arms `timer` for `deadline`, moving it if it was armed. It fires in the first advance() at or
  // after the deadline rounded up to a tick: up to one tick late, never early. A deadline that has
  // passed is due at the next tick.
  void arm(TimerId timer, Instant deadline);
  // Disarms `timer`; returns whether it was armed.
  bool cancel(TimerId timer);
  bool is_armed(TimerId timer) const { return link(timer).deadline != disarmed; }

  // Moves time to `now` (an earlier one changes nothing) and calls fire(TimerId) for each due
  // timer, earliest tick first; it is disarmed by then. Returns how many fired. `fire` may arm or
  // cancel any timer; what it arms is due one tick after `now` at the soonest, so a timer that
  // re-arms itself cannot hold the loop.
  template <class Fire>
  uint32_t advance(Instant now, Fire&& fire);
  // When to call advance() next, at the latest: the time to sleep until. It may be earlier than the
  // next deadline, when a coarse slot has to be spread over finer ones, or a timer was cancelled or
  // moved. Empty: no timer is armed.
  std::optional<Instant> next_wakeup() const;

 private:
  // The level is the highest 6-bit digit in which the deadline differs from now, so no slot ever
  // wraps, and the lowest occupied slot of the lowest occupied level is always the earliest.
  static constexpr uint32_t level_bits = 6;   // 64 slots a level: one word of occupancy each.
  static constexpr uint32_t level_count = 9;  // 9 digits hold any 54-bit tick: no overflow list.
  static constexpr uint32_t slots_a_level = 1u << level_bits;
  static constexpr uint32_t slot_count = level_count * slots_a_level;
  static constexpr uint32_t deadline_bits = level_count * level_bits;
  static constexpr uint32_t slot_bits = 64 - deadline_bits;
  static_assert(slot_count <= 1u << slot_bits);
  static constexpr uint32_t tick_shift_min = 10;  // 2^63 ns are fewer ticks than `disarmed`.
  static_assert(63 - tick_shift_min < deadline_bits);
  static constexpr uint32_t unlinked = UINT32_MAX;
  static constexpr uint64_t disarmed = (uint64_t{1} << deadline_bits) - 1;

  // Circular lists: a slot's head is a link too, stored after those of the timers, so that
  // unlinking needs no branch at the ends, and the neighbours alone show that a slot became empty.
  struct Link {
    uint32_t next = unlinked;
    uint32_t previous = unlinked;
    uint64_t deadline : deadline_bits = disarmed;  // In ticks. Filed in its slot or earlier.
    uint64_t slot : slot_bits = 0;                 // Where it is filed.
  };
  static_assert(sizeof(Link) == 16);

  const Link& link(TimerId timer) const {
    DCHECK(static_cast<uint32_t>(timer) < timers_max_);
    return links_[static_cast<uint32_t>(timer)];
  }
  uint32_t head_of(uint32_t slot) const { return timers_max_ + slot; }
  uint32_t due_head() const { return timers_max_ + slot_count; }
  // The earliest occupied slot; at least one must be occupied. Slots are numbered across all
  // levels.
  uint32_t earliest() const;
  uint64_t begin_of(uint32_t slot) const;  // In ticks.
  uint32_t slot_of(uint64_t deadline) const;
  void file(uint32_t timer, uint32_t slot);
  void vacate(uint32_t slot);  // Called when its list is empty.
  void unlink(uint32_t timer);
  void append(uint32_t head, uint32_t timer);
  // Moves the timers of the earliest slot to the due list if that slot begins at or before
  // `target`; otherwise moves time to `target` and returns false.
  bool collect(uint64_t target);
  // Takes one timer off the due list, which is not empty, and returns it if it is due; otherwise
  // files it again or, if disarmed, forgets it.
  std::optional<uint32_t> take_due();
  uint64_t ticks_at(Instant now) const;

  uint32_t timers_max_;
  uint32_t tick_shift_;
  uint32_t armed_count_ = 0;  // Excludes timers filed but disarmed.
  Instant start_;
  uint64_t now_ = 0;    // In ticks since start.
  uint64_t floor_ = 1;  // Nothing is filed before this tick, which is after every advance().
  uint32_t levels_occupied_ = 0;
  std::array<uint64_t, level_count> slots_occupied_{};
  LazyArray<Link> links_;  // Timers, then a head for each slot, then the due list's head.
};

template <class Fire>
uint32_t TimerWheel::advance(Instant now, Fire&& fire) {
  const uint64_t target = ticks_at(now);
  if (target <= now_) return 0;
  floor_ = target + 1;
  uint32_t fired = 0;
  const Link& due = links_[due_head()];
  while (collect(target)) {
    while (due.next != due_head()) {  // `fire` may cancel or move those still on the list.
      const auto timer = take_due();
      if (!timer) continue;
      ++fired;
      fire(static_cast<TimerId>(*timer));
    }
  }
  return fired;
}

}  // namespace xord
