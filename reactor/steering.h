// Steering: a classic BPF program on the sockets of one SO_REUSEPORT group picks the shard that
// each datagram belongs to, before any shard is woken for it. It needs no privilege. It is an
// optimisation: a datagram that no rule matches is distributed by the kernel's hash of its path,
// and while sockets come and go the index of a shard names another one's socket (a socket that
// closes is replaced by the last). A datagram that lands on the wrong shard is forwarded by
// message. socket(7) SO_ATTACH_REUSEPORT_CBPF; docs/ARCHITECTURE.md, "Steering, and datagrams that
// land on another shard".
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

#include "reactor/base/steering_rule.h"

namespace xord {

// The program for a group of `shards` sockets: the first rule that matches decides. Bounded by the
// rules: some twenty instructions each, run once a datagram.
std::vector<sock_filter> steering_program(std::span<const SteeringRule> rules, uint32_t shards);

// Attaches `program` to the group that the socket `fd` belongs to, replacing an earlier one.
// Returns 0, or the errno of the kernel's refusal.
[[nodiscard]] int attach_steering(int fd, std::span<const sock_filter> program);

}  // namespace xord
