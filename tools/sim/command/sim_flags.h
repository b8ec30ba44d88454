// The flags of `xord sim`, read and checked.
#pragma once

#include <optional>
#include <string>

#include "tools/cli/flags.h"
#include "tools/sim/setup.h"

namespace xord {

struct SimPlan {
  sim::Scenario scenario = sim::Scenario::swarm;
  std::optional<uint32_t> nodes;  // Otherwise the scenario's, or drawn.
  std::optional<Duration> length;
  uint64_t seed = 1;
  uint64_t seeds = 1;                // The number of consecutive seeds, from `seed` on.
  std::optional<Duration> for_time;  // If set, as many seeds as fit in this time.
  std::optional<uint32_t> shards;    // For each node; otherwise the scenario's, or drawn.
  std::optional<uint32_t> records;
  uint32_t disjoint_paths = 1;
  std::optional<uint32_t> published;
  std::optional<uint32_t> buckets;
  std::optional<Duration> ttl;
  std::optional<Duration> session;  // For the churn scenario only.
  std::optional<double> python;     // For the churn and oneshot scenarios.
  std::optional<Duration> arrival;  // For the oneshot scenario only.
  std::optional<Duration> delay;    // One way, of every link.
  std::optional<Duration> join_span;
  bool has_one_bootstrap = false;
  bool republishes = true;
  bool prefers_old_contacts = true;
  bool json = false;
  std::string plot_file;  // Empty: none.
  // The flags that determine a run, except its seed, exactly as typed: a number that is parsed and
  // printed again may differ.
  std::string written;
};

// Returns the setup of `seed` under this plan.
sim::Setup setup_of(const SimPlan& plan, uint64_t seed);
// Returns the command that repeats `seed`.
std::string command_of(const SimPlan& plan, uint64_t seed);
// Returns empty if help was asked for. Failure (usage) on an invalid flag.
std::optional<SimPlan> parse_sim_flags(Arguments arguments, Terminal& terminal);

}  // namespace xord
