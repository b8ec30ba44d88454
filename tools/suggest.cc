#include "tools/suggest.h"

#include <algorithm>
#include <vector>

namespace xord {

size_t edit_distance(std::string_view a, std::string_view b) {
  const auto same = [](char x, char y) {
    return x == y || ((x == '_' || x == '-') && (y == '_' || y == '-'));
  };
  // Three rows of the usual table: before the last, last, current.
  std::vector<size_t> older(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
      if (swapped) row[j] = std::min(row[j], older[j - 2] + 1);
    }
    std::swap(older, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::optional<std::string> nearest_word(std::string_view typed,
                                        std::span<const std::string_view> words) {
  std::optional<std::string> best;
  size_t best_distance = 0;
  for (const std::string_view word : words) {
    const bool is_beginning = typed.size() >= 3 && word.starts_with(typed);
    const size_t distance = is_beginning ? 1 : edit_distance(typed, word);
    if (distance > std::max<size_t>(1, word.size() / 3)) continue;
    if (best && distance >= best_distance) continue;
    best = word;
    best_distance = distance;
  }
  return best;
}

std::string suggestion(std::string_view typed, std::span<const std::string_view> words,
                       std::string_view prefix) {
  const auto word = nearest_word(typed, words);
  return word ? "; perhaps you mean " + std::string(prefix) + *word : "";
}

}  // namespace xord
