#include "node/wire/rpcudp/rpcudp_steering.h"

#include "node/wire/rpcudp/rpcudp.h"
#include "node/wire/rpcudp/rpcudp_canonical.h"

namespace xord::rpcudp {
namespace {

using namespace std::literals;
using Match = SteeringRule::Match;
using Target = SteeringRule::Target;

constexpr SteeringRule rule_of(const Canonical& request) {
  const size_t key_head = header_size + request.head.size() + id_size;
  const size_t key = key_head + canonical_key_head.size();
  return {{Match{0, "\x00"sv}, Match{header_size, request.head},
           Match{static_cast<uint16_t>(key_head), canonical_key_head}},
          Target::owner_of_key,
          static_cast<uint16_t>(key + id_size - 2)};
}

// The transaction's first byte is the index of the shard that asked (node/calls/in_flight.h).
constexpr SteeringRule reply{{Match{0, "\x01"sv}}, Target::index, 1};

constexpr SteeringRule rules[] = {rule_of(canonicals[0]), rule_of(canonicals[1]),
                                  rule_of(canonicals[2]), reply};
static_assert(std::size(canonicals) + 1 == std::size(rules));
static_assert(rules[0].offset == 75 && rules[1].offset == 76 && rules[2].offset == 71);

}  // namespace

std::span<const SteeringRule> steering_rules() {
  return rules;
}

}  // namespace xord::rpcudp
