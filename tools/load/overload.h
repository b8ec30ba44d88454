// What became of a node that was asked for more than it can: the closed loop says how much that is,
// a flood offers as much as this machine can send (UDP_SEGMENT: a burst of requests of one source
// is one send), and slices of the closed loop behind it say how soon the node is back. Figures of
// steps that have run; load_run.h runs them.
#pragma once

#include <optional>
#include <span>

#include "tools/load/load_step.h"

namespace xord {

// A short closed loop behind the flood.
struct RecoverySlice {
  Duration until;   // Its end, after the end of the flood.
  double rate = 0;  // Answered a second.
};
constexpr Duration recovery_slice = milliseconds(100);
constexpr uint32_t recovery_slices_max = 30;
// A node is back when it answers this share of what it could.
constexpr double recovered_share = 0.85;
// Open at once in a flood: two million a second, each for a timeout of a second. 112 MiB.
constexpr uint32_t flood_questions_max = 1 << 21;

struct OverloadResult {
  double multiple = 0;       // Offered, as a multiple of what the closed loop reached.
  double goodput_share = 0;  // Answered in the flood, as a share of that.
  std::optional<Duration> recovered_after;  // Empty: not within the slices.
  uint64_t memory_before = 0;               // Resident bytes of the node; 0: unknown.
  uint64_t memory_after = 0;
};

bool is_recovered(const StepResult& peak, const RecoverySlice& slice);
OverloadResult overload_of(const StepResult& peak, const StepResult& flood,
                           std::span<const RecoverySlice> slices);

}  // namespace xord
