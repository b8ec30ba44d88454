// FigureHistory: the last hour of a node's live figures by seconds, and the last day by minutes. Of
// fixed size, all of it allocated at construction: 49 series x (3,600 + 1,440) values x 4 bytes =
// 0.94 MiB. Reads no clock; used by one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "node/server/live/live_figures.h"

namespace xord {

constexpr size_t history_seconds = 3600;
constexpr size_t history_minutes = 24 * 60;
constexpr size_t history_bytes = series_count * (history_seconds + history_minutes) * sizeof(float);
static_assert(history_bytes < 1 << 20);

class FigureHistory {
 public:
  FigureHistory();

  // The figures of the second `second`, which must not decrease; the same second again replaces
  // them. Seconds that are left out are not known. A minute ends with the second before its
  // multiple of 60.
  void add(const SeriesValues& values, int64_t second);

  // Values of one series, each of `step` seconds that end before a multiple of `step`, oldest
  // first. Values that are not known are not numbers.
  struct Line {
    std::vector<float> values;
    int64_t end = 0;  // The second after the last value's.
  };
  // Of at most `points` values; fewer if not so much is remembered. `step` is from 1 to
  // history_seconds.
  Line seconds_of(Series series, size_t step, size_t points) const;
  // The same of whole minutes: `step` is a multiple of 60 seconds.
  Line minutes_of(Series series, size_t step, size_t points) const;

 private:
  // The values of a series at consecutive ticks, up to `last`.
  struct Ring {
    Ring(size_t ticks, int64_t tick_seconds);

    const size_t size;
    const int64_t tick;         // Seconds.
    std::vector<float> values;  // [tick % size * series_count + series]
    size_t count = 0;
    int64_t last = 0;  // Its number: seconds / tick.

    void add(const SeriesValues& at, int64_t number);
    void append(const SeriesValues& at, int64_t number);
    float at(Series series, int64_t number) const;
    Line line(Series series, size_t step_seconds, size_t points) const;
  };

  void end_minute(int64_t number);

  Ring seconds_;
  Ring minutes_;
};

// What several values of a series make: docs of SeriesKind. Unknown ones do not count.
class SeriesSum {
 public:
  explicit SeriesSum(SeriesKind kind) : kind_(kind) {}
  void add(float value);
  float result() const;

 private:
  SeriesKind kind_;
  double value_ = 0;
  uint32_t count_ = 0;
};

}  // namespace xord
