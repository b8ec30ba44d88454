// What becomes of a datagram between two hosts: lost, delayed, repeated, overtaken, cut off by a
// partition or stopped at a NAT. Draws from a stream of its own and knows nothing of nodes.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "reactor/base/instant.h"
#include "reactor/base/rng.h"

namespace xord::sim {

struct NetworkOptions {
  double loss = 0;
  double duplicate = 0;
  Duration delay_min = milliseconds(5);
  Duration delay_mean = milliseconds(20);  // On top, exponential; of each link its own, 0.5 to 2x.
  double delay_most = 30;                  // The exponential part's most, times its mean.
  double straggling = 0;                   // Datagrams that come late enough to be overtaken...
  Duration straggling_mean = seconds(1);   // ...by so much.
  uint32_t queue_max = 256;                // Datagrams under way to one host; more are lost.
};

class Network {
 public:
  static constexpr uint32_t groups_max = 4;
  static constexpr Duration calm_delay_mean = milliseconds(5);
  static constexpr uint32_t calm_queue_max = 1024;  // Answers to all lookups of a host at once.

  Network(const NetworkOptions& options, Rng rng) : options_(options), rng_(rng) {}

  // A host that others reach only for `nat_lifetime` after it sent to them.
  void add_host(bool is_behind_nat);
  // Delays after which copies of a datagram arrive: none, one or two.
  struct Fate {
    std::array<Duration, 2> after;
    uint32_t copies = 0;
  };
  Fate fate(Instant now, uint32_t from, uint32_t to);
  // Whether a NAT lets in what arrives from `from`; a forged source has no hole.
  bool lets_in(Instant now, uint32_t from, uint32_t to) const;

  // --- Partitions: hosts are in groups, of which some do not hear others.
  void put_in_group(uint32_t host, uint32_t group) { groups_[host] = static_cast<uint8_t>(group); }
  void cut(uint32_t from_group, uint32_t to_group) { is_cut_[from_group][to_group] = true; }
  // No partition, no loss, no repetition, room in the queues, and no answer later than a call is
  // patient, twice srtt + 4 rttvar: a lookup goes on without a node that is slow, and is then not
  // exact (DESIGN section 7). An exponential tail is later once in some hundred calls. NATs stay.
  void heal();
  void heal_partitions() { is_cut_ = {}; }
  bool is_behind_nat(uint32_t host) const { return is_behind_nat_[host]; }
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
  std::unordered_map<uint64_t, Instant> holes_;  // A link for each host behind a NAT.
};

}  // namespace xord::sim
