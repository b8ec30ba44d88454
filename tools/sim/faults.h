// The faults of a world, at random times: crashes and restarts, stalls, clock jumps, partitions,
// failing disks. Each kind may be absent. heal() ends all of them. Affects only hosts of honest
// nodes, and never all of them.
#pragma once

#include <functional>

#include "tools/sim/draw.h"
#include "tools/sim/world.h"

namespace xord::sim {

// An interval of zero means never. All intervals are averages over the whole world.
struct FaultOptions {
  Duration crash_every{};
  Duration down_mean = minutes(10);
  double lose_storage = 0.2;  // Share of crashes that lose the disk.
  double down_max = 0.5;      // Share of hosts that may be down at a time.
  Duration stall_every{};
  Duration stall_mean = seconds(10);
  Duration leap_every{};  // A monotonic clock leaps: a suspended machine wakes.
  Duration leap_mean = minutes(5);
  Duration wall_every{};  // A wall clock is set; matters at the next start.
  Duration wall_mean = hours(2);
  Duration partition_every{};
  Duration partition_mean = minutes(10);
  double one_way = 0.3;  // Share of partitions that cut one way only.
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
  // Calls `restarted(host)` when a host is up again, since it may want to join.
  Faults(World& world, const FaultOptions& options, std::function<void(uint32_t)> restarted);

  // Ends all faults. A host that is down starts now, even one that was never started.
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
