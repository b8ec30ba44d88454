// Steering: a classic BPF program on the sockets of one SO_REUSEPORT group picks, for each
// datagram, the shard that it belongs to, before any shard was woken for it. No privilege is
// needed. It is an optimisation: a datagram that no rule matches is dealt by the kernel's hash of
// its path, and while sockets come and go the index of a shard is another one's (a socket that
// closes is replaced by the last). Whatever lands on a wrong shard is handed on by message.
// socket(7) SO_ATTACH_REUSEPORT_CBPF; limits/REPORT.md, "Steering".
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

// Attaches `program` to the group that the socket `fd` belongs to, in place of an earlier one.
// 0, or the errno of the kernel's refusal.
[[nodiscard]] int attach_steering(int fd, std::span<const sock_filter> program);

}  // namespace xord
