// What a source may get beyond the bytes of its requests, by address and by prefix: a burst of
// eight seconds' worth of its limit, and the limit each second (docs/ARCHITECTURE.md, "Nobody takes
// more than a share"). Counts as a leaky bucket does, which no decay that keeps the bound exceeds:
// so it does not know how a node counts.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "node/node_config.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord::testing {

class ExcessBound {
 public:
  // `config` is that of the node, or of one of its shards, and lives longer. `slack`: bytes that
  // may come on top, at each level.
  explicit ExcessBound(const NodeConfig& config, double slack = 0)
      : config_(config), slack_(slack) {}

  // `bytes` went to `source` beyond those of its request. False: that is more than it may get.
  [[nodiscard]] bool admits(Instant now, const IpAddress& source, size_t bytes) {
    if (config_.limits.mode != LimitsMode::on || is_exempt(source)) return true;
    // A favoured source uses up its prefixes as it may: only its own address is held to a figure.
    const size_t levels = config_.limits.factors.empty() ? factors.size() : 1;
    bool is_within = true;
    for (size_t level = 0; level < levels; ++level) {
      const double a_second =
          static_cast<double>(config_.limits.excess_a_second) * factors[level] * factor_of(source);
      Excess& excess = excesses_[{level, prefix_of(source, level)}];
      excess.bytes = std::max(0.0, excess.bytes - (now - excess.at).seconds() * a_second);
      excess.bytes += static_cast<double>(bytes);
      excess.at = now;
      const double most = a_second * (burst_seconds + coarseness) + rounding + slack_;
      is_within = is_within && excess.bytes <= most;
    }
    return is_within;
  }
  // The node has forgotten charges, because its ledger was full: nothing counts that came before.
  void forget() { excesses_.clear(); }

 private:
  static constexpr double burst_seconds = 8;
  // What a node may lose by counting in coarser steps than we do (node/admission/ledger.h): a tick,
  // in seconds; and bytes, on each of a few shards.
  static constexpr double coarseness = 1.0 / 16;
  static constexpr double rounding = 3 * 300;
  static constexpr std::array<uint32_t, 4> factors = {1, 4, 8, 16};
  struct Excess {
    double bytes = 0;
    Instant at;
  };

  static IpAddress prefix_of(IpAddress address, size_t level) {
    constexpr uint32_t ipv4_bits[] = {128, 120, 116, 112};
    constexpr uint32_t ipv6_bits[] = {64, 56, 48, 32};
    const uint32_t bits = address.is_ipv4() ? ipv4_bits[level] : ipv6_bits[level];
    for (uint32_t bit = bits; bit < 128; ++bit) {
      address.bytes[bit / 8] = static_cast<uint8_t>(address.bytes[bit / 8] & ~(0x80u >> bit % 8));
    }
    return address;
  }

  bool is_exempt(const IpAddress& source) const {
    const bool is_loopback = source.reach() == Reach::host;
    if (is_loopback && !config_.limits.limits_loopback) return true;
    return std::any_of(config_.trusted.begin(), config_.trusted.end(),
                       [&](const Subnet& net) { return net.contains(source); });
  }

  // Of the longest net that holds the source.
  uint32_t factor_of(const IpAddress& source) const {
    const LimitFactor* longest = nullptr;
    for (const LimitFactor& each : config_.limits.factors) {
      if (!each.net.contains(source)) continue;
      if (longest == nullptr || each.net.prefix_bits > longest->net.prefix_bits) longest = &each;
    }
    return longest == nullptr ? 1 : longest->factor;
  }

  const NodeConfig& config_;
  const double slack_;
  std::map<std::pair<size_t, IpAddress>, Excess> excesses_;
};

}  // namespace xord::testing
