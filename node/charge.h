// What a source is charged with, and the prefixes of its address that bear it: the words of the
// ledger (node/admission/ledger.h) and of what is reported about it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace xord {

// What is charged. Those without a limit of their own order the sources where room is short: who
// has most gives way.
enum class Charge : uint8_t {
  excess,  // Bytes of answers beyond those of their requests, and of pings to newcomers. Limited.
  reads,   // Values read from disk. Limited.
  held,    // Requests held until their source is proven.
  proofs,  // Endpoints that proved themselves.
  work,    // Requests served.
  count
};
constexpr size_t charges_count = static_cast<size_t>(Charge::count);
constexpr size_t limited_charges = 2;  // The first ones.
constexpr bool is_limited(Charge charge) {
  return static_cast<size_t>(charge) < limited_charges;
}
// In logs and reports, in the order of the enum.
constexpr const char* charge_names[] = {"excess", "reads", "held", "proofs", "work"};
static_assert(std::size(charge_names) == charges_count);

// An address, and the wider prefixes around it.
enum class PrefixLevel : uint8_t { address, site, block, region, count };
constexpr size_t prefix_levels = static_cast<size_t>(PrefixLevel::count);

}  // namespace xord
