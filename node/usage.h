// How much of each of a shard's fixed tables is in use, and how much there is: what must never be
// exceeded, and what must be released when the node is idle. For tests and the simulator.
#pragma once

#include <array>
#include <cstdint>

#include "node/node_config.h"

namespace xord {

enum class NodeTable : uint8_t {
  calls,
  lookups,
  lookup_values,
  operations,  // Those of the program.
  replications,
  surveys,
  regions,
  newcomers,
  held_sources,
  held_requests,
  pending_answers,
  waiting_answers,
  count
};
constexpr const char* node_table_names[] = {
    "calls",   "lookups",   "lookup values", "operations",    "replications",    "surveys",
    "regions", "newcomers", "held sources",  "held requests", "pending answers", "waiting answers",
};
static_assert(std::size(node_table_names) == static_cast<size_t>(NodeTable::count));

using NodeUsage = std::array<uint32_t, static_cast<size_t>(NodeTable::count)>;

// A figure for each table, in the order of NodeTable. One that is left out would pass for 0.
template <class... Figures>
NodeUsage usage_of(Figures... figures) {
  static_assert(sizeof...(figures) == static_cast<size_t>(NodeTable::count));
  return {figures...};
}

// The maximum of each.
inline NodeUsage usage_max(const NodeConfig& config) {
  const Budget& budget = config.budget;
  return usage_of(budget.requests_in_flight(), budget.lookups, config.lookup_values(),
                  config.operations, budget.replications, budget.region_lookups, budget.regions,
                  budget.newcomers, budget.held_max(), budget.held_max(), config.pending_answers,
                  budget.waiting_answers);
}

}  // namespace xord
