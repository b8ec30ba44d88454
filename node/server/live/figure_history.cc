#include "node/server/live/figure_history.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr float unknown = std::numeric_limits<float>::quiet_NaN();

SeriesValues all_unknown() {
  SeriesValues values;
  values.values.fill(unknown);
  return values;
}

}  // namespace

void SeriesSum::add(float value) {
  if (std::isnan(value)) return;
  ++count_;
  switch (kind_) {
    case SeriesKind::rate:
    case SeriesKind::mean:
      value_ += value;
      break;
    case SeriesKind::gauge:
      value_ = value;
      break;
    case SeriesKind::greatest:
      value_ = count_ == 1 ? value : std::max(value_, static_cast<double>(value));
      break;
  }
}

float SeriesSum::result() const {
  if (count_ == 0) return unknown;
  const bool is_mean = kind_ == SeriesKind::rate || kind_ == SeriesKind::mean;
  return static_cast<float>(is_mean ? value_ / count_ : value_);
}

FigureHistory::Ring::Ring(size_t ticks, int64_t tick_seconds)
    : size(ticks), tick(tick_seconds), values(ticks * series_count, unknown) {
  CHECK(size > 0 && tick > 0);
}

void FigureHistory::Ring::add(const SeriesValues& at, int64_t number) {
  CHECK(number >= 0 && (count == 0 || number >= last));
  if (count > 0) {
    // What was left out, as far as it is remembered.
    const auto remembered = static_cast<int64_t>(size);
    for (int64_t i = std::max(last + 1, number - remembered); i < number; ++i) {
      append(all_unknown(), i);
    }
  }
  append(at, number);
}

void FigureHistory::Ring::append(const SeriesValues& at, int64_t number) {
  if (count == 0 || number > last) count = std::min(count + 1, size);
  last = number;
  const size_t row = static_cast<size_t>(number) % size * series_count;
  CHECK(row + series_count <= values.size());
  std::copy(at.values.begin(), at.values.end(), values.begin() + static_cast<ptrdiff_t>(row));
}

float FigureHistory::Ring::at(Series series, int64_t number) const {
  if (number > last || number <= last - static_cast<int64_t>(count)) return unknown;
  return values[static_cast<size_t>(number) % size * series_count + static_cast<size_t>(series)];
}

FigureHistory::Line FigureHistory::Ring::line(Series series, size_t step_seconds,
                                              size_t points) const {
  const int64_t step = static_cast<int64_t>(step_seconds) / tick;  // In ticks.
  CHECK(step >= 1 && step * tick == static_cast<int64_t>(step_seconds));
  Line line;
  if (count == 0) return line;
  const int64_t end = (last + 1) / step * step;  // Whole steps only.
  const int64_t first = last + 1 - static_cast<int64_t>(count);
  const int64_t begin =
      std::max((first + step - 1) / step * step, end - static_cast<int64_t>(points) * step);
  line.end = end * tick;
  for (int64_t from = begin; from < end; from += step) {
    SeriesSum sum(kind_of(series));
    for (int64_t i = from; i < from + step; ++i) sum.add(at(series, i));
    line.values.push_back(sum.result());
  }
  CHECK(line.values.size() <= points);
  return line;
}

FigureHistory::FigureHistory() : seconds_(history_seconds, 1), minutes_(history_minutes, 60) {}

void FigureHistory::add(const SeriesValues& values, int64_t second) {
  CHECK(second >= 0);
  const int64_t before = seconds_.last / 60;
  const bool is_first = seconds_.count == 0;
  // All minutes that were over before this second.
  for (int64_t minute = std::max(before, second / 60 - static_cast<int64_t>(history_minutes));
       !is_first && minute < second / 60; ++minute) {
    end_minute(minute);
  }
  seconds_.add(values, second);
}

void FigureHistory::end_minute(int64_t number) {
  SeriesValues of_minute;
  for (size_t i = 0; i < series_count; ++i) {
    const auto series = static_cast<Series>(i);
    SeriesSum sum(kind_of(series));
    for (int64_t second = number * 60; second < (number + 1) * 60; ++second) {
      sum.add(seconds_.at(series, second));
    }
    of_minute[series] = sum.result();
  }
  minutes_.add(of_minute, number);
}

FigureHistory::Line FigureHistory::seconds_of(Series series, size_t step, size_t points) const {
  CHECK(step >= 1 && step <= history_seconds);
  return seconds_.line(series, step, points);
}

FigureHistory::Line FigureHistory::minutes_of(Series series, size_t step, size_t points) const {
  CHECK(step >= 60 && step % 60 == 0);
  return minutes_.line(series, step, points);
}

}  // namespace xord
