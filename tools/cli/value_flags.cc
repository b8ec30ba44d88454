#include "tools/cli/value_flags.h"

#include "reactor/base/check.h"
#include "tools/cli/units.h"

namespace xord {

ValueFlags::ValueFlags(CLI::App& app, std::span<const ValueFlag> flags) {
  for (const ValueFlag& flag : flags) {
    add_repeatable(app, flag.name, texts_[flag.name], flag.help)->type_name(flag.type);
  }
}

std::string ValueFlags::text(const std::string& name, const std::string& otherwise) const {
  return one_value(name, texts_.at(name), otherwise);
}

std::optional<uint64_t> ValueFlags::count(const std::string& name, uint64_t least,
                                          uint64_t most) const {
  CHECK(least <= most);
  if (!is_given(name)) return std::nullopt;
  const std::string written = text(name);
  const auto parsed = parse_count(written);
  if (!parsed || *parsed < least || *parsed > most) {
    refuse(name + " \"" + written + "\" is not a count from " + std::to_string(least) + " to " +
           std::to_string(most));
  }
  return parsed;
}

std::optional<Duration> ValueFlags::duration(const std::string& name, Duration least) const {
  if (!is_given(name)) return std::nullopt;
  const std::string written = text(name);
  const auto parsed = parse_duration(written);
  if (!parsed || *parsed < least || *parsed > hours(24 * 7)) {
    refuse(name + " \"" + written + "\" is not a duration from " + show_duration(least) +
           " to 1w: write it like 10s or 500ms");
  }
  return parsed;
}

}  // namespace xord
