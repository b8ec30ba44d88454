// The key that a command works on: KEY, as text, or --id with the 160 bits by which the network
// knows it, the form that listings and exports show.
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

// What a KEY of 40 hexadecimal digits means: text like any other, as a program would take it, or
// the id.
enum class HexKey : uint8_t { is_text, is_id };

struct Key {
  Id id;
  std::string text;    // As given.
  bool is_id = false;  // Given by --id: the text is the id's digits.

  // For use in a sentence.
  std::string quoted() const { return is_id ? "the id " + text : "\"" + text + "\""; }
  // {"key": text}, or {"id": digits}.
  nlohmann::ordered_json json() const { return {{is_id ? "id" : "key", text}}; }
};

// Adds KEY as the first positional argument, and --id.
void add_key_flags(CLI::App& app, KeyFlags& flags, HexKey hex);
// Failure (usage) if neither or both are given, or if the id is not valid.
Key key_of(const CLI::App& app, const KeyFlags& flags, HexKey hex);

}  // namespace xord
