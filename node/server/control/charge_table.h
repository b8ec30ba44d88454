// What the shards' ledgers charge to prefixes, put together for the whole node: amounts and
// refusals are summed, the earliest first refusal and the latest last one count, and so does the
// shard that will admit something last. Bounded by what the shards report (charged_prefixes_max
// each).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/operation_result.h"
#include "storage/operation.h"

namespace xord {

struct NodeCharges {
  NetworkIndex network = 0;
  Subnet prefix;
  std::array<uint64_t, charges_count> charged{};    // Bytes or requests.
  std::array<uint64_t, limited_charges> most{};     // The limits, for the whole node.
  std::array<uint64_t, limited_charges> refused{};  // In the present spell.
  std::array<uint32_t, limited_charges> until{};    // Milliseconds.
  uint32_t since = 0;                               // Seconds. Only if something was refused.
  uint32_t last = 0;                                // Likewise.

  bool is_limited() const { return refused != decltype(refused){}; }
};

class ChargeTable {
 public:
  explicit ChargeTable(uint32_t shards);
  // Adds what one shard reports of a network's prefix.
  void add(NetworkIndex network, const ChargedPrefix& report);
  // As they came: an address before the prefixes around it.
  const std::vector<NodeCharges>& all() const { return all_; }
  // Those that have taken the most of a limit, or of `by`, first the greatest; at most `count`. A
  // wider prefix is measured by what it may take: four times as much as an address, and so on.
  std::vector<NodeCharges> top(size_t count, std::optional<Charge> by = {}) const;

 private:
  const uint32_t shards_;
  std::vector<NodeCharges> all_;
};

}  // namespace xord
