#include "reactor/base/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace xord {

TimerWheel::TimerWheel(uint32_t timers_max, Duration tick, Instant start)
    : timers_max_(timers_max),
      tick_shift_(static_cast<uint32_t>(std::bit_width(static_cast<uint64_t>(tick.nanoseconds))) -
                  1),
      start_(start),
      links_(size_t{timers_max} + slot_count + 1, Filled::from_the_beginning) {
  CHECK(tick.nanoseconds >= 1 << tick_shift_min);
  CHECK(timers_max < unlinked - slot_count - 1);
  for (uint32_t timer = 0; timer < timers_max; ++timer) links_[timer] = {};
  for (uint32_t head = timers_max; head <= due_head(); ++head) {
    links_[head] = {};
    links_[head].next = links_[head].previous = head;
  }
}

void TimerWheel::arm(TimerId timer, Instant deadline) {
  const auto index = static_cast<uint32_t>(timer);
  CHECK(index < timers_max_);
  const int64_t since = std::max<int64_t>(deadline.nanoseconds - start_.nanoseconds, 0);
  const uint64_t round_up = (uint64_t{1} << tick_shift_) - 1;
  const uint64_t tick = (static_cast<uint64_t>(since) + round_up) >> tick_shift_;
  Link& link = links_[index];
  if (link.deadline == disarmed) ++armed_count_;
  link.deadline = std::max(tick, floor_) & disarmed;
  const uint32_t slot = slot_of(link.deadline);
  if (link.next != unlinked) {
    if (slot >= link.slot) return;  // Its slot is reached in time.
    unlink(index);
  }
  file(index, slot);
}

bool TimerWheel::cancel(TimerId timer) {
  const auto index = static_cast<uint32_t>(timer);
  CHECK(index < timers_max_);
  if (links_[index].deadline == disarmed) return false;
  DCHECK(armed_count_ > 0 && links_[index].next != unlinked);  // An armed timer is filed.
  links_[index].deadline = disarmed;
  --armed_count_;
  return true;
}

std::optional<Instant> TimerWheel::next_wakeup() const {
  if (armed_count_ == 0) return std::nullopt;
  return start_ + nanoseconds(static_cast<int64_t>(begin_of(earliest()) << tick_shift_));
}

uint32_t TimerWheel::earliest() const {
  DCHECK(levels_occupied_ != 0);
  const auto level = static_cast<uint32_t>(std::countr_zero(levels_occupied_));
  DCHECK(slots_occupied_[level] != 0);
  const auto index = static_cast<uint32_t>(std::countr_zero(slots_occupied_[level]));
  return level * slots_a_level + index;
}

uint64_t TimerWheel::begin_of(uint32_t slot) const {
  const uint32_t shift = slot / slots_a_level * level_bits;
  const uint64_t digits_above = ~uint64_t{0} << (shift + level_bits);
  return (now_ & digits_above) | (uint64_t{slot % slots_a_level} << shift);
}

uint32_t TimerWheel::slot_of(uint64_t deadline) const {
  DCHECK(deadline > now_);
  const auto level = (static_cast<uint32_t>(std::bit_width(deadline ^ now_)) - 1) / level_bits;
  return level * slots_a_level +
         (static_cast<uint32_t>(deadline >> (level * level_bits)) & (slots_a_level - 1));
}

bool TimerWheel::collect(uint64_t target) {
  if (levels_occupied_ == 0 || begin_of(earliest()) > target) {
    now_ = target;
    return false;
  }
  const uint32_t slot = earliest();
  DCHECK(begin_of(slot) > now_);
  now_ = begin_of(slot);
  // The slot is emptied before its timers are touched: timers filed again, or armed by `fire`, must
  // not be met again in this pass.
  Link& head = links_[head_of(slot)];
  Link& due = links_[due_head()];
  DCHECK(due.next == due_head() && head.next != head_of(slot));
  due.next = head.next;
  due.previous = head.previous;
  links_[due.next].previous = due_head();
  links_[due.previous].next = due_head();
  head.next = head.previous = head_of(slot);
  vacate(slot);
  return true;
}

std::optional<uint32_t> TimerWheel::take_due() {
  const uint32_t timer = links_[due_head()].next;
  DCHECK(timer < timers_max_);
  unlink(timer);
  Link& link = links_[timer];
  if (link.deadline == disarmed) return std::nullopt;
  if (link.deadline > now_) {
    file(timer, slot_of(link.deadline));
    return std::nullopt;
  }
  DCHECK(armed_count_ > 0);
  link.deadline = disarmed;
  --armed_count_;
  return timer;
}

void TimerWheel::file(uint32_t timer, uint32_t slot) {
  DCHECK(slot < slot_count && links_[timer].next == unlinked);
  slots_occupied_[slot / slots_a_level] |= uint64_t{1} << (slot % slots_a_level);
  levels_occupied_ |= 1u << (slot / slots_a_level);
  links_[timer].slot = slot & ((1u << slot_bits) - 1);
  append(head_of(slot), timer);
}

void TimerWheel::vacate(uint32_t slot) {
  DCHECK(links_[head_of(slot)].next == head_of(slot));
  const uint32_t level = slot / slots_a_level;
  slots_occupied_[level] &= ~(uint64_t{1} << (slot % slots_a_level));
  if (slots_occupied_[level] == 0) levels_occupied_ &= ~(1u << level);
}

void TimerWheel::append(uint32_t head, uint32_t timer) {
  const uint32_t last = links_[head].previous;
  links_[timer].next = head;
  links_[timer].previous = last;
  links_[last].next = timer;
  links_[head].previous = timer;
}

void TimerWheel::unlink(uint32_t timer) {
  Link& link = links_[timer];
  DCHECK(link.next != unlinked);
  DCHECK(links_[link.next].previous == timer && links_[link.previous].next == timer);
  links_[link.next].previous = link.previous;
  links_[link.previous].next = link.next;
  if (link.next == link.previous && link.next >= timers_max_ && link.next != due_head()) {
    vacate(link.next - timers_max_);  // Only the slot's head is left.
  }
  link.next = link.previous = unlinked;
}

uint64_t TimerWheel::ticks_at(Instant now) const {
  const int64_t since = now.nanoseconds - start_.nanoseconds;
  return since <= 0 ? 0 : static_cast<uint64_t>(since) >> tick_shift_;
}

}  // namespace xord
