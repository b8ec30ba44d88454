// All settings of `xord run`, in one table: the name, which is also the flag (--data-dir), the key
// in the config file (data-dir) and the environment variable (XORD_DATA_DIR), the text that --help
// shows, and the conversions between text and a member of ServerConfig.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "node/server/config/server_config.h"

namespace xord {

enum class Arity : uint8_t {
  one,
  many,      // The flag repeats; the environment uses commas; the file has an array.
  yes_or_no  // The flag takes no value; elsewhere it is true or false.
};

// Why a text is not a valid value of a setting, and what to write instead, as a clause that follows
// the name of the setting. A text is valid only once apply() has returned.
class BadValue : public std::runtime_error {
 public:
  explicit BadValue(const std::string& reason) : std::runtime_error(reason) {}
};

struct Setting {
  std::string_view name;
  std::string_view placeholder;  // Stands for the value in --help.
  std::string_view help;
  Arity arity;
  // Replaces the setting's value; `texts` is one text unless arity is many. Throws BadValue.
  void (*apply)(ServerConfig& config, const std::vector<std::string>& texts);
  // Texts that apply() turns back into the current value.
  std::vector<std::string> (*show)(const ServerConfig& config);

  std::string environment_name() const;  // XORD_DATA_DIR
  // A reload changes it in a running node; otherwise it needs a restart
  // (node/server/config/reload.h).
  bool is_reloadable() const;
};

// What `xord run` does if nothing is set: as in a program of one's own, but with an admin port.
ServerConfig default_config();

// All settings in the order of --help. The span and its contents live as long as the program.
std::span<const Setting> settings();
// Returns null if there is no setting of that name.
const Setting* find_setting(std::string_view name);
std::vector<std::string_view> setting_names();

}  // namespace xord
