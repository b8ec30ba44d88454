#include "tools/cli/user_dirs.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

namespace xord {
namespace {

struct Case {
  Environment environment;
  std::string path;
  std::string reason;
};

TEST(UserDirs, AreThoseOfTheSpecificationOrBelowTheHome) {
  const Case data[] = {{{{"XDG_DATA_HOME", "/x"}, {"HOME", "/h"}}, "/x/xord", "XDG_DATA_HOME"},
                       {{{"XDG_DATA_HOME", "x/y"}, {"HOME", "/h"}}, "/h/.local/share/xord", "HOME"},
                       {{{"XDG_DATA_HOME", ""}, {"HOME", "/h"}}, "/h/.local/share/xord", "HOME"},
                       {{{"HOME", "/h"}}, "/h/.local/share/xord", "HOME"}};
  for (const auto& [environment, path, reason] : data) {
    EXPECT_EQ(user_data_dir(environment).path, path);
    EXPECT_EQ(user_data_dir(environment).reason, reason);
  }
  const Case cache[] = {{{{"XDG_CACHE_HOME", "/x"}, {"HOME", "/h"}}, "/x/xord", "XDG_CACHE_HOME"},
                        {{{"XDG_CACHE_HOME", "x"}, {"HOME", "/h"}}, "/h/.cache/xord", "HOME"},
                        {{{"XDG_DATA_HOME", "/x"}}, "", ""},
                        {{{"HOME", "h"}}, "", ""},
                        {{}, "", ""}};
  for (const auto& [environment, path, reason] : cache) {
    EXPECT_EQ(user_cache_dir(environment).path, path);
    EXPECT_EQ(user_cache_dir(environment).reason, reason);
  }
}

TEST(UserDirs, WithoutAHomeRootHasItsPlaceAndAnotherUserThatOfThePasswordFile) {
  for (const Environment& environment :
       {Environment{}, Environment{{"HOME", ""}}, Environment{{"HOME", "relative"}}}) {
    const UserDir dir = user_data_dir(environment);
    if (getuid() == 0) {
      EXPECT_EQ(dir.path, "/var/lib/xord");
      EXPECT_EQ(dir.reason, "root without HOME");
      continue;
    }
    const passwd* user = getpwuid(getuid());
    if (user == nullptr || user->pw_dir[0] != '/') continue;
    EXPECT_EQ(dir.path, std::string(user->pw_dir) + "/.local/share/xord");
    EXPECT_EQ(dir.reason, "no HOME; the password file");
  }
}

}  // namespace
}  // namespace xord
