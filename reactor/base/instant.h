// Instant, MonotonicTime and Duration: whole nanoseconds, types that do not mix. Nothing here reads
// a clock. All instants of one process are *node time* (docs/ARCHITECTURE.md, "Time"): it advances
// with the monotonic clock and continues across restarts, so differences are meaningful and dates
// are not.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>

namespace xord {

struct Duration {
  int64_t nanoseconds = 0;

  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator-() const { return {-nanoseconds}; }
  constexpr Duration operator+(Duration other) const { return {nanoseconds + other.nanoseconds}; }
  constexpr Duration operator-(Duration other) const { return {nanoseconds - other.nanoseconds}; }
  constexpr Duration operator*(int64_t factor) const { return {nanoseconds * factor}; }
  constexpr Duration operator/(int64_t divisor) const { return {nanoseconds / divisor}; }
  constexpr int64_t whole_milliseconds() const { return nanoseconds / 1'000'000; }
  constexpr int64_t whole_seconds() const { return nanoseconds / 1'000'000'000; }
  constexpr double seconds() const { return static_cast<double>(nanoseconds) * 1e-9; }
};

constexpr Duration nanoseconds(int64_t count) {
  return {count};
}
constexpr Duration microseconds(int64_t count) {
  return {count * 1'000};
}
constexpr Duration milliseconds(int64_t count) {
  return {count * 1'000'000};
}
constexpr Duration seconds(int64_t count) {
  return {count * 1'000'000'000};
}
constexpr Duration minutes(int64_t count) {
  return seconds(count * 60);
}
constexpr Duration hours(int64_t count) {
  return seconds(count * 3600);
}

struct Instant {
  int64_t nanoseconds = 0;  // Since the node's first start.

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return {nanoseconds + d.nanoseconds}; }
  constexpr Instant operator-(Duration d) const { return {nanoseconds - d.nanoseconds}; }
  constexpr Duration operator-(Instant other) const { return {nanoseconds - other.nanoseconds}; }
  // Before any instant that a node can see: of an event, that it did not happen yet; of a time to
  // act, at once. Half of the range, so that a duration can be added or subtracted.
  static constexpr Instant min() { return {std::numeric_limits<int64_t>::min() / 2}; }
};

// A reading of the host's monotonic clock, for code that runs beside the shards: how long the disk,
// a name or a caller takes, whatever node time is. Zero is some moment at or before the host's
// boot.
struct MonotonicTime {
  int64_t nanoseconds = 0;

  constexpr auto operator<=>(const MonotonicTime&) const = default;
  constexpr MonotonicTime operator+(Duration d) const { return {nanoseconds + d.nanoseconds}; }
  constexpr Duration operator-(MonotonicTime other) const {
    return {nanoseconds - other.nanoseconds};
  }
};

// The earlier of two wake-ups; empty means none.
constexpr std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a) return b;
  return b && *b < *a ? b : a;
}

}  // namespace xord
