// The node that a client command asks when it is not told which.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/terminal.h"

namespace xord {

struct FirstNode {
  std::vector<std::string> addresses;  // Of one node, unless XORD_VIA names several.
  bool is_one = true;
  std::string because;  // Not empty: nobody named it; a clause for the sentence of a failure.
};

// The node of the directory that --data-dir names; else what XORD_VIA names, separated by commas;
// else the node of the directory that `xord run` would use, by its control socket; else port 8468
// of this host. Failure (environment) when no node runs on the directory that --data-dir names.
FirstNode first_node(const std::vector<std::string>& data_dir, const Terminal& terminal);

}  // namespace xord
