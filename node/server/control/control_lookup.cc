// The control command lookup: a lookup of the nodes nearest to a key or id, call by call.
#include <cstring>

#include "node/server/control/control_command.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// In the order of the enum.
constexpr std::string_view outcome_names[] = {"open", "slow", "answered", "expired", "malformed"};
static_assert(std::size(outcome_names) == static_cast<size_t>(TracedCall::Outcome::malformed) + 1);

double milliseconds_of(uint32_t microseconds) {
  return microseconds / 1000.0;
}

ControlJson json_of(const TracedCall& call, uint32_t number, const Id& target) {
  CHECK(call.outcome <= TracedCall::Outcome::malformed);
  CHECK(call.parent == TracedCall::no_parent || call.parent < number);  // It was made before.
  ControlJson parent;
  if (call.parent != TracedCall::no_parent) parent = call.parent;
  ControlJson took;
  if (call.took != not_known) took = milliseconds_of(call.took);
  return {{"number", number},
          {"parent", parent},
          {"id", call.contact.id.hex()},
          {"endpoint", call.contact.endpoint.text()},
          {"distance_bits", id_bits - shared_prefix(call.contact.id, target)},
          {"began_ms", milliseconds_of(call.began)},
          {"took_ms", took},
          {"outcome", outcome_names[static_cast<size_t>(call.outcome)]},
          {"named", call.named},
          {"is_nearest", call.is_nearest != 0}};
}

ControlJson json_of(const Id& target, const CallResult& call) {
  TraceHead head;
  CHECK(call.value.size() >= sizeof head);
  std::memcpy(&head, call.value.data(), sizeof head);
  const Bytes rows = call.value.subspan(sizeof head);
  CHECK(rows.size() % sizeof(TracedCall) == 0);
  ControlJson calls = ControlJson::array();
  for (uint32_t i = 0; i * sizeof(TracedCall) < rows.size(); ++i) {
    TracedCall traced;
    std::memcpy(&traced, &rows[i * sizeof traced], sizeof traced);
    calls.push_back(json_of(traced, i, target));
  }
  return {{"target", target.hex()},
          {"status", std::string(name_of(call.status))},
          {"took_ms", milliseconds_of(head.took)},
          {"calls", calls},
          {"left_out", head.left_out}};
}

}  // namespace

void control_lookup(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const auto target = id_in(request);
  if (!target) {
    return finish(ControlError{
        ControlCode::usage, "lookup takes a \"key\" (text) or an \"id\" (40 hexadecimal digits)"});
  }
  admin.call(command_of(CommandKind::trace, *target), {},
             [finish, target = *target](const CallResult& call) {
               const bool was_made =
                   call.status == ServerStatus::done || call.status == ServerStatus::no_contacts;
               if (was_made && !call.value.empty()) return finish(json_of(target, call));
               finish(refused_by_node(call.status, ""));
             });
}

}  // namespace xord
