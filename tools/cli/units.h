// Durations, sizes and counts as users write them: "7d", "500ms", "64MiB", "10M". A duration
// needs a unit, so that nobody has to guess what a bare 5 means; only 0 needs none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reactor/base/instant.h"

namespace xord {

// Parses a number, optionally with a fraction, and one of ns, us, ms, s, m, h, d, w; several such
// terms add up ("1h30m"). Empty on anything else, and above 100 years.
std::optional<Duration> parse_duration(std::string_view text);
// The shortest text that parse_duration() turns back into `duration`, which must not be negative.
// It always has a unit.
std::string show_duration(Duration duration);
// A length of time to its two largest units, rounded down: "3d4h", "5m10s", "24s", "0s".
std::string show_age(Duration duration);

// Parses a number of bytes with an optional unit: B, KiB, MiB, GiB, TiB (of 1024), K, M, G, T (the
// same), KB, MB, GB, TB (of 1000); case does not matter. Empty on anything else.
std::optional<uint64_t> parse_size(std::string_view text);
std::string show_size(uint64_t bytes);  // parse_size() reads it back.

// Parses a plain number, or one with k, M or G for 10^3, 10^6 or 10^9. Empty on anything else.
std::optional<uint64_t> parse_count(std::string_view text);

}  // namespace xord
