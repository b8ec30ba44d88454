// The fate of a datagram between two hosts: lost, delayed, duplicated, overtaken, cut off by a
// partition or stopped at a NAT. Draws from its own random stream and knows nothing of nodes.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/base/instant.h"
#include "reactor/base/rng.h"

namespace xord::sim {

struct NetworkOptions {
  double loss = 0;
  double duplicate = 0;
  Duration delay_min = milliseconds(5);
  Duration delay_mean = milliseconds(20);  // Added, exponential; 0.5 to 2 times this for each link.
  double delay_most = 30;                  // Bound of the exponential part, times its mean.
  double straggling = 0;                   // Share of datagrams late enough to be overtaken.
  Duration straggling_mean = seconds(1);   // How late those are.
  uint32_t queue_max = 256;                // Datagrams in transit to one host; more are lost.
};

class Network {
 public:
  static constexpr uint32_t groups_max = 4;
  static_assert(groups_max <= UINT8_MAX + 1, "the group of a host is a byte");
  static constexpr Duration calm_delay_mean = milliseconds(5);
  static constexpr uint32_t calm_queue_max = 1024;  // For answers to all lookups of a host at once.

  Network(const NetworkOptions& options, Rng rng) : options_(options), rng_(rng) {}

  // A host behind a NAT is reachable by another only for `nat_lifetime` after it sent to that host.
  void add_host(bool is_behind_nat);
  // The delays after which copies of a datagram arrive: none, one or two copies.
  struct Fate {
    std::array<Duration, 2> after;
    uint32_t copies = 0;
  };
  Fate fate(Instant now, uint32_t from, uint32_t to);
  // Whether a NAT admits a datagram from `from`; for a forged source there is never a hole.
  bool lets_in(Instant now, uint32_t from, uint32_t to) const;

  // --- Partitions: hosts are in groups, and some groups do not hear others.
  void put_in_group(uint32_t host, uint32_t group) {
    CHECK(host < groups_.size() && group < groups_max);
    groups_[host] = static_cast<uint8_t>(group);
  }
  void cut(uint32_t from_group, uint32_t to_group) {
    CHECK(from_group < groups_max && to_group < groups_max);
    is_cut_[from_group][to_group] = true;
  }
  // Ends partitions, loss and duplication, makes room in the queues, and bounds delays so that
  // every answer arrives before the caller gives up on it (twice srtt + 4 rttvar): a lookup goes on
  // without a slow node, and is then not exact. An exponential tail would be later once in some
  // hundred calls. NATs stay.
  void heal();
  void heal_partitions() { is_cut_ = {}; }
  bool is_behind_nat(uint32_t host) const {
    DCHECK(host < is_behind_nat_.size());
    return is_behind_nat_[host];
  }
  NetworkOptions& options() { return options_; }

 private:
  static constexpr Duration nat_lifetime = minutes(3);
  static uint64_t link(uint32_t from, uint32_t to) { return uint64_t{from} << 32 | to; }
  Duration delay(uint32_t from, uint32_t to);

  NetworkOptions options_;
  Rng rng_;
  std::array<std::array<bool, groups_max>, groups_max> is_cut_{};
  std::vector<uint8_t> groups_;
  std::vector<bool> is_behind_nat_;
  std::unordered_map<uint64_t, Instant> holes_;  // By link, for hosts behind a NAT.
};

}  // namespace xord::sim
