// The one queue of a world: the next events by (time, order of entry), so that equal runs take
// equal turns. Events are small and refer to their data by index. The queue grows with what is
// in progress; whatever adds events has a bound of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/base/instant.h"

namespace xord::sim {

struct Event {
  enum class Kind : uint8_t {
    wake,     // `host` asked to be called at this time.
    arrival,  // Datagram `index` reaches `host`.
    deed,     // Planned function `index` is called.
  };
  Instant at;
  uint64_t order = 0;
  Kind kind{};
  uint32_t host = 0;
  uint32_t index = 0;
};
static_assert(sizeof(Event) <= 32);

class EventQueue {
 public:
  void push(Instant at, Event::Kind kind, uint32_t host, uint32_t index) {
    heap_.push_back({at, order_++, kind, host, index});
    std::push_heap(heap_.begin(), heap_.end(), is_later);
  }
  bool empty() const { return heap_.empty(); }
  const Event& next() const {
    CHECK(!heap_.empty());
    return heap_.front();
  }
  Event pop() {
    CHECK(!heap_.empty());
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    const Event event = heap_.back();
    heap_.pop_back();
    DCHECK(heap_.empty() || is_later(heap_.front(), event));
    return event;
  }

 private:
  static bool is_later(const Event& a, const Event& b) {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }

  uint64_t order_ = 0;
  std::vector<Event> heap_;
};

}  // namespace xord::sim
