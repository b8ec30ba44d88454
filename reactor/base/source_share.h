// Which part of a prefix's datagrams may pass. The node decides (node/admission/work_shares.h), the
// reactor has the kernel enforce it (reactor/source_filter.h).
#pragma once

#include <cstdint>

#include "reactor/base/endpoint.h"

namespace xord {

struct SourceShare {
  Subnet net;
  double passing = 0;  // 0 to 1: each datagram passes with this probability.

  bool operator==(const SourceShare&) const = default;
};

// The most that one filter takes, and the most sources that it may exempt.
constexpr uint32_t source_shares_max = 32;
constexpr uint32_t sources_kept_max = 32;

}  // namespace xord
