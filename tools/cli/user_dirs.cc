#include "tools/cli/user_dirs.h"

#include <pwd.h>
#include <unistd.h>

namespace xord {
namespace {

UserDir below_home(const Environment& environment, const std::string& xdg_name,
                   const std::string& usual) {
  const std::string xdg = variable(environment, xdg_name);
  // The specification says that a relative path is invalid and must be ignored.
  if (!xdg.empty() && xdg[0] == '/') return {xdg + "/xord", xdg_name};
  const std::string home = variable(environment, "HOME");
  if (!home.empty() && home[0] == '/') return {home + usual, "HOME"};
  return {};
}

}  // namespace

UserDir user_data_dir(const Environment& environment) {
  const std::string usual = "/.local/share/xord";
  UserDir dir = below_home(environment, "XDG_DATA_HOME", usual);
  if (!dir.path.empty()) return dir;
  if (getuid() == 0) return {"/var/lib/xord", "root without HOME"};
  const passwd* user = getpwuid(getuid());
  if (user == nullptr || user->pw_dir == nullptr || user->pw_dir[0] != '/') return {};
  return {user->pw_dir + usual, "no HOME; the password file"};
}

UserDir user_config_dir(const Environment& environment) {
  return below_home(environment, "XDG_CONFIG_HOME", "/.config/xord");
}

UserDir user_cache_dir(const Environment& environment) {
  return below_home(environment, "XDG_CACHE_HOME", "/.cache/xord");
}

}  // namespace xord
