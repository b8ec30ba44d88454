#include "tools/control/node_flags.h"

#include "node/server/http/token_file.h"
#include "reactor/base/check.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

std::string token_in(const std::string& path) {
  CHECK(!path.empty());
  const auto token = read_token_file(path);
  if (const auto* error = std::get_if<IoError>(&token)) {
    throw Failure(ExitCode::environment, error->sentence);
  }
  return std::get<std::string>(token);
}

}  // namespace

void add_node_flags(CLI::App& app, NodeFlags& flags) {
  add_data_dir_flag(app, flags);
  add_repeatable(app, "--admin", flags.admin,
                 "The node's admin port instead: http://HOST[:PORT] (8470), or unix:PATH")
      ->type_name("URL");
  add_repeatable(app, "--admin-token-file", flags.token_file,
                 "The file with its token, for changes and from another host")
      ->type_name("FILE");
}

NodePlace place_of(const NodeFlags& flags, const Terminal& terminal) {
  NodePlace place;
  if (flags.admin.empty()) {
    if (!flags.token_file.empty()) {
      refuse("--admin-token-file is for --admin: name the node's admin port, or leave it out");
    }
    place.data_dir = data_dir_of(flags, terminal);
    return place;
  }
  if (!flags.data_dir.empty()) refuse("--data-dir and --admin both name a node: leave one out");
  place.admin = parse_admin_url(one_value("--admin", flags.admin));
  const std::string file = one_value("--admin-token-file", flags.token_file,
                                     variable(terminal.environment, "XORD_ADMIN_TOKEN_FILE"));
  if (!place.admin->is_unix() && !file.empty()) place.token = token_in(file);
  return place;
}

nlohmann::ordered_json ask_node(const NodeFlags& flags, const Terminal& terminal,
                                const nlohmann::ordered_json& request) {
  return open_node(place_of(flags, terminal))->ask(request);
}

}  // namespace xord
