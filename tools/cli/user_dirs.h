// Where a user's data and caches belong, by the XDG Base Directory Specification: in the variable's
// directory if it is an absolute path, else in the usual place below the home directory.
#pragma once

#include <string>

#include "tools/cli/terminal.h"

namespace xord {

struct UserDir {
  std::string path;    // Empty if there is none.
  std::string reason;  // How it was chosen, for --print-config.
};

// $XDG_DATA_HOME/xord, else ~/.local/share/xord. Without HOME: /var/lib/xord for root, and for
// other users the home directory from the password file, if it exists.
UserDir user_data_dir(const Environment& environment);
// $XDG_CONFIG_HOME/xord, else ~/.config/xord, else none.
UserDir user_config_dir(const Environment& environment);
// $XDG_CACHE_HOME/xord, else ~/.cache/xord, else none: everything works without the cache.
UserDir user_cache_dir(const Environment& environment);

}  // namespace xord
