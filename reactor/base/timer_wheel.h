// A hierarchical timer wheel over a fixed number of timers. Arming, re-arming and cancelling are
// O(1) and nothing allocates after construction: it is built for timeouts, most of which are
// cancelled. The wheel never reads a clock; time moves only when its owner calls advance().
// 16 bytes a timer, and 11 KiB. After Varghese and Lauck 1987, scheme 7, with the level chosen as
// in tokio and Seastar.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "reactor/base/check.h"
#include "reactor/base/instant.h"

namespace xord {

enum class TimerId : uint32_t {};  // Chosen by the owner, 0..timers_max-1: usually its slot index.

class TimerWheel {
 public:
  // `tick` is rounded down to a power of two of nanoseconds (a millisecond becomes 0.52 ms), so
  // that no division is on the path. `start` is where time stands; deadlines count from it.
  TimerWheel(uint32_t timers_max, Duration tick, Instant start);

  // Arms `timer` for `deadline`, moving it if it was armed. It fires in the first advance() at or
  // after the deadline rounded up to a tick: up to one tick late, never early. A deadline that has
  // passed is due at the next tick.
  void arm(TimerId timer, Instant deadline);
  // Disarms `timer`; returns whether it was armed.
  bool cancel(TimerId timer);
  bool is_armed(TimerId timer) const { return link(timer).next != unlinked; }
  uint32_t armed_count() const { return armed_count_; }

  // Moves time to `now` (an earlier one changes nothing) and calls fire(TimerId) for each due
  // timer, earliest tick first; it is disarmed by then. Returns how many fired. `fire` may arm or
  // cancel any timer; what it arms is due one tick after `now` at the soonest, so a timer that
  // re-arms itself cannot hold the loop.
  template <class Fire>
  uint32_t advance(Instant now, Fire&& fire);
  // When advance() next has work, at the latest: the time to sleep until. It may be earlier than
  // the next deadline, when a coarse slot has to be spread over finer ones. Empty: none is armed.
  std::optional<Instant> next_wakeup() const;

 private:
  // The level is the highest 6-bit digit in which the deadline differs from now, so no slot ever
  // wraps, and the lowest occupied slot of the lowest occupied level is always the earliest.
  static constexpr uint32_t level_bits = 6;    // 64 slots a level: one word of occupancy each.
  static constexpr uint32_t level_count = 11;  // 11 digits hold any 64-bit tick: no overflow list.
  static constexpr uint32_t slots_a_level = 1u << level_bits;
  static constexpr uint32_t slot_count = level_count * slots_a_level;
  static constexpr uint32_t unlinked = UINT32_MAX;

  // Circular lists: a slot's head is a link too, behind those of the timers, so that unlinking
  // needs no branch on the ends, and the neighbours alone tell that a slot became empty.
  struct Link {
    uint32_t next = unlinked;
    uint32_t previous = unlinked;
    uint64_t deadline = 0;  // In ticks.
  };
  struct Slot {
    uint32_t level;
    uint32_t index;
    uint64_t begin;  // In ticks.
  };

  const Link& link(TimerId timer) const {
    DCHECK(static_cast<uint32_t>(timer) < timers_max_);
    return links_[static_cast<uint32_t>(timer)];
  }
  uint32_t head_of(uint32_t level, uint32_t index) const {
    return timers_max_ + level * slots_a_level + index;
  }
  uint32_t due_head() const { return timers_max_ + slot_count; }
  std::optional<Slot> earliest() const;
  void file(uint32_t timer);
  void unlink(uint32_t timer);
  void append(uint32_t head, uint32_t timer);
  // Empties the earliest slot into the list of due timers if that slot begins at or before
  // `target`, re-filing what is due later; otherwise moves time to `target` and returns false.
  bool collect(uint64_t target);
  uint64_t ticks_at(Instant now) const;

  uint32_t timers_max_;
  uint32_t tick_shift_;
  uint32_t armed_count_ = 0;
  Instant start_;
  uint64_t now_ = 0;    // In ticks since start.
  uint64_t floor_ = 1;  // Nothing is filed before this tick: later than all that was advanced to.
  uint32_t levels_occupied_ = 0;
  std::array<uint64_t, level_count> slots_occupied_{};
  std::unique_ptr<Link[]> links_;  // Timers, then a head for each slot, then the due list's.
};

template <class Fire>
uint32_t TimerWheel::advance(Instant now, Fire&& fire) {
  const uint64_t target = ticks_at(now);
  if (target <= now_) return 0;
  floor_ = target + 1;
  uint32_t fired = 0;
  const Link& due = links_[due_head()];
  while (collect(target)) {
    while (due.next != due_head()) {  // Read anew each time: `fire` may cancel one of these.
      const uint32_t timer = due.next;
      unlink(timer);
      ++fired;
      fire(static_cast<TimerId>(timer));
    }
  }
  return fired;
}

}  // namespace xord
