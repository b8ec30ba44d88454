// A whole load run: meets the node, warms it up, runs the steps or searches for the highest rate.
#pragma once

#include <string>

#include "tools/load/load_tasks.h"
#include "tools/load/overload.h"

namespace xord {

struct WarmUpResult {
  uint64_t sources = 0;  // Answered, so proven where the node asks for that.
  uint64_t sources_failed = 0;
  uint64_t keys = 0;  // Stored.
  uint64_t keys_failed = 0;
  uint32_t contacts_in_answer = 0;  // Of one find_node afterwards.
  Duration took;
};

struct LoadResult {
  std::optional<Id> node;  // Unknown without content checks.
  std::string io;          // The generator's backend.
  WarmUpResult warm_up;
  std::vector<StepResult> steps;  // In the order they ran.
  // --find-max: the index of the best step that held the limits.
  std::optional<size_t> best;
  // --overload: of the first two steps, the closed loop and the flood.
  std::optional<OverloadResult> overload;
  // Sources that the node still names at the end; empty when it did not say.
  std::optional<uint32_t> contacts_left;
};

// What a person watches meanwhile. All calls at most once a second, or once a step.
class LoadObserver {
 public:
  virtual ~LoadObserver() = default;
  virtual void warming(std::string_view what, uint64_t done, uint64_t count) = 0;
  virtual void warmed(const LoadResult& result) = 0;
  virtual void stepping(const StepProgress& progress) = 0;
  virtual void stepped(const StepResult& step) = 0;
};

// Runs `plan`. Failure: (environment) no socket; (no_answer) nobody answered at the target.
LoadResult run_load(const LoadPlan& plan, LoadObserver& observer);

// Whether a step held what --find-max asks for.
bool holds_limits(const LoadPlan& plan, const StepResult& step);

}  // namespace xord
