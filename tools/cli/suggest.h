// Guesses the word meant by a mistyped one.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace xord {

// The number of characters that must be inserted, removed, replaced or swapped with a neighbour to
// turn `b` into `a` (optimal string alignment). '_' and '-' count as equal.
size_t edit_distance(std::string_view a, std::string_view b);

// The word of `words` nearest to `typed`; empty if even that one differs in more than a third of
// its characters (a difference of one is always allowed). A word that begins with `typed` counts as
// one off.
std::optional<std::string> nearest_word(std::string_view typed,
                                        std::span<const std::string_view> words);

// "; perhaps you mean --listen", or nothing. `prefix` is placed before the word.
std::string suggestion(std::string_view typed, std::span<const std::string_view> words,
                       std::string_view prefix = "");

// Translates a word of another program into ours: "port" into "listen", if that is one of `words`,
// all without dashes. Case and the kind of dash do not matter.
std::optional<std::string> meant_by_habit(std::string_view typed,
                                          std::span<const std::string_view> words);
// The same for the commands of `xord`: "start" becomes "run". The result may be two words.
std::optional<std::string> command_meant_by_habit(std::string_view typed);

}  // namespace xord
