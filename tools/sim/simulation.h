// A simulation: one setup, run from the first join to the last check. It brings up the hosts, lets
// programs work and faults happen, heals everything if the scenario ends that way, and then demands
// that lookups are exact and records are where they belong. Its observations are in its report.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/sim/census.h"
#include "tools/sim/checkers.h"
#include "tools/sim/faults.h"
#include "tools/sim/healed.h"
#include "tools/sim/naming.h"
#include "tools/sim/programs.h"
#include "tools/sim/publisher.h"
#include "tools/sim/setup.h"
#include "tools/sim/tally.h"
#include "tools/sim/workload.h"

namespace xord::sim {

// The state of the network at one time.
struct Moment {
  double hours = 0;
  uint32_t up = 0;
  double replicas = 0;    // Mean over a sample of records.
  double held = 0;        // Share of the sample that any node holds.
  double gets_right = 1;  // Since the previous moment, like finds_right.
  double finds_right = 1;
  double contacts = 0;        // Mean number in a table.
  double contacts_alive = 0;  // Share of them that are up.
  double nearest_known = 0;   // Share of the k nearest to a node that it knows.
  double datagrams = 0;       // For each node and second, since the previous moment.
  double bytes = 0;
  NamingCounts naming;  // Since the previous moment.
};

struct SimulationReport {
  std::optional<Violation> violation;
  uint64_t digest = 0;
  uint64_t events = 0;
  uint64_t datagrams = 0;
  uint64_t bytes = 0;
  double hours = 0;
  OperationStats joins;
  OperationStats sets;
  OperationStats gets;
  OperationStats finds;
  PythonStats python;    // Of the Python nodes; `joins` includes their bootstraps.
  PythonStats programs;  // Of the programs that do one operation.
  HealedCounts healed;   // After everything had settled.
  std::vector<Moment> moments;
  // For xord nodes, from when all have joined until the faults are healed.
  RequestCounts requests{};
  NamingCounts naming;
  uint64_t records = 0;  // The number of records set by the end.
  PublisherCounts publisher;
  FaultCounts faults;
  CheckerCounts checks;
};

class Simulation {
 public:
  explicit Simulation(const Setup& setup);
  ~Simulation();

  // Runs to the end or to the first violation. Calls `progress(share)` now and then.
  SimulationReport run(const std::function<void(double)>& progress = {});

 private:
  void add_hosts();
  void plan_joins();
  void start(uint32_t host);
  void rejoin(uint32_t host, uint32_t attempts);
  std::optional<uint32_t> someone_up(uint32_t but);
  void set_first_records();
  void plan_churn(uint32_t host);
  void leave(uint32_t host);
  void come_back(uint32_t host, bool is_forgotten);
  void plan_blows();
  void watch();
  void count_naming();
  Moment look();
  void end_faults();
  void settle(const std::function<void(double)>& progress);
  // Runs until `until`, inspecting and reporting progress on the way.
  void pass(Instant until, const std::function<void(double)>& progress);

  Setup setup_;
  World world_;
  Operations operations_;
  Checkers checkers_;
  Tally tally_;
  Naming naming_;
  Workload workload_;
  Programs programs_;
  Census census_;
  Healed healed_;
  Publisher publisher_;
  Rng rng_;
  Conspiracy conspiracy_;
  std::unique_ptr<Faults> faults_;
  bool is_measured_ = false;  // All have joined, and the faults are not healed yet.
  bool is_healed_ = false;
  Instant end_;
  SimulationReport report_;
  uint64_t watched_datagrams_ = 0;
  uint64_t watched_bytes_ = 0;
  uint64_t watched_gets_ = 0;
  uint64_t watched_gets_right_ = 0;
  uint64_t watched_finds_ = 0;
  uint64_t watched_finds_right_ = 0;
  NamingCounts since_watched_;
  Instant watched_at_;
};

}  // namespace xord::sim
