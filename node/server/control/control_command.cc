#include "node/server/control/control_command.h"

#include "node/server/calls/key_digest.h"
#include "reactor/base/check.h"

namespace xord {

std::string text_in(const ControlJson& request, const char* name) {
  const auto at = request.find(name);
  return at != request.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::optional<Id> id_in(const ControlJson& request) {
  const bool has_key = request.contains("key");
  if (has_key == request.contains("id")) return std::nullopt;
  if (!has_key) return Id::from_hex(text_in(request, "id"));
  if (!request["key"].is_string()) return std::nullopt;
  return key_digest(text_in(request, "key"));
}

ControlError refused_by_node(ServerStatus status, const std::string& before) {
  CHECK(status != ServerStatus::done);
  return {ControlCode::refused, before + "the node said " + std::string(name_of(status)) +
                                    ": try again, and look at its log"};
}

}  // namespace xord
