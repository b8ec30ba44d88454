// Healed: what must hold once the faults are over and no program is active: lookups are exact,
// records are found and are on all of their k nearest nodes, tables are given back, and traffic is
// low. It demands what docs/TESTING.md says, which gives the reasons for each bound. It looks at
// the world as a whole and reports to the checkers what does not hold.
#pragma once

#include <map>
#include <vector>

#include "node/usage.h"
#include "tools/sim/census.h"
#include "tools/sim/checkers.h"
#include "tools/sim/operations.h"
#include "tools/sim/workload.h"

namespace xord::sim {

// A holder's next republish comes an hour after the last store and up to ten minutes later
// (storage/store_republish.cc), or five minutes more if the node was busy. The first holder to do
// so may use a table that does not know all nodes yet, and so delays the others for another hour.
constexpr Duration replication_due = minutes(2 * (60 + 10 + 5));
// By then restarted nodes have read their disks.
constexpr Duration restarted_after = minutes(5);
constexpr Duration healed_after = restarted_after + replication_due;
// Traffic and tables are watched this long at the end: one period of refreshes and republishes.
constexpr Duration quiet_for = minutes(70);
static_assert(restarted_after + quiet_for < healed_after);

struct HealedCounts {
  uint64_t finds = 0;
  uint64_t exact = 0;
  uint64_t gets = 0;
  uint64_t got = 0;
  uint64_t records = 0;      // Held by one of their k nearest when the faults were over.
  uint64_t placed = 0;       // Those of them that all of their k nearest hold now.
  double datagrams = 0;      // For each node and second of the quiet time.
  double datagrams_max = 0;  // The same, as the rules of upkeep allow.
};

class Healed {
 public:
  // If not `is_demanded`, it only counts; so it does for records on their k nearest nodes, if
  // holders do not republish in the world's dialect.
  Healed(World& world, Operations& operations, Checkers& checkers, Workload& workload,
         bool is_demanded);

  // To be called restarted_after the end of the faults: notes which records are held.
  void note_records();
  // To be called quiet_for before the end, and look_at_tables() once a minute from then on.
  void begin_quiet();
  void look_at_tables();
  // To be called at the end of the quiet time.
  void check_quiet();
  void check_records_placed();
  void check_finds();
  void check_records_found();
  const HealedCounts& counts() const { return counts_; }

 private:
  uint32_t random_member();
  double datagrams_allowed() const;
  bool may_refuse(uint32_t host) const;
  bool lives_on(const Id& key, Duration length) const;

  World& world_;
  Operations& operations_;
  Checkers& checkers_;
  Workload& workload_;
  bool is_demanded_;
  Census census_;
  Rng rng_;
  std::vector<uint32_t> members_;
  std::vector<Id> held_;                 // Keys.
  std::map<uint32_t, NodeUsage> least_;  // Least use of each host's tables in the quiet time.
  Instant quiet_since_;
  uint64_t quiet_datagrams_ = 0;
  HealedCounts counts_;
};

}  // namespace xord::sim
