#include "tools/cli/show_value.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "node/server/log/json_text.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/hex.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

// Bytes become hexadecimal digits; a float that JSON cannot express (nan, inf) becomes its text.
nlohmann::ordered_json json_of(const Value& value) {
  if (const auto* bytes = std::get_if<std::vector<uint8_t>>(&value)) return to_hex(*bytes);
  if (const auto* number = std::get_if<double>(&value)) {
    return std::isfinite(*number) ? nlohmann::ordered_json(*number)
                                  : nlohmann::ordered_json(render_value(value));
  }
  if (const auto* yes = std::get_if<bool>(&value)) return *yes;
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  if (const auto* number = std::get_if<uint64_t>(&value)) return *number;
  return std::get<std::string>(value);
}

}  // namespace

void show_value(const Key& key, Bytes packed, ValueForm form, Terminal& terminal) {
  const auto value = decode_value(packed);
  if (form == ValueForm::json) {
    nlohmann::ordered_json shown = key.json();
    shown["type"] = value ? std::string(type_name(*value)) : "other";
    shown["value"] = value ? json_of(*value) : nlohmann::ordered_json(to_hex(packed));
    terminal.out << json_text(shown) << '\n';
    return;
  }
  if (!value) {
    throw Failure(ExitCode::not_found,
                  key.quoted() +
                      " has a value of a type that the library never stores; --json shows its "
                      "bytes");
  }
  terminal.out << render_value(*value);
  const bool is_bytes = std::holds_alternative<std::vector<uint8_t>>(*value);
  if (!is_bytes || terminal.out_is_terminal) terminal.out << '\n';
}

}  // namespace xord
