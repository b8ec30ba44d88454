#include "reactor/base/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace xord {

TimerWheel::TimerWheel(uint32_t timers_max, Duration tick, Instant start)
    : timers_max_(timers_max),
      tick_shift_(static_cast<uint32_t>(std::bit_width(static_cast<uint64_t>(tick.nanoseconds))) -
                  1),
      start_(start) {
  CHECK(tick.nanoseconds > 0);
  CHECK(timers_max < unlinked - slot_count - 1);
  links_ = std::make_unique<Link[]>(size_t{timers_max} + slot_count + 1);
  for (uint32_t head = timers_max; head <= due_head(); ++head) {
    links_[head].next = links_[head].previous = head;
  }
}

void TimerWheel::arm(TimerId timer, Instant deadline) {
  const auto index = static_cast<uint32_t>(timer);
  CHECK(index < timers_max_);
  if (links_[index].next != unlinked) unlink(index);
  const int64_t since = std::max<int64_t>(deadline.nanoseconds - start_.nanoseconds, 0);
  const uint64_t round_up = (uint64_t{1} << tick_shift_) - 1;
  const uint64_t tick = (static_cast<uint64_t>(since) + round_up) >> tick_shift_;
  links_[index].deadline = std::max(tick, floor_);
  ++armed_count_;
  file(index);
}

bool TimerWheel::cancel(TimerId timer) {
  const auto index = static_cast<uint32_t>(timer);
  CHECK(index < timers_max_);
  if (links_[index].next == unlinked) return false;
  unlink(index);
  return true;
}

std::optional<Instant> TimerWheel::next_wakeup() const {
  const auto slot = earliest();
  if (!slot) return std::nullopt;
  return start_ + nanoseconds(static_cast<int64_t>(slot->begin << tick_shift_));
}

std::optional<TimerWheel::Slot> TimerWheel::earliest() const {
  if (levels_occupied_ == 0) return std::nullopt;
  const auto level = static_cast<uint32_t>(std::countr_zero(levels_occupied_));
  const auto index = static_cast<uint32_t>(std::countr_zero(slots_occupied_[level]));
  const uint32_t shift = level * level_bits;
  const uint64_t digits_above = shift + level_bits >= 64 ? 0 : ~uint64_t{0} << (shift + level_bits);
  return Slot{level, index, (now_ & digits_above) | (uint64_t{index} << shift)};
}

bool TimerWheel::collect(uint64_t target) {
  const auto slot = earliest();
  if (!slot || slot->begin > target) {
    now_ = target;
    return false;
  }
  now_ = slot->begin;
  // The slot is emptied before its timers are touched: those that are re-filed, or armed anew by
  // `fire`, must not be met again in this pass.
  Link& head = links_[head_of(slot->level, slot->index)];
  uint32_t timer = head.next;
  const uint32_t end = head_of(slot->level, slot->index);
  head.next = head.previous = end;
  slots_occupied_[slot->level] &= ~(uint64_t{1} << slot->index);
  if (slots_occupied_[slot->level] == 0) levels_occupied_ &= ~(1u << slot->level);
  while (timer != end) {
    const uint32_t next = links_[timer].next;
    if (links_[timer].deadline <= now_) {
      append(due_head(), timer);
    } else {
      file(timer);
    }
    timer = next;
  }
  return true;
}

void TimerWheel::file(uint32_t timer) {
  const uint64_t deadline = links_[timer].deadline;
  DCHECK(deadline > now_);
  const auto level = (static_cast<uint32_t>(std::bit_width(deadline ^ now_)) - 1) / level_bits;
  const auto index = static_cast<uint32_t>(deadline >> (level * level_bits)) & (slots_a_level - 1);
  slots_occupied_[level] |= uint64_t{1} << index;
  levels_occupied_ |= 1u << level;
  append(head_of(level, index), timer);
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
  links_[link.next].previous = link.previous;
  links_[link.previous].next = link.next;
  if (link.next == link.previous && link.next >= timers_max_ && link.next != due_head()) {
    const uint32_t slot = link.next - timers_max_;
    const uint32_t level = slot / slots_a_level;
    slots_occupied_[level] &= ~(uint64_t{1} << (slot % slots_a_level));
    if (slots_occupied_[level] == 0) levels_occupied_ &= ~(1u << level);
  }
  link.next = link.previous = unlinked;
  --armed_count_;
}

uint64_t TimerWheel::ticks_at(Instant now) const {
  const int64_t since = now.nanoseconds - start_.nanoseconds;
  return since <= 0 ? 0 : static_cast<uint64_t>(since) >> tick_shift_;
}

}  // namespace xord
