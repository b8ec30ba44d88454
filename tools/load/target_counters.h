// What a target on this host itself counted of what it limited, read over its control socket
// (docs/CONTROL.md): exact where the answers only give signs, but of all its sources together.
#pragma once

#include <optional>
#include <string>

#include "reactor/base/id.h"

namespace xord {

struct LimitedCounts {
  std::string limits;     // The node's setting: on, dry-run (it counts and refuses nothing), off.
  uint64_t contacts = 0;  // Answers cut to the size of their request.
  uint64_t values = 0;    // Not sent.
  uint64_t reads = 0;     // From disk, not made.
  uint64_t prefixes_thinned = 0;  // In the kernel: the most at the end of a step.

  uint64_t sum() const { return contacts + values + reads + prefixes_thinned; }
};

class TargetCounters {
 public:
  // The node on `data_dir` must be `target`: Failure (usage) if it is another one, (environment) if
  // none runs there.
  TargetCounters(const std::string& data_dir, const Id& target);

  // Reads them again, at the end of a step. Does nothing once an Interrupt was requested.
  void read();
  // What was limited from the construction to the last read(); empty if that failed.
  std::optional<LimitedCounts> limited() const;

 private:
  std::string data_dir_;
  LimitedCounts before_;
  std::optional<LimitedCounts> after_;
};

}  // namespace xord
