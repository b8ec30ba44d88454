// What the operator may change while a node runs: made ready by the server, which may allocate, and
// swapped in by the shard, which may not (Node::change). Afterwards it holds what was there before,
// and whoever made it frees it.
#pragma once

#include <cstdint>
#include <vector>

#include "node/admission/ledger.h"
#include "node/admission/work_shares.h"
#include "node/limits_config.h"
#include "node/node_config.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

struct NodeChange {
  // The choices in `config`: of its other members only the number of shards is read.
  explicit NodeChange(const NodeConfig& config)
      : ttl(config.ttl),
        amplification_max(config.amplification_max),
        disjoint_paths(config.disjoint_paths),
        allow_private_contacts(config.allow_private_contacts),
        trusted(config.trusted),
        limits(config.limits),
        proof_exempt(config.trusted),
        ledger_rules(config.limits, config.shards, config.trusted),
        work_rules(config.limits, config.trusted) {}

  Duration ttl;
  double amplification_max;
  uint32_t disjoint_paths;  // At most that of the node's construction.
  bool allow_private_contacts;
  std::vector<Subnet> trusted;
  LimitsConfig limits;
  // The same for the parts that keep them in a form of their own.
  std::vector<Subnet> proof_exempt;
  Ledger::Rules ledger_rules;
  WorkShares::Rules work_rules;
};

}  // namespace xord
