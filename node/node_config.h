// The configuration of one shard of a node: its index among the shards, its capacities and the
// operator's choices. Plain values, filled in by the server (node/server/), and by the simulator
// with small capacities.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "node/budget.h"
#include "node/limits_config.h"
#include "node/routing_config.h"
#include "node/subnet_limits.h"
#include "reactor/base/datagram.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"
#include "reactor/base/shard.h"
#include "storage/operation.h"

namespace xord {

class Dialect;

struct NodeConfig {
  const Dialect* dialect = nullptr;  // Borrowed: the network's wire format. Not null.
  NetworkIndex network = 0;
  ShardIndex shard = 0;
  uint32_t shards = 1;
  // Families for which there are sockets: contacts of another are neither asked nor filed.
  bool has_ipv4 = true;
  bool has_ipv6 = true;
  // The sockets of this network by which its own requests leave, else replies would come to another
  // network. LocalAddress::any_socket: the first that the reactor has.
  uint8_t ipv4_socket = LocalAddress::any_socket;
  uint8_t ipv6_socket = LocalAddress::any_socket;

  Budget budget;
  RoutingConfig routing;
  // Concurrent gets, sets, finds and joins, 9 KiB each.
  uint32_t operations = 256;
  // Answers and operations that may wait for the disk at once: twenty times the stores of one sync
  // at 100,000 a second.
  uint32_t pending_answers = 16384;
  // Requests kept while the range of their key is being loaded at start.
  uint32_t waiting_requests = 1024;
  uint32_t waiting_bytes = 1 << 20;

  Duration ttl = hours(7 * 24);    // A record's life after its publication.
  double amplification_max = 1.0;  // Bytes to an unproven source per byte from it.
  uint32_t disjoint_paths = 1;     // For each get, set and find; 1..lookup_paths_max.
  std::vector<Subnet> trusted;     // Exempt from proof and limits (--trusted-net).
  LimitsConfig limits;

  // Whether contacts at private and loopback addresses are asked if a node at a public one names
  // them (--allow-private-contacts).
  bool allow_private_contacts = false;

  // Candidate values of all lookups together: the budget's, times the number of paths.
  uint32_t lookup_values() const { return budget.lookup_values * disjoint_paths; }
};

// Drawn once per run from the kernel's entropy; the same for all shards of a network, except that
// `transactions` may differ.
struct NodeSecrets {
  std::array<uint8_t, 16> transactions{};  // Keys our transactions. May be equal on all shards.
  uint64_t hash_seed = 0;                  // Seeds every hash table.
  // Seeds the hashes of sources that are kept with records. Not drawn but the same in each run:
  // otherwise a restart would charge the bytes of one source to another.
  uint64_t prefix_seed = 0;
};

}  // namespace xord
