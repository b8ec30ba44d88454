#include "tools/client/local_node.h"

#include <filesystem>

#include "node/server/socket/control_address.h"
#include "reactor/base/endpoint.h"
#include "tools/cli/failure.h"
#include "tools/cli/node_address.h"
#include "tools/control/control_client.h"
#include "tools/control/data_dir_flags.h"
#include "tools/run/configuration.h"

namespace xord {
namespace {

// If a node does not say within this time where it listens, we ask at the usual port.
constexpr Duration answer_within = seconds(2);

std::vector<std::string> addresses_of(const std::string& data_dir) {
  std::vector<std::string> addresses;
  const auto stats = ask_control(data_dir, {{"command", "stats"}}, answer_within);
  for (const auto& socket : stats.at("sockets")) {
    const auto text = socket.at("endpoint").get<std::string>();
    const auto endpoint = Endpoint::parse(text);
    if (!endpoint || endpoint->address.is_link_local()) continue;  // It would need a zone.
    addresses.push_back(text_of(parse_node_address(text)));
  }
  return addresses;
}

}  // namespace

FirstNode first_node(const std::vector<std::string>& data_dir, const Terminal& terminal) {
  if (!data_dir.empty()) return {addresses_of(data_dir_of({data_dir}, terminal)), true, ""};
  const std::string named = variable(terminal.environment, "XORD_VIA");
  if (!named.empty()) return {split_at_commas(named), false, ""};
  try {
    const std::string directory = data_dir_of({}, terminal);
    std::error_code ignored;
    if (std::filesystem::exists(directory + "/" + control_name, ignored)) {
      const auto addresses = addresses_of(directory);
      if (!addresses.empty()) return {addresses, true, ""};
    }
  } catch (const Failure& failure) {
    if (failure.code() == ExitCode::interrupted) throw;
  }
  return {{"127.0.0.1:" + std::to_string(port_default)}, true, "this host's usual port"};
}

}  // namespace xord
