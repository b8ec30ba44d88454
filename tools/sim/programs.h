// Programs: those that come for one operation, as the examples of the Python library do. Each is a
// node of that library under a new id on a machine of its own: it bootstraps by a node or two, sets
// or gets one value, and goes, never to answer again. Bounded by its rate and the length of a run.
#pragma once

#include "tools/sim/workload.h"

namespace xord::sim {

struct ProgramOptions {
  Duration every{};  // One comes to the network, on average; 0: none does.
  uint32_t bootstraps_max = 2;
  double gets_share = 0.5;                  // The others set.
  Duration linger_max = milliseconds(500);  // Between its operation's end and its own.
};

class Programs {
 public:
  // The first `servers` hosts are those that stay; programs bootstrap by those that run xord.
  Programs(World& world, Operations& operations, Workload& workload, const ProgramOptions& options,
           uint32_t servers);

  // Lets them come until `until`.
  void run_until(Instant until);
  const PythonStats& stats() const { return stats_; }

 private:
  void await_next();
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
