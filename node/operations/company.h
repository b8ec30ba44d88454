// Whether a node has company: reports (node/notice.h) when it has joined, when no one answers, and
// when it is alone again. Only shard 0 reports: it does the joining, and its replica has all
// contacts.
#pragma once

#include <cstdint>
#include <optional>

#include "node/contact.h"
#include "node/notice.h"
#include "reactor/base/instant.h"

namespace xord {

// While no one answers, this is reported at once, then at ever longer intervals.
constexpr Duration report_silence_min = seconds(10);
constexpr Duration report_silence_max = minutes(10);
static_assert(report_silence_min <= report_silence_max);

class Company {
 public:
  // `notices` is borrowed.
  Company(NodeNotices& notices, Instant start) : notices_(notices), alone_since_(start) {}

  // The first join begins now.
  void begin(Instant now) {
    if (alone_since_) alone_since_ = now;
  }
  // `count` nodes answered, `via` first; port 0: others found us. Reported once until alone again.
  void joined(Instant now, uint32_t count, const Contact& via);
  // All `count` addresses of a round of join pings failed to answer.
  void nobody_answered(Instant now, uint32_t count);
  // After each call: how many contacts are filed, and how many of them answer. If `is_joining`,
  // success is reported by joined() when the join ends.
  void watch(Instant now, uint32_t filed_count, uint32_t answerable_count, bool is_joining);

 private:
  NodeNotices& notices_;
  bool has_company_ = false;
  std::optional<Instant> alone_since_;  // Or since joining began; empty: it was reported as joined.
  Instant report_silence_at_ = Instant::min();
  Duration report_silence_after_ = report_silence_min;
};

}  // namespace xord
