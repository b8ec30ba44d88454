// What one party may take of the node, by address and prefix: the operator's choices, filled in by
// the server. node/admission/ledger.h keeps the accounts.
#pragma once

#include <cstdint>
#include <vector>

#include "reactor/base/endpoint.h"

namespace xord {

// --limits. `dry_run` charges and counts as `on` does, and refuses nothing.
enum class LimitsMode : uint8_t { off, dry_run, on };

// --limit-for: a source in `net` may take `factor` times as much. The longest net counts.
struct LimitFactor {
  Subnet net;
  uint32_t factor = 1;  // 1 to limit_factor_max.

  bool operator==(const LimitFactor&) const = default;
};
constexpr uint32_t limit_factor_max = 65'536;

// Greatest limits: sixteen times what eight seconds admit fits into 32 bits, reads in 1/256.
constexpr uint64_t excess_a_second_max = (uint64_t{1} << 25) - 1;
constexpr uint64_t reads_a_second_max = (1 << 17) - 1;

struct LimitsConfig {
  LimitsMode mode = LimitsMode::on;
  // Whether loopback sources are limited as well: no one outside can forge one.
  bool limits_loopback = false;
  std::vector<LimitFactor> factors;
  // For one address (/32, /64), on the whole node. A /24 (/56) may take 4 times as much, a /20
  // (/48) 8 times, a /16 (/32) 16 times. Each shard enforces its share.
  uint64_t excess_a_second = 1 << 20;  // Bytes of answers beyond those of their requests.
  uint64_t reads_a_second = 100;       // Values read from disk.

  bool operator==(const LimitsConfig&) const = default;
};

}  // namespace xord
