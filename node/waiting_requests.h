// Requests for records whose range is still being loaded at start: kept in order of arrival until
// the load is done, or until they have waited for waiting_lifetime (DESIGN section 5). One arena,
// which is used anew once nothing waits; full means that the caller answers at once without it.
#pragma once

#include <cstdint>
#include <optional>

#include "reactor/base/datagram.h"
#include "reactor/base/frames.h"
#include "reactor/base/instant.h"

namespace xord {

constexpr Duration waiting_lifetime = seconds(2);

class WaitingRequests {
 public:
  WaitingRequests(uint32_t requests_max, uint32_t bytes_max) : frames_(requests_max, bytes_max) {}

  // Keeps a copy; false when there is no room.
  [[nodiscard]] bool wait(Instant now, const Datagram& datagram) {
    return frames_.push(0, Waiting{datagram.path, now + waiting_lifetime}, datagram.bytes);
  }
  // Calls serve(const Datagram&) for all that waited long enough by `now`, oldest first; the
  // datagram lives for that call, in which nothing may be added.
  template <class Serve>
  void advance(Instant now, Serve&& serve) {
    while (first_ < frames_.entries().size()) {
      const Bytes frame = frames_.bytes(frames_.entries()[first_]);
      const Waiting& waiting = *frame_header<Waiting>(frame);
      if (waiting.until > now) return;
      ++first_;
      serve(Datagram{waiting.path, frame_tail<Waiting>(frame)});
    }
    frames_.clear();
    first_ = 0;
  }
  // The same for all, however long they waited.
  template <class Serve>
  void release_all(Serve&& serve) {
    advance(Instant{INT64_MAX}, serve);
  }
  std::optional<Instant> next_wakeup() const {
    if (first_ == frames_.entries().size()) return std::nullopt;
    return frame_header<Waiting>(frames_.bytes(frames_.entries()[first_]))->until;
  }

 private:
  struct Waiting {
    Path path;
    Instant until;
  };

  FrameOutbox frames_;
  size_t first_ = 0;  // Entries before it were served.
};

}  // namespace xord
