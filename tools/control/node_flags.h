// Flags of the commands about a running node, which say where it is asked: --data-dir, or --admin
// with --admin-token-file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/control/data_dir_flags.h"
#include "tools/control/node_place.h"

namespace xord {

struct NodeFlags : DataDirFlags {
  std::vector<std::string> admin;
  std::vector<std::string> token_file;
};

void add_node_flags(CLI::App& app, NodeFlags& flags);

// The place that --admin names, or else that of data_dir_of(). For TCP it has the token in
// --admin-token-file, or else in the file that XORD_ADMIN_TOKEN_FILE names. Failure: (usage) if
// both are given, or if one is wrong; (environment) if the token cannot be read, or others can read
// it.
NodePlace place_of(const NodeFlags& flags, const Terminal& terminal);

// Asks the node at place_of() once: as open_node() and NodeClient::ask().
nlohmann::ordered_json ask_node(const NodeFlags& flags, const Terminal& terminal,
                                const nlohmann::ordered_json& request);

}  // namespace xord
