// Where a user's data and caches belong, by the XDG Base Directory Specification: the variable when
// it holds an absolute path, else the usual place below the home directory.
#pragma once

#include <string>

#include "tools/cli/terminal.h"

namespace xord {

struct UserDir {
  std::string path;    // Empty: there is no such place.
  std::string reason;  // How it was chosen, for --print-config.
};

// $XDG_DATA_HOME/xord, else ~/.local/share/xord. Without HOME: root gets /var/lib/xord, anybody
// else the home directory of the password file, if that exists.
UserDir user_data_dir(const Environment& environment);
// $XDG_CACHE_HOME/xord, else ~/.cache/xord, else none: what is cached can be done without.
UserDir user_cache_dir(const Environment& environment);

}  // namespace xord
