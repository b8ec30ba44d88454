// Where the settings of `xord run` come from: the flag, else the environment, else the config file,
// else the default. Each source is first read into Given rows, and all rows are checked in one
// place, so that a bad value gives the same sentence in any source, after the place where it
// stands.
#pragma once

#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "node/server/config/server_config.h"
#include "reactor/cgroup.h"
#include "tools/cli/terminal.h"
#include "tools/run/settings.h"

namespace xord {

// One setting as given by one source.
struct Given {
  const Setting* setting = nullptr;
  std::vector<std::string> texts;
  std::string place;   // Precedes an error: "--ttl", "XORD_TTL", "/etc/xord.toml:3: ttl".
  std::string origin;  // For --print-config: "flag --ttl", "environment XORD_TTL", "file ...".
};

// Splits a list at its commas and strips spaces around the parts; empty parts are left out.
std::vector<std::string> split_at_commas(const std::string& text);

// Reads the settings in variables named XORD_... . A variable that looks like a mistyped setting is
// a Failure (usage). One that resembles no setting is ignored, since Kubernetes sets
// XORD_SERVICE_HOST and the like for a service named xord. XORD_CONFIG, which names the config
// file, and XORD_VIA, which names the node that client commands ask, are not settings.
std::vector<Given> read_environment(const Environment& environment);

// Reads the settings of a TOML file: one key for each setting, no tables. Failure (usage) on a
// missing file, bad TOML, an unknown key or a value of a type that no setting has; (environment) if
// the file exists but cannot be read.
std::vector<Given> read_config_file(const std::string& path);

// Where the config file is if none is named, whether or not it exists: /etc/xord/xord.toml for
// root, else $XDG_CONFIG_HOME/xord/xord.toml or ~/.config/xord/xord.toml. Empty without a home
// directory.
std::string default_config_path(const Environment& environment, bool is_root = geteuid() == 0);

// Reads the file and then the environment, which takes precedence. The file is `config_path`, else
// the one that XORD_CONFIG names, else that of default_config_path() if it exists, else none.
std::vector<Given> read_file_and_environment(const std::string& config_path,
                                             const Environment& environment,
                                             bool is_root = geteuid() == 0);

struct Configuration {
  ServerConfig server = default_config();
  std::vector<std::string> origins;  // One for each of settings(), in that order.
};

// Applies `given` to the defaults in order, so a later row wins; the data directory is the user's
// unless one is given. Failure (usage) on the first bad value.
Configuration build_configuration(const std::vector<Given>& given, const Environment& environment);

// Every setting as the API shows it.
std::vector<ShownSetting> shown_settings(const Configuration& configuration);

// Notes beside memory-max what `auto` comes to on this host, or that the given value cannot fit.
// `granted` is the memory that the process may use; empty if unknown.
void explain_memory(Configuration& configuration, const std::optional<GroupLimitFound>& granted);

// Prints every setting with its value and origin, as a TOML file that `xord run --config` reads
// back.
std::string print_configuration(const Configuration& configuration);

}  // namespace xord
