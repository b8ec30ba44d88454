// Commands about the node as a whole: what it is and does, and changes to it while it runs.
#include <cmath>
#include <memory>

#include "node/server/control/control_command.h"
#include "node/server/health/health_json.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

Admin::FinishReload answer_to(const ControlFinish& finish) {
  CHECK(finish != nullptr);
  return [finish](const ReloadResult& result) {
    if (result.status != ServerStatus::done) {
      const bool is_config = result.status == ServerStatus::unacceptable;
      return finish(ControlError{is_config ? ControlCode::usage : ControlCode::refused,
                                 result.refused_because});
    }
    finish(ControlJson{{"changed", result.changed}, {"restart", result.restart}});
  };
}

}  // namespace

void control_health(Admin& admin, const ControlJson&, const ControlFinish& finish) {
  const HealthReport report = admin.health();
  finish(json_of(report, monotonic_time()));
}

void control_status(Admin& admin, const ControlJson&, const ControlFinish& finish) {
  const ServerStats stats = admin.stats();
  const ServerConfig config = admin.config();
  CHECK(config.shards > 0 && admin.networks_count() > 0);  // It has started.
  ControlJson networks = ControlJson::array();
  for (NetworkIndex network = 0; network < admin.networks_count(); ++network) {
    networks.push_back(
        {{"name", admin.network_name(network)}, {"id", admin.network_id(network).hex()}});
  }
  ControlJson endpoints = ControlJson::array();
  for (const SocketStats& socket : stats.sockets) endpoints.push_back(socket.endpoint);
  finish(ControlJson{{"id", admin.id().hex()},
                     {"version", config.version},
                     {"state", name_of(admin.health().state)},
                     {"uptime_s", std::round(stats.uptime_seconds * 1000) / 1000},
                     {"networks", networks},
                     {"endpoints", endpoints},
                     {"admin", admin.admin_addresses()},
                     {"io", stats.io},
                     {"shards", config.shards},
                     {"storage_state", name_of(stats.storage_state)},
                     {"contacts", stats.contacts},
                     {"contacts_answerable", stats.count("contacts_answerable")},
                     {"records", stats.records}});
}

void control_reload(Admin& admin, const ControlJson&, const ControlFinish& finish) {
  admin.reload(answer_to(finish));
}

void control_log_level(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const auto level = log_level_of(text_in(request, "level"));
  if (!level) {
    return finish(ControlError{ControlCode::usage,
                               "log-level takes a \"level\": debug, info, warning, error or off"});
  }
  const std::string name(name_of(*level));
  admin.set_log_level(*level, [finish, name](const ReloadResult& result) {
    if (result.status != ServerStatus::done) return answer_to(finish)(result);
    finish(ControlJson{{"level", name}});
  });
}

void control_shutdown(Admin& admin, const ControlJson&, const ControlFinish& finish) {
  if (!admin.ask_shut_down()) {
    return finish(ControlError{ControlCode::refused,
                               "the program around this node ends it: stop that program"});
  }
  finish(ControlJson{{"state", "draining"}});
}

}  // namespace xord
