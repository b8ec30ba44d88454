// What the commands about a node of this host have in common: --data-dir, which names the node, and
// --json.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/flags.h"
#include "tools/cli/terminal.h"

namespace xord {

struct DataDirFlags {
  std::vector<std::string> data_dir;
  bool json = false;
};

void add_data_dir_flag(CLI::App& app, DataDirFlags& flags);
void add_json_flag(CLI::App& app, DataDirFlags& flags);

// --data-dir, else the one that `xord run` would use without flags: of the environment, of the file
// that XORD_CONFIG names, or the user's own. Failure (usage) where `xord run` would refuse them.
std::string data_dir_of(const DataDirFlags& flags, const Terminal& terminal);

}  // namespace xord
