// Flags common to the commands about a node of this host: --data-dir, which names the node, and
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

// Returns --data-dir, or else the directory that `xord run` would use without flags: the one of the
// environment, of the file that XORD_CONFIG names, or the user's own. Failure (usage) if `xord run`
// would refuse these settings.
std::string data_dir_of(const DataDirFlags& flags, const Terminal& terminal);

}  // namespace xord
