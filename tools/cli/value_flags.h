// Flags that take one value each: added to a command line from a table, then read with their
// defaults and ranges. A bad value is refused in a sentence that names flag, value and fix.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reactor/base/instant.h"
#include "tools/cli/flags.h"

namespace xord {

struct ValueFlag {
  const char* name;  // "--rate"
  const char* type;  // As shown in the help: "N"
  const char* help;
};

class ValueFlags {
 public:
  // Adds `flags` to `app`, in their order. This object must outlive parsing.
  ValueFlags(CLI::App& app, std::span<const ValueFlag> flags);
  ValueFlags(const ValueFlags&) = delete;
  ValueFlags& operator=(const ValueFlags&) = delete;

  // All readers below: Failure (usage) if the flag is given twice or its value is invalid.
  bool is_given(const std::string& name) const { return !texts_.at(name).empty(); }
  std::string text(const std::string& name, const std::string& otherwise = "") const;
  std::optional<uint64_t> count(const std::string& name, uint64_t least, uint64_t most) const;
  // The value must be from `least` to a week.
  std::optional<Duration> duration(const std::string& name, Duration least) const;

 private:
  std::map<std::string, std::vector<std::string>> texts_;  // CLI11 points into its nodes.
};

}  // namespace xord
