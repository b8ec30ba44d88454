// Whether a target limits the load it is put under, as far as its answers show: a xord gives a
// source beyond its limit the contacts that fit the size of the request, and no values
// (docs/ARCHITECTURE.md, "Nobody takes more than a share"). What it has the kernel drop looks like
// any other loss. A target that knows few contacts, pauses or loses datagrams of all kinds shows
// neither. Pure.
#pragma once

#include <cstdint>
#include <span>

#include "tools/load/load_step.h"

namespace xord {

struct LimitSigns {
  uint64_t cut = 0;      // Answers cut to the size of their request; 0 if these look like chance.
  uint64_t answers = 0;  // All answers with contacts.
  uint64_t silent = 0;   // Values without an answer while pings got theirs; 0 likewise.
  uint64_t values = 0;   // All values asked for.

  bool any() const { return cut + silent > 0; }
};

LimitSigns limit_signs_of(const StepResult& step);
// Each step is judged for itself.
LimitSigns limit_signs_of(std::span<const StepResult> steps);

}  // namespace xord
