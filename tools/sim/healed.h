// Healed: what must be well once the faults are gone and no program does anything: lookups exact,
// records found and on all of their k nearest nodes, tables given back, and little traffic. What it
// demands is what docs/TESTING.md says, with the reasons for each bound. Looks at the world as a
// whole; tells the checkers what does not hold.
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
// (storage/store_republish.cc), or five more where the node was busy. The first of them may go by a
// table that does not know all nodes yet, and puts the others off for another hour.
constexpr Duration replication_due = minutes(2 * (60 + 10 + 5));
// Restarted nodes have read their disks.
constexpr Duration restarted_after = minutes(5);
constexpr Duration healed_after = restarted_after + replication_due;
// Traffic and tables are watched for so long at the end: a period of refreshes and republishes.
constexpr Duration quiet_for = minutes(70);

struct HealedCounts {
  uint64_t finds = 0;
  uint64_t exact = 0;
  uint64_t gets = 0;
  uint64_t got = 0;
  uint64_t records = 0;      // That one of their k nearest held when the faults were over...
  uint64_t placed = 0;       // ...and all of them do now.
  double datagrams = 0;      // A node and second, while nothing was asked of anybody...
  double datagrams_max = 0;  // ...and what the rules of upkeep allow.
};

class Healed {
 public:
  // `is_demanded`: otherwise it counts only.
  Healed(World& world, Operations& operations, Checkers& checkers, Workload& workload,
         bool is_demanded);

  // restarted_after the faults are over: who holds what.
  void note_records();
  // quiet_for before the end; then once a minute.
  void begin_quiet();
  void look_at_tables();
  // At the end of the quiet time.
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
  std::map<uint32_t, NodeUsage> least_;  // Taken of each host's tables since the quiet began.
  Instant quiet_since_;
  uint64_t quiet_datagrams_ = 0;
  HealedCounts counts_;
};

}  // namespace xord::sim
