// Which shard a datagram of rpcudp is for, by its bytes alone: a canonical request for a key goes
// to the owner of the key, a reply to the shard whose index our transaction carries. Pings, stuns
// and requests in any other encoding match nothing and may land on any shard.
#pragma once

#include <span>

#include "reactor/base/steering_rule.h"

namespace xord::rpcudp {

// The span is of a static table.
std::span<const SteeringRule> steering_rules();

}  // namespace xord::rpcudp
