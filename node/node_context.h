// The context shared by all parts of a node. All of it belongs to the Node and outlives the parts.
#pragma once

#include "node/counters.h"
#include "node/node_config.h"
#include "node/shard_link.h"
#include "node/wire/dialect.h"
#include "reactor/base/id.h"

namespace xord {

class Ledger;  // node/admission/ledger.h

struct NodeContext {
  const NodeConfig& config;
  const NodeSecrets& secrets;  // Read by constructors only.
  const Dialect& dialect;
  const Id& self;
  const ShardLink& link;
  NodeCounters& counters;
  Ledger& ledger;

  void count(NodeCounter which, uint64_t by = 1) const { counters.node.add(which, by); }
};

}  // namespace xord
