// What goes wrong in a world, at times that are drawn: crashes and restarts, stalls, clocks,
// partitions, disks that fail. Each kind may be absent. heal() ends all of it. Touches hosts of
// honest nodes only, and never all of them.
#pragma once

#include <functional>

#include "tools/sim/draw.h"
#include "tools/sim/world.h"

namespace xord::sim {

// Zero intervals: never. All are averages over the whole world.
struct FaultOptions {
  Duration crash_every{};
  Duration down_mean = minutes(10);
  double lose_storage = 0.2;  // Share of crashes.
  double down_max = 0.5;      // Share of hosts that may be down at a time.
  Duration stall_every{};
  Duration stall_mean = seconds(10);
  Duration leap_every{};  // Monotonic clocks: a suspended machine wakes.
  Duration leap_mean = minutes(5);
  Duration wall_every{};  // Wall clocks are set to something else; counts at the next start.
  Duration wall_mean = hours(2);
  Duration partition_every{};
  Duration partition_mean = minutes(10);
  double one_way = 0.3;  // Share of partitions.
  Duration disk_every{};
  Duration disk_mean = minutes(5);
};

struct FaultCounts {
  uint64_t crashes = 0;
  uint64_t stalls = 0;
  uint64_t leaps = 0;
  uint64_t partitions = 0;
  uint64_t disks = 0;
};

class Faults {
 public:
  // `restarted(host)` is called when a host is up again: it may want to join.
  Faults(World& world, const FaultOptions& options, std::function<void(uint32_t)> restarted);

  // No more faults; whoever is down starts now. (A host that was never started does, too.)
  void heal();
  const FaultCounts& counts() const { return counts_; }

 private:
  using Deed = void (Faults::*)();
  void repeat(Deed deed, Duration every);
  void crash();
  void restart(uint32_t host);
  void stall();
  void leap();
  void set_wall();
  void part();
  void fail_disk();
  std::optional<uint32_t> victim();
  double down_share() const;

  World& world_;
  FaultOptions options_;
  std::function<void(uint32_t)> restarted_;
  Rng rng_;
  bool is_over_ = false;
  uint32_t partitions_open_ = 0;
  FaultCounts counts_;
};

}  // namespace xord::sim
