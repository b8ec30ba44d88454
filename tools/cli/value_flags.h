// Flags that take one value each: added to a command line from a table, then read with their
// defaults and ranges. What cannot be read is refused in a sentence that names flag, value and fix.
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
  const char* type;  // As the help shows it: "N"
  const char* help;
};

class ValueFlags {
 public:
  // Adds `flags` to `app`, in their order. This object must outlive the parsing.
  ValueFlags(CLI::App& app, std::span<const ValueFlag> flags);
  ValueFlags(const ValueFlags&) = delete;
  ValueFlags& operator=(const ValueFlags&) = delete;

  // All of these: Failure (usage) when the flag is there twice or its value is not understood.
  bool is_given(const std::string& name) const { return !texts_.at(name).empty(); }
  std::string text(const std::string& name, const std::string& otherwise = "") const;
  std::optional<uint64_t> count(const std::string& name, uint64_t least, uint64_t most) const;
  // From `least` to a week.
  std::optional<Duration> duration(const std::string& name, Duration least) const;

 private:
  std::map<std::string, std::vector<std::string>> texts_;  // Nodes stay where CLI11 points to.
};

}  // namespace xord
