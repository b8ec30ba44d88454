// Random draws that simulations need besides Rng's own: times and shares. Functions of a
// stream that is passed in; they use floating point only if the result is at once rounded to
// nanoseconds.
#pragma once

#include <algorithm>
#include <cmath>

#include "reactor/base/check.h"
#include "reactor/base/instant.h"
#include "reactor/base/rng.h"

namespace xord::sim {

inline Duration scaled(Duration duration, double factor) {
  return {std::llround(static_cast<double>(duration.nanoseconds) * factor)};
}
// Exponentially distributed, cut off at 30 times the mean (once in 10^13 draws).
inline Duration exponential(Rng& rng, Duration mean) {
  CHECK(mean >= Duration{});
  return scaled(mean, std::min(-std::log(1.0 - rng.unit()), 30.0));
}
// Uniform in from..to, inclusive.
inline Duration between(Rng& rng, Duration from, Duration to) {
  CHECK(from <= to);
  return scaled(to - from, rng.unit()) + from;
}
inline uint32_t between(Rng& rng, uint32_t from, uint32_t to) {
  CHECK(from <= to);
  return from + static_cast<uint32_t>(rng.bounded(uint64_t{to} - from + 1));
}
// Weibull with a shape below 1: most are short and some very long, as peers' sessions are.
inline Duration weibull(Rng& rng, Duration median, double shape) {
  CHECK(median >= Duration{} && shape > 0);
  const double quantile = -std::log(1.0 - rng.unit()) / std::log(2.0);
  return scaled(median, std::min(std::pow(quantile, 1.0 / shape), 1e4));
}

}  // namespace xord::sim
