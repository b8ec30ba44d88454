// Every setting of `xord run`, in one table: its name, which is also the flag (--data-dir), the
// key in the config file (data-dir) and the environment variable (XORD_DATA_DIR), the text that
// --help shows, and how a text becomes a value of ServerConfig and back.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "node/server/server_config.h"

namespace xord {

enum class Arity : uint8_t {
  one,
  many,      // The flag repeats; the environment separates with commas; the file has an array.
  yes_or_no  // The flag has no value; elsewhere true or false.
};

// Why a text is not a value of a setting: what is wrong with it and what to write instead, to be
// put after the name of the setting. A text has passed only when apply() returned.
class BadValue : public std::runtime_error {
 public:
  explicit BadValue(const std::string& reason) : std::runtime_error(reason) {}
};

struct Setting {
  std::string_view name;
  std::string_view placeholder;  // Of the value, in --help.
  std::string_view help;
  Arity arity;
  // Replaces the setting's value; `texts` is one text unless arity is many. Throws BadValue.
  void (*apply)(ServerConfig& config, const std::vector<std::string>& texts);
  // Texts that apply() turns back into the present value.
  std::vector<std::string> (*show)(const ServerConfig& config);

  std::string environment_name() const;  // XORD_DATA_DIR
};

// In the order of --help. The span and everything in it live as long as the program.
std::span<const Setting> settings();
// Null when there is none of that name.
const Setting* find_setting(std::string_view name);
std::vector<std::string_view> setting_names();

}  // namespace xord
