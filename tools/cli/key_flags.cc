#include "tools/cli/key_flags.h"

#include "node/server/calls/key_digest.h"

namespace xord {

void add_key_flags(CLI::App& app, KeyFlags& flags, HexKey hex) {
  add_argument(app, "KEY", flags.key,
               hex == HexKey::is_id ? "The key, as text; or its id, as 40 hexadecimal digits"
                                    : "The key, as text")
      ->type_name("(KEY | --id HEX)");
  add_repeatable(app, "--id", flags.id, "The key by its id, 40 hexadecimal digits")
      ->type_name("HEX");
}

Key key_of(const CLI::App& app, const KeyFlags& flags, HexKey hex) {
  if (flags.id.empty()) {
    const std::string text = required(app, "KEY", flags.key);
    const auto id = hex == HexKey::is_id ? Id::from_hex(text) : std::nullopt;
    return {id ? *id : key_digest(text), text, false};
  }
  if (!flags.key.empty()) {
    refuse("\"" + flags.key[0] + "\" and --id both name a key: leave one out");
  }
  const std::string digits = one_value("--id", flags.id);
  const auto id = Id::from_hex(digits);
  if (!id) refuse("--id \"" + digits + "\" is not an id: write 40 hexadecimal digits");
  return {*id, id->hex(), true};
}

}  // namespace xord
