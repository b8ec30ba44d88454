// Setup: all parameters of a simulation, drawn from a seed or set by a scenario, and printed before
// it runs. Plain values: equal setups give equal runs.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "tools/sim/faults.h"
#include "tools/sim/healed.h"
#include "tools/sim/hostile.h"
#include "tools/sim/programs.h"
#include "tools/sim/workload.h"
#include "tools/sim/world.h"

namespace xord::sim {

enum class Scenario : uint8_t {
  join,
  churn,
  partition,
  crash,
  sybil,
  mixed,
  oneshot,
  swarm,
  count
};
constexpr const char* scenario_names[] = {"join",  "churn", "partition", "crash",
                                          "sybil", "mixed", "oneshot",   "swarm"};
static_assert(std::size(scenario_names) == static_cast<size_t>(Scenario::count));

// Hosts that come and go all the time, as users' machines do. Sessions are Weibull distributed with
// shape 0.5 (in KAD, Steiner, En-Najjary and Biersack 2007 fit 0.4 to 0.6; Mainline is similar).
struct ChurnOptions {
  Duration session_median{};  // 0: no churn.
  Duration absence_median() const { return session_median / 2; }
  double shape = 0.5;
  double new_identity = 0.5;  // Share of hosts that return under a new id, with no data.
};

struct Setup {
  Scenario scenario{};
  uint64_t seed = 1;
  uint32_t nodes = 100;  // Honest nodes.
  double python_share = 0;
  double nat_share = 0;
  uint32_t shards_max = 1;         // Each host draws its number of shards up to this.
  std::optional<uint32_t> shards;  // If set, all hosts have this number instead.
  int32_t drift_ppm_max = 0;
  std::array<uint32_t, static_cast<size_t>(Malice::count)> hostile{};
  Duration join_span = minutes(2);   // All nodes join within it.
  bool has_one_bootstrap = false;    // All nodes join through the first one.
  Duration length = hours(1);        // From then until the faults are healed.
  Duration settling = healed_after;  // From then until everything must hold again.
  WorldOptions world;
  FaultOptions faults;
  ChurnOptions churn;
  WorkloadOptions workload;
  ProgramOptions programs;
  std::optional<Duration> crash_third_at;  // Counted from when all have joined.
  std::optional<Duration> split_at;        // A split in halves, for split_for.
  Duration split_for = hours(1);
  uint32_t records_at_start = 0;  // Set once all have joined.
  uint32_t published_by_one = 0;  // Keys in the list of the first host, due once all have joined.
  bool checks = true;
  bool must_end_well = true;  // Whether liveness is demanded at the end.

  uint32_t hostile_count() const;
};

Setup scenario_setup(Scenario scenario, uint64_t seed, uint32_t nodes, Duration length);
// The seed draws the options, too; some kinds of faults are absent from each run.
Setup draw_setup(uint64_t seed, std::optional<uint32_t> nodes, std::optional<Duration> length);
// Sets `records` records once all have joined, and never again, with room for them in every store.
void set_records(Setup& setup, uint32_t records);
// Makes `share` of the nodes Python ones, which get and set as often as the others.
void set_python(Setup& setup, double share);
// Makes a program arrive every `every` on average, with room in the book for all that tables still
// file.
void set_arrival(Setup& setup, Duration every);
// Makes the first host keep `keys` keys published.
void set_published(Setup& setup, uint32_t keys);
// The configuration of that host: its list has room for the keys, its node that of production, and
// it publishes again every two hours instead of every day.
XordConfig publisher_config(const Setup& setup);
// Describes the setup to the user, one line for each concern.
std::string describe(const Setup& setup);

}  // namespace xord::sim
