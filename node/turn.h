// The context of one call of a Node: the time of the call, where its effects go, and the events
// that its parts send each other.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/base/datagram.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/frames.h"
#include "reactor/base/id.h"
#include "reactor/base/instant.h"

namespace xord {

// Where a node leaves its effects. Borrowed for one call; the caller sends and clears them
// afterwards.
struct Outputs {
  Outbox& datagrams;
  FrameOutbox& messages;  // To other shards; `to` is the shard. Frames of node/shard_message.h.
  FrameOutbox& storage;   // To this shard's commit thread. Frames of storage/operation.h.
  FrameOutbox& results;   // To the embedding program. Frames of node/operation_result.h.
};

// What a part reports to those above it. The Node passes it on once the part has returned, so that
// no part is called back, or destroyed, while it is working.
struct Event {
  enum class Kind : uint8_t {
    refresh_due,      // There was no lookup in the range of `target` for an hour.
    lookup_finished,  // `handle`: the lookup. Its owner reads the result, then it is released.
    round_finished,   // `handle`: the round of stores.
  } kind{};
  PoolHandle handle;
  Id target;
};

// First in, first out. Fixed size: a node makes room for everything its pools can report.
class Events {
 public:
  explicit Events(uint32_t events_max) : events_(std::bit_ceil(events_max)) {}

  void push(const Event& event) {
    CHECK(last_ - first_ < events_.size());
    events_[last_++ & (events_.size() - 1)] = event;
  }
  bool is_empty() const { return first_ == last_; }
  std::optional<Event> pop() {
    if (is_empty()) return std::nullopt;
    return events_[first_++ & (events_.size() - 1)];
  }

 private:
  std::vector<Event> events_;  // Sized at construction, a power of two.
  uint64_t first_ = 0;
  uint64_t last_ = 0;
};

// Passed down through the node's parts. Lives as long as the call.
struct Turn {
  Instant now;
  Outputs& out;
  Events& events;
};

}  // namespace xord
