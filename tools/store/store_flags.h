// What the subcommands of `xord store` have in common: --data-dir, and whose that directory is just
// now: a running node's, or nobody's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/files/data_directory.h"
#include "tools/flags.h"
#include "tools/terminal.h"

namespace xord {

struct StoreFlags {
  std::vector<std::string> data_dir;
  bool json = false;
};

void add_data_dir_flag(CLI::App& app, StoreFlags& flags);
void add_json_flag(CLI::App& app, StoreFlags& flags);

// --data-dir, else the one that `xord run` would use without flags: of the environment, of the file
// that XORD_CONFIG names, or the user's own. Failure (usage) where `xord run` would refuse them.
std::string data_dir_of(const StoreFlags& flags, const Terminal& terminal);

// Locked for reading; null when a node, or another tool, holds it. Failure (environment) when
// nothing of xord's is there to be read.
std::unique_ptr<DataDirectory> open_unless_held(const std::string& path);
// The same for what needs a stopped node: Failure (environment) when it is held.
std::unique_ptr<DataDirectory> open_stopped(const std::string& path);

}  // namespace xord
