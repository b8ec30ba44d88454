#include "tools/sim/faults.h"

#include "reactor/base/check.h"

namespace xord::sim {

static_assert(Network::groups_max >= 2, "a partition needs two groups");

Faults::Faults(World& world, const FaultOptions& options, std::function<void(uint32_t)> restarted)
    : world_(world),
      options_(options),
      restarted_(std::move(restarted)),
      rng_(world.rng("faults")) {
  repeat(&Faults::crash, options.crash_every);
  repeat(&Faults::stall, options.stall_every);
  repeat(&Faults::leap, options.leap_every);
  repeat(&Faults::set_wall, options.wall_every);
  repeat(&Faults::part, options.partition_every);
  repeat(&Faults::fail_disk, options.disk_every);
}

void Faults::repeat(Deed deed, Duration every) {
  world_.repeat(rng_, every, [this, deed] {
    if (is_over_) return false;
    (this->*deed)();
    return true;
  });
}

std::optional<uint32_t> Faults::victim() {
  for (int attempt = 0; attempt < 16; ++attempt) {
    const auto host = static_cast<uint32_t>(rng_.bounded(world_.hosts_count()));
    if (world_.host(host).node != nullptr) return host;
  }
  return std::nullopt;
}

double Faults::down_share() const {
  uint32_t down = 0;
  uint32_t all = 0;
  for (uint32_t i = 0; i < world_.hosts_count(); ++i) {
    if (world_.host(i).kind != HostKind::xord) continue;
    ++all;
    down += !world_.host(i).is_up();
  }
  return static_cast<double>(down) / std::max(all, 1u);
}

void Faults::crash() {
  const auto host = victim();
  if (!host || down_share() >= options_.down_max) return;
  ++counts_.crashes;
  world_.crash(*host, rng_.chance(options_.lose_storage) ? Storage::lost : Storage::kept);
  world_.plan(exponential(rng_, options_.down_mean), [this, host] { restart(*host); });
}

void Faults::restart(uint32_t host) {
  if (world_.host(host).is_up()) return;
  CHECK(world_.host(host).kind == HostKind::xord);
  world_.start(host);
  restarted_(host);
}

void Faults::stall() {
  const auto host = victim();
  if (!host) return;
  ++counts_.stalls;
  world_.stall(*host, exponential(rng_, options_.stall_mean));
}

void Faults::leap() {
  const auto host = victim();
  if (!host) return;
  ++counts_.leaps;
  world_.leap_clock(*host, exponential(rng_, options_.leap_mean));
}

void Faults::set_wall() {
  const auto host = static_cast<uint32_t>(rng_.bounded(world_.hosts_count()));
  ++counts_.leaps;
  const Duration error = exponential(rng_, options_.wall_mean);
  world_.host(host).wall_error = rng_.chance(0.5) ? error : -error;
}

void Faults::part() {
  ++counts_.partitions;
  ++partitions_open_;
  const double share = 0.05 + rng_.unit() * 0.45;
  const uint32_t group = 1 + static_cast<uint32_t>(rng_.bounded(Network::groups_max - 1));
  for (uint32_t i = 0; i < world_.hosts_count(); ++i) {
    if (rng_.chance(share)) world_.network().put_in_group(i, group);
  }
  const bool is_one_way = rng_.chance(options_.one_way);
  for (uint32_t other = 0; other < Network::groups_max; ++other) {
    if (other == group) continue;
    world_.network().cut(group, other);
    if (!is_one_way) world_.network().cut(other, group);
  }
  world_.plan(exponential(rng_, options_.partition_mean), [this] {
    CHECK(partitions_open_ > 0);
    if (--partitions_open_ > 0) return;
    world_.network().heal_partitions();
  });
}

void Faults::fail_disk() {
  const auto host = victim();
  if (!host) return;
  ++counts_.disks;
  CHECK(world_.host(*host).disk != nullptr);  // A host of a xord node has one.
  world_.host(*host).disk->set_works(false);
  world_.plan(exponential(rng_, options_.disk_mean),
              [this, host] { world_.host(*host).disk->set_works(true); });
}

void Faults::heal() {
  is_over_ = true;
  world_.network().heal();
  for (uint32_t i = 0; i < world_.hosts_count(); ++i) {
    if (world_.host(i).kind != HostKind::xord) continue;
    world_.host(i).disk->set_works(true);
    world_.host(i).wall_error = {};
    restart(i);
  }
}

}  // namespace xord::sim
