// A whole load run: contacts the node, warms it up, and runs the steps or searches for the highest
// rate.
#pragma once

#include <string>

#include "tools/load/load_tasks.h"
#include "tools/load/overload.h"
#include "tools/load/target_counters.h"

namespace xord {

struct WarmUpResult {
  uint64_t sources = 0;  // Sources that were answered, hence proven if the node requires it.
  uint64_t sources_failed = 0;
  uint64_t keys = 0;  // Keys stored.
  uint64_t keys_failed = 0;
  uint32_t contacts_in_answer = 0;  // In one find_node afterwards.
  Duration took;
};

struct LoadResult {
  std::optional<Id> node;  // Unknown without content checks.
  std::string io;          // The generator's backend.
  WarmUpResult warm_up;
  std::vector<StepResult> steps;  // In the order they ran.
  // --find-max: the index of the best step within the limits.
  std::optional<size_t> best;
  // --overload: computed from the first two steps, the closed loop and the flood.
  std::optional<OverloadResult> overload;
  // With the target's data directory; empty also if its counters could not be read.
  std::optional<LimitedCounts> limited_by_node;
  // Sources that the node still names at the end; empty if it did not say.
  std::optional<uint32_t> contacts_left;
};

// What the user sees during the run. Each is called at most once a second, or once per step.
class LoadObserver {
 public:
  virtual ~LoadObserver() = default;
  virtual void warming(std::string_view what, uint64_t done, uint64_t count) = 0;
  virtual void warmed(const LoadResult& result) = 0;
  virtual void stepping(const StepProgress& progress) = 0;
  virtual void stepped(const StepResult& step) = 0;
};

// Runs `plan`. Failure: (environment) no socket; (no_answer) the target did not answer.
LoadResult run_load(const LoadPlan& plan, LoadObserver& observer);

// Whether a step was within the limits of --find-max.
bool holds_limits(const LoadPlan& plan, const StepResult& step);

}  // namespace xord
