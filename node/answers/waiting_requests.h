// Requests that cannot be answered yet: the range of their key is still being loaded, or too many
// other values are being read. Kept in order of arrival until they can be answered, or have waited
// for waiting_lifetime. One arena, reused once nothing waits; when it is full, the caller proceeds
// without it.
#pragma once

#include <cstdint>
#include <optional>

#include "reactor/base/check.h"
#include "reactor/base/datagram.h"
#include "reactor/base/frames.h"
#include "reactor/base/instant.h"

namespace xord {

constexpr Duration waiting_lifetime = seconds(2);
// Requests served per call: with the largest values, fewer than the outbox has room for
// (Shards::open()).
constexpr uint32_t waiting_served_max = 16;

class WaitingRequests {
 public:
  WaitingRequests(uint32_t requests_max, uint32_t bytes_max) : frames_(requests_max, bytes_max) {}

  // Keeps a copy; false when there is no room.
  [[nodiscard]] bool wait(Instant now, const Datagram& datagram) {
    return frames_.push(0, Waiting{datagram.path, now + waiting_lifetime}, datagram.bytes);
  }
  // Calls serve(const Datagram&, WaitedEnough) for requests that were released or have waited long
  // enough by `now`, oldest first, at most waiting_served_max of them. The datagram lives for that
  // call, during which nothing may be added. If `serve` returns false, the request stays first and
  // no others are served until the next release; not allowed once the request has waited enough.
  enum class WaitedEnough : uint8_t { no, yes };
  template <class Serve>
  void advance(Instant now, Serve&& serve) {
    for (uint32_t served = 0; first_ < frames_.entries().size(); ++served) {
      if (served == waiting_served_max) return;
      [[maybe_unused]] const size_t waiting_count = frames_.entries().size();
      const Bytes frame = frames_.bytes(frames_.entries()[first_]);
      DCHECK(frame.size() >= sizeof(Waiting));
      const Waiting& waiting = *frame_header<Waiting>(frame);
      if (waiting.until > now && !released_at_) return;
      const WaitedEnough enough = waiting.until > now ? WaitedEnough::no : WaitedEnough::yes;
      if (!serve(Datagram{waiting.path, frame_tail<Waiting>(frame)}, enough)) {
        CHECK(enough == WaitedEnough::no);
        released_at_.reset();
        return;
      }
      DCHECK(frames_.entries().size() == waiting_count);
      ++first_;
    }
    frames_.clear();
    first_ = 0;
    released_at_.reset();
  }
  // The load is done, or another value can be read: advance() tries all requests from here on,
  // however long they have waited.
  void release(Instant now) { released_at_ = now; }
  bool is_empty() const {
    DCHECK(first_ <= frames_.entries().size());
    return first_ == frames_.entries().size();
  }
  // When advance() is next needed; not after now while some that may be served are left.
  std::optional<Instant> next_wakeup() const {
    if (is_empty()) return std::nullopt;
    if (released_at_) return released_at_;
    return frame_header<Waiting>(frames_.bytes(frames_.entries()[first_]))->until;
  }

 private:
  struct Waiting {
    Path path;
    Instant until;
  };

  FrameOutbox frames_;
  size_t first_ = 0;  // Entries before it were served.
  std::optional<Instant> released_at_;
};

}  // namespace xord
