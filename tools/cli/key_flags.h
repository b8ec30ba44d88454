// The key that a command is about: KEY, as text, or --id with the 160 bits that the network knows
// it by, which is what listings and exports show.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reactor/base/id.h"
#include "tools/cli/flags.h"

namespace xord {

struct KeyFlags {
  std::vector<std::string> key;
  std::vector<std::string> id;
};

// What 40 hexadecimal digits are that are given as KEY: a text like any other, as a program would
// have it, or the id.
enum class HexKey : uint8_t { is_text, is_id };

struct Key {
  Id id;
  std::string text;    // As it was given.
  bool is_id = false;  // By --id: the text is the id's digits.

  // For a sentence.
  std::string quoted() const { return is_id ? "the id " + text : "\"" + text + "\""; }
  // {"key": text}, or {"id": digits}.
  nlohmann::ordered_json json() const { return {{is_id ? "id" : "key", text}}; }
};

// KEY first of the positional arguments, and --id.
void add_key_flags(CLI::App& app, KeyFlags& flags, HexKey hex);
// Failure (usage) when neither is given, or both, or the id is none.
Key key_of(const CLI::App& app, const KeyFlags& flags, HexKey hex);

}  // namespace xord
