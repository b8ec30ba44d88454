// Whether a node has company: says (node/notice.h) when it has joined, when nobody answers, and
// when it is alone again. Shard 0 alone tells: it joins, and its replica has all contacts.
#pragma once

#include <cstdint>
#include <optional>

#include "node/contact.h"
#include "node/notice.h"
#include "reactor/base/instant.h"

namespace xord {

// While nobody answers this is told at once, then at ever longer intervals.
constexpr Duration tell_silence_min = seconds(10);
constexpr Duration tell_silence_max = minutes(10);

class Company {
 public:
  // `notices` is borrowed.
  Company(NodeNotices& notices, Instant start) : notices_(notices), alone_since_(start) {}

  // A first join begins now.
  void begin(Instant now) {
    if (alone_since_) alone_since_ = now;
  }
  // `count` nodes answered, `via` first; port 0: others found us. Told once, until alone again.
  void joined(Instant now, uint32_t count, const Contact& via);
  // All `count` addresses of a round of join pings were silent.
  void nobody_answered(Instant now, uint32_t count);
  // After each call: how many contacts are filed, and how many of them answer. What a join that
  // `is_joining` leads to it tells itself.
  void watch(Instant now, uint32_t filed_count, uint32_t answerable_count, bool is_joining);

 private:
  NodeNotices& notices_;
  bool has_company_ = false;
  std::optional<Instant> alone_since_;  // Or since joining began; empty: told that it has joined.
  Instant tell_silence_at_ = Instant::never();
  Duration tell_silence_after_ = tell_silence_min;
};

}  // namespace xord
