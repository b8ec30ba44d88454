// How a node behaves when asked for more than it can answer. The closed loop measures its capacity,
// a flood offers as much as this machine can send (UDP_SEGMENT: a burst of requests from one source
// is one send), and slices of the closed loop after it show how soon the node recovers. This file
// computes figures from steps that have run; load_run.h runs them.
#pragma once

#include <bit>
#include <optional>
#include <span>

#include "tools/load/load_step.h"

namespace xord {

// A short closed loop after the flood.
struct RecoverySlice {
  Duration until;   // Its end, counted from the end of the flood.
  double rate = 0;  // Answers a second.
};
constexpr Duration recovery_slice = milliseconds(100);
constexpr uint32_t recovery_slices_max = 30;
// A node has recovered when it answers this share of its capacity.
constexpr double recovered_share = 0.85;
static_assert(recovered_share > 0 && recovered_share < 1);
// Questions open at once in a flood: two million a second, each for a timeout of a second. 112 MiB.
constexpr uint32_t flood_questions_max = 1 << 21;
static_assert(std::has_single_bit(flood_questions_max));

struct OverloadResult {
  double multiple = 0;                      // Offered, as a multiple of the closed loop's rate.
  double goodput_share = 0;                 // Answered in the flood, as a share of that rate.
  std::optional<Duration> recovered_after;  // Empty if not within the slices.
  uint64_t memory_before = 0;               // Resident bytes of the node; 0: unknown.
  uint64_t memory_after = 0;
};

bool is_recovered(const StepResult& peak, const RecoverySlice& slice);
OverloadResult overload_of(const StepResult& peak, const StepResult& flood,
                           std::span<const RecoverySlice> slices);

}  // namespace xord
