// What the API says about the node as a whole: its state, its counters, its settings.
#include <cmath>

#include "node/server/api.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// A list as an array, anything else as its one text.
ControlJson value_of(const ShownSetting& setting, const std::vector<std::string>& texts) {
  if (setting.is_list) return texts;
  CHECK(texts.size() <= 1);
  return texts.empty() ? "" : texts.front();
}

}  // namespace

ControlJson Api::status() const {
  const ServerStats stats = admin_.stats();
  const ServerConfig& config = admin_.config();
  CHECK(config.shards > 0 && admin_.networks_count() > 0);  // It has started.
  ControlJson networks = ControlJson::array();
  for (NetworkIndex network = 0; network < admin_.networks_count(); ++network) {
    networks.push_back(
        {{"name", admin_.network_name(network)}, {"id", admin_.network_id(network).hex()}});
  }
  ControlJson endpoints = ControlJson::array();
  for (const SocketStats& socket : stats.sockets) endpoints.push_back(socket.endpoint);
  return {{"id", admin_.id().hex()},
          {"version", config.version},
          {"state", name_of(admin_.health().state)},
          {"uptime_s", std::round(stats.uptime_seconds * 1000) / 1000},
          {"networks", networks},
          {"endpoints", endpoints},
          {"admin", addresses_},
          {"io", stats.io},
          {"shards", config.shards},
          {"storage_state", name_of(stats.storage_state)},
          {"contacts", stats.contacts},
          {"contacts_answerable", stats.count("contacts_answerable")},
          {"records", stats.records}};
}

ControlJson Api::config() const {
  ControlJson settings = ControlJson::array();
  for (const ShownSetting& setting : admin_.config().settings) {
    settings.push_back({{"name", setting.name},
                        {"value", value_of(setting, setting.value)},
                        {"default", value_of(setting, setting.default_value)},
                        {"origin", setting.origin},
                        {"reloadable", setting.is_reloadable}});
  }
  return {{"settings", settings}};
}

ControlJson Api::openapi() const {
  CHECK(openapi_.is_object());
  return openapi_;
}

}  // namespace xord
