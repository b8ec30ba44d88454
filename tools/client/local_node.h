// The node that a client command asks if no flag names one.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/terminal.h"

namespace xord {

struct FirstNode {
  std::vector<std::string> addresses;  // All of one node, unless XORD_VIA names several.
  bool is_one = true;
  std::string because;  // If the user named no node, how it was chosen, for error messages.
};

// The node on the directory that --data-dir names; else the nodes that XORD_VIA names, separated by
// commas; else the node on the directory that `xord run` would use, found by its control socket;
// else port 8468 of this host. Failure (environment) if no node runs on the directory that
// --data-dir names.
FirstNode first_node(const std::vector<std::string>& data_dir, const Terminal& terminal);

}  // namespace xord
