// A contact of the routing table as the control socket and the API show it.
#pragma once

#include <iterator>
#include <string_view>

#include "node/operation_result.h"
#include "node/routing/standing.h"
#include "node/server/control/control_command.h"

namespace xord {

// In the order of the enum.
inline constexpr std::string_view contact_states[] = {"silent", "awaited", "doubted", "trusted"};
static_assert(std::size(contact_states) == static_cast<size_t>(Standing::trusted) + 1);

ControlJson json_of(const ContactRow& row);

}  // namespace xord
