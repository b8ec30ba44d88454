// The TOML reader of tools/run/configuration.h, in its own file because toml++ compiles slowly.
#include <toml++/toml.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "reactor/base/check.h"
#include "reactor/base/nesting.h"
#include "tools/cli/failure.h"
#include "tools/cli/suggest.h"
#include "tools/run/configuration.h"

namespace xord {
namespace {

constexpr size_t config_bytes_max = 1 << 20;
constexpr size_t config_nesting_max = 8;  // A list in a key has 1; toml++ recurses for each level.

std::string read_whole(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(config_bytes_max + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > config_bytes_max) {
    throw Failure(ExitCode::usage, "the config file " + path + " has more than " +
                                       std::to_string(config_bytes_max) +
                                       " bytes: name one that holds only settings");
  }
  if (file.eof() && errno == 0) return text;
  const int error = errno;
  const std::string what = "the config file " + path + " cannot be read: " + std::strerror(error);
  if (error == ENOENT || error == ENOTDIR || error == EISDIR) {
    throw Failure(ExitCode::usage, what + "; name an existing file with --config FILE");
  }
  throw Failure(ExitCode::environment, what + "; make it readable for this user");
}

// Strings, numbers and booleans as a flag would spell them; nothing for other types.
std::optional<std::string> text_of_node(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* yes = node.as_boolean()) return yes->get() ? "true" : "false";
  if (const auto* number = node.as_floating_point()) {
    std::array<char, 1100> text;  // All digits, since no flag takes an exponent.
    const auto [end, error] =
        std::to_chars(text.begin(), text.end(), number->get(), std::chars_format::fixed);
    CHECK(error == std::errc{});
    return std::string(text.begin(), end);
  }
  return std::nullopt;
}

std::vector<std::string> texts_of_node(const std::string& place, const Setting& setting,
                                       const toml::node& node) {
  std::vector<std::string> texts;
  const auto* array = node.as_array();
  if (array != nullptr && setting.arity != Arity::many) {
    throw Failure(ExitCode::usage, place + " has a list of values: give a single one");
  }
  const auto take = [&](const toml::node& element) {
    const auto text = text_of_node(element);
    if (!text) {
      throw Failure(ExitCode::usage, place + " has a value of a type that no setting has: write " +
                                         "a string, a number, true or false, or a list of these");
    }
    texts.push_back(*text);
  };
  if (array == nullptr) take(node);
  if (array != nullptr) {
    for (const toml::node& element : *array) take(element);
  }
  return texts;
}

Given read_key(const std::string& path, const toml::key& key, const toml::node& node) {
  const std::string name(key.str());
  const std::string where = path + ":" + std::to_string(key.source().begin.line);
  const Setting* setting = find_setting(name);
  if (setting == nullptr) {
    const std::string kind = node.is_table() ? "table [" + name + "]" : "key " + name;
    const auto meant = meant_by_habit(name, setting_names());
    const std::string fix =
        meant ? "; perhaps you mean " + *meant : suggestion(name, setting_names());
    throw Failure(ExitCode::usage,
                  where + ": the " + kind + " is not a setting" +
                      (fix.empty() ? "; `xord run --print-config` lists all of them" : fix));
  }
  const std::string place = where + ": " + name;
  return {setting, texts_of_node(place, *setting, node), place, "file " + where};
}

}  // namespace

std::vector<Given> read_config_file(const std::string& path) {
  const std::string text = read_whole(path);
  if (const auto line = line_nested_deeper_than(config_nesting_max, NestedText::toml, text)) {
    throw Failure(ExitCode::usage, path + ":" + std::to_string(*line) +
                                       ": keys or lists are nested more than " +
                                       std::to_string(config_nesting_max) +
                                       " deep: no setting is; write name = value, one per line");
  }
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    throw Failure(ExitCode::usage, path + ":" + std::to_string(error.source().begin.line) +
                                       ": this is not TOML: " + std::string(error.description()));
  }
  std::vector<Given> given;
  for (const auto& [key, node] : table) given.push_back(read_key(path, key, node));
  return given;
}

}  // namespace xord
