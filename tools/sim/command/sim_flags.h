// The flags of `xord sim`, read and checked.
#pragma once

#include <optional>
#include <string>

#include "tools/cli/flags.h"
#include "tools/sim/setup.h"

namespace xord {

struct SimPlan {
  sim::Scenario scenario = sim::Scenario::swarm;
  std::optional<uint32_t> nodes;  // Else the scenario's, or drawn.
  std::optional<Duration> length;
  uint64_t seed = 1;
  uint64_t seeds = 1;                // This one and those that follow it...
  std::optional<Duration> for_time;  // ...or as many as fit in this time.
  std::optional<uint32_t> shards;    // Of each node, else the scenario's, or drawn.
  std::optional<uint32_t> records;
  uint32_t disjoint_paths = 1;
  std::optional<uint32_t> published;
  std::optional<uint32_t> buckets;
  std::optional<Duration> ttl;
  std::optional<Duration> session;  // Of the churn scenario only.
  std::optional<double> python;     // Of the churn and oneshot scenarios.
  std::optional<Duration> arrival;  // Of the oneshot scenario only.
  bool republishes = true;
  bool prefers_old_contacts = true;
  bool json = false;
  std::string plot_file;  // Empty: none.
  // The flags of which a run is made, but its seed, as they were written: a number that was read
  // and printed again may be another.
  std::string written;
};

// The setup of `seed` under this plan.
sim::Setup setup_of(const SimPlan& plan, uint64_t seed);
// The command that runs `seed` again.
std::string command_of(const SimPlan& plan, uint64_t seed);
// Empty when help was asked for. Failure (usage) when a flag is wrong.
std::optional<SimPlan> parse_sim_flags(Arguments arguments, Terminal& terminal);

}  // namespace xord
