#include "tools/cli/units.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <span>

#include "reactor/base/check.h"

namespace xord {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array<Unit, 8> duration_units = {{{"w", 604'800'000'000'000},
                                                 {"d", 86'400'000'000'000},
                                                 {"h", 3'600'000'000'000},
                                                 {"m", 60'000'000'000},
                                                 {"s", 1'000'000'000},
                                                 {"ms", 1'000'000},
                                                 {"us", 1'000},
                                                 {"ns", 1}}};
constexpr std::array<Unit, 14> size_units = {{{"", 1},
                                              {"b", 1},
                                              {"kib", uint64_t{1} << 10},
                                              {"mib", uint64_t{1} << 20},
                                              {"gib", uint64_t{1} << 30},
                                              {"tib", uint64_t{1} << 40},
                                              {"k", uint64_t{1} << 10},
                                              {"m", uint64_t{1} << 20},
                                              {"g", uint64_t{1} << 30},
                                              {"t", uint64_t{1} << 40},
                                              {"kb", 1'000},
                                              {"mb", 1'000'000},
                                              {"gb", 1'000'000'000},
                                              {"tb", 1'000'000'000'000}}};
constexpr std::array<Unit, 4> count_units = {
    {{"", 1}, {"k", 1'000}, {"m", 1'000'000}, {"g", 1'000'000'000}}};
constexpr double duration_max = 100.0 * 365 * 86'400e9;
constexpr double size_max = 9e18;
// What is parsed fits its type.
static_assert(duration_max < static_cast<double>(INT64_MAX));
static_assert(size_max < static_cast<double>(UINT64_MAX));

// From the largest unit to one that divides every duration.
static_assert(duration_units.back().factor == 1 &&
              std::is_sorted(duration_units.begin(), duration_units.end(),
                             [](const Unit& a, const Unit& b) { return a.factor > b.factor; }));

// Takes digits with at most one point, and the letters after them, off the front of `text`.
struct Term {
  double number = 0;
  std::string unit;
};
std::optional<Term> take_term(std::string_view& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  Term term;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + digits, term.number, std::chars_format::fixed);
  if (digits == 0 || error != std::errc{} || end != text.data() + digits) return std::nullopt;
  text.remove_prefix(digits);
  while (!text.empty() && std::isalpha(static_cast<unsigned char>(text.front()))) {
    term.unit += text.front();
    text.remove_prefix(1);
  }
  return term;
}

std::optional<double> factor_of(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return static_cast<double>(unit.factor);
  }
  return std::nullopt;
}

// One number with one unit of any case, whose product is a whole number.
std::optional<uint64_t> parse_amount(std::string_view text, std::span<const Unit> units) {
  uint64_t whole = 0;  // Exact for plain digits; a double would lose the last ones.
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc{} && !text.empty() && end == text.data() + text.size()) return whole;
  auto term = take_term(text);
  if (!term || !text.empty()) return std::nullopt;
  for (char& c : term->unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto factor = factor_of(units, term->unit);
  if (!factor) return std::nullopt;
  const double amount = term->number * *factor;
  if (amount > size_max || amount != std::floor(amount)) return std::nullopt;
  return static_cast<uint64_t>(amount);
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration{};
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto term = take_term(text);
    if (!term) return std::nullopt;
    const auto factor = factor_of(duration_units, term->unit);
    if (!factor) return std::nullopt;
    total += term->number * *factor;
    if (total > duration_max) return std::nullopt;
  }
  return nanoseconds(static_cast<int64_t>(std::llround(total)));
}

std::string show_duration(Duration duration) {
  CHECK(duration >= Duration{});
  if (duration.nanoseconds == 0) return "0s";
  const auto count = static_cast<uint64_t>(duration.nanoseconds);
  const auto divides = [&](const Unit& unit) {
    return unit.name != "w" && count % unit.factor == 0;  // 7d reads better than 1w.
  };
  const auto unit = std::find_if(duration_units.begin(), duration_units.end(), divides);
  CHECK(unit != duration_units.end());
  return std::to_string(count / unit->factor) + std::string(unit->name);
}

std::string show_age(Duration duration) {
  auto left = static_cast<uint64_t>(std::max<int64_t>(duration.nanoseconds, 0));
  std::string text;
  for (const Unit& unit : duration_units) {
    if (unit.name == "w") continue;
    const uint64_t count = left / unit.factor;
    left %= unit.factor;
    const bool is_second = !text.empty();
    if (count > 0) text += std::to_string(count) + std::string(unit.name);
    if (is_second || unit.name == "s") break;
  }
  return text.empty() ? "0s" : text;
}

std::optional<uint64_t> parse_size(std::string_view text) {
  return parse_amount(text, size_units);
}

std::string show_size(uint64_t bytes) {
  constexpr std::array<Unit, 4> shown = {{{"TiB", uint64_t{1} << 40},
                                          {"GiB", uint64_t{1} << 30},
                                          {"MiB", uint64_t{1} << 20},
                                          {"KiB", uint64_t{1} << 10}}};
  for (const Unit& unit : shown) {
    if (bytes > 0 && bytes % unit.factor == 0) {
      return std::to_string(bytes / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(bytes);
}

std::optional<uint64_t> parse_count(std::string_view text) {
  return parse_amount(text, count_units);
}

}  // namespace xord
