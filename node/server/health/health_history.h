// What health must know of the last minutes: figures that only grow, as they were in each of the
// last 300 seconds, and the last runs of the canary. Fed about once a second, of fixed size (13
// KiB). Reads no clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "node/server/health/health.h"
#include "reactor/base/check.h"
#include "reactor/base/instant.h"

namespace xord {

// Figures since the start of the node.
struct HealthSample {
  MonotonicTime at;
  uint64_t calls_ended = 0;
  uint64_t calls_answered = 0;
  uint64_t received = 0;
  uint64_t dropped = 0;
  uint64_t inbound = 0;  // Requests from sources that were not called.
  uint64_t lookups = 0;  // Those that found nodes.
};

struct CanaryRun {
  uint32_t found = 0;
  uint32_t wanted = 0;
  Duration took;
  bool is_stored = true;  // With `canary = store`: whether that worked, too.
};

class HealthHistory {
 public:
  // `sample.at` must not decrease.
  void add(const HealthSample& sample);
  void add(const CanaryRun& run);
  // Fills in what follows from the history: ages, windows and the canary, except for is_on. As of
  // the last sample.
  void describe(HealthFacts* facts) const;

 private:
  // The longest window, and the sample before it. Samples closer together than a second replace
  // each other.
  static constexpr Duration apart = seconds(1);
  static constexpr size_t samples_max = 301;
  static_assert(outbound_window.nanoseconds <= apart.nanoseconds * int64_t{samples_max - 1});

  // The last sample that is at least `window` older than the newest; else the oldest.
  const HealthSample& before(Duration window) const;
  const HealthSample& newest() const { return sample(count_ - 1); }
  const HealthSample& sample(size_t index) const {
    DCHECK(index < count_);
    return samples_[(first_ + index) % samples_max];
  }

  std::array<HealthSample, samples_max> samples_;
  size_t first_ = 0;
  size_t count_ = 0;
  std::optional<MonotonicTime> inbound_at_;
  std::optional<MonotonicTime> lookup_at_;

  std::array<CanaryRun, canary_runs_kept> runs_;
  uint32_t runs_count_ = 0;
  uint32_t failed_in_a_row_ = 0;
};

}  // namespace xord
