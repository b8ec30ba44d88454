// What somebody who mistyped a word probably meant.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace xord {

// How many characters must be inserted, removed, replaced or swapped with their neighbour to make
// `b` of `a` (optimal string alignment). '_' and '-' count as equal.
size_t edit_distance(std::string_view a, std::string_view b);

// The word of `words` nearest to `typed`; empty when even that one differs in more than a third of
// its characters (at least one may differ). A word that begins with `typed` counts as one off.
std::optional<std::string> nearest_word(std::string_view typed,
                                        std::span<const std::string_view> words);

// "; perhaps you mean --listen", or nothing. `prefix` is put before the word.
std::string suggestion(std::string_view typed, std::span<const std::string_view> words,
                       std::string_view prefix = "");

// What somebody means who types the word of another program: "listen" for "port", if that is one
// of `words`, all without dashes. Case and the kind of dash do not matter.
std::optional<std::string> meant_by_habit(std::string_view typed,
                                          std::span<const std::string_view> words);
// The same for the commands of `xord`: "run" for "start". May have two words.
std::optional<std::string> command_meant_by_habit(std::string_view typed);

}  // namespace xord
