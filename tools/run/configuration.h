// Where the settings of `xord run` come from: flag, else environment, else config file, else
// default. Every source is read into Given rows first and judged in one place, so that a bad value
// has the same sentence wherever it stands, with the place in front.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/server/server_config.h"
#include "reactor/cgroup.h"
#include "tools/cli/terminal.h"
#include "tools/run/settings.h"

namespace xord {

// One setting as one source gives it.
struct Given {
  const Setting* setting = nullptr;
  std::vector<std::string> texts;
  std::string place;   // Before an error: "--ttl", "XORD_TTL", "/etc/xord.toml:3: ttl".
  std::string origin;  // In --print-config: "flag --ttl", "environment XORD_TTL", "file ...".
};

// The parts of a list in one text, without the spaces around them; empty ones are left out.
std::vector<std::string> split_at_commas(const std::string& text);

// The settings in variables named XORD_... . A variable that looks like a mistyped setting is a
// Failure (usage); one like none is ignored, since Kubernetes sets XORD_SERVICE_HOST and the like
// for a service named xord. XORD_CONFIG names the config file, XORD_VIA the node that
// client commands ask: neither is a setting.
std::vector<Given> read_environment(const Environment& environment);

// The settings of a TOML file: one key a setting, no tables. Failure (usage) on a missing file, bad
// TOML, an unknown key or a value of a type that no setting has; (environment) when it is there and
// cannot be read.
std::vector<Given> read_config_file(const std::string& path);

// Both: the file first, for the environment wins. The file is `config_path`, else that of
// XORD_CONFIG, else none.
std::vector<Given> read_file_and_environment(const std::string& config_path,
                                             const Environment& environment);

struct Configuration {
  ServerConfig server;
  std::vector<std::string> origins;  // Of each of settings(), in its order.
};

// Applies `given` in order, so a later row wins, onto the defaults; the data directory is the
// user's unless it is given. Failure (usage) on the first bad value.
Configuration build_configuration(const std::vector<Given>& given, const Environment& environment);

// Says beside memory-max what `auto` comes to on this host, or that what is given cannot fit.
// `granted` is the memory that the process may use; empty: not known.
void explain_memory(Configuration& configuration, const std::optional<GroupLimitFound>& granted);

// Every setting with its value and where that came from, as a TOML file that `xord run --config`
// reads back.
std::string print_configuration(const Configuration& configuration);

}  // namespace xord
