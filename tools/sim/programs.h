// Programs: short-lived ones that do a single operation, as the examples of the Python library do.
// Each is a node of that library under a new id on its own machine: it bootstraps from one or two
// nodes, sets or gets one value, and leaves for good. Bounded by its rate and the length of a run.
#pragma once

#include "tools/sim/workload.h"

namespace xord::sim {

struct ProgramOptions {
  Duration every{};  // Average time between arrivals; 0: none.
  uint32_t bootstraps_max = 2;
  double gets_share = 0.5;                  // The others do a set.
  Duration linger_max = milliseconds(500);  // From the end of the operation to the program's own.
};

class Programs {
 public:
  // The first `servers` hosts are those that stay; programs bootstrap from those of them that run
  // xord.
  Programs(World& world, Operations& operations, Workload& workload, const ProgramOptions& options,
           uint32_t servers);

  // Lets programs arrive until `until`.
  void run_until(Instant until);
  const PythonStats& stats() const { return stats_; }

 private:
  void come();
  void work(uint32_t host);
  void leave(uint32_t host);
  std::vector<Endpoint> bootstraps();

  World& world_;
  Operations& operations_;
  Workload& workload_;
  ProgramOptions options_;
  uint32_t servers_;
  Rng rng_;
  Instant until_;
  PythonStats stats_;
};

}  // namespace xord::sim
