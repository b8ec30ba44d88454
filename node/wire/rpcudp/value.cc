#include "node/wire/rpcudp/value.h"

#include <bit>
#include <charconv>
#include <cmath>

#include "node/wire/rpcudp/msgpack.h"
#include "reactor/base/check.h"
#include "reactor/base/hex.h"

namespace xord {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

constexpr size_t head_size_max = 9;

// repr() of a Python float: the shortest digits that read back as the same value, with ".0" if they
// look like an integer, and an exponent from 1e16 up and below 1e-4.
std::string render_double(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const double size = std::fabs(value);
  const bool is_plain = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto format = is_plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, format);
  CHECK(error == std::errc{});  // The shortest form has 17 digits at most.
  std::string text(buffer, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

ValueError wrong(std::string_view text, std::string_view form) {
  return {"\"" + std::string(text) + "\" is not " + std::string(form)};
}

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

std::variant<Value, ValueError> parse_bytes(std::string_view text) {
  constexpr std::string_view prefix = "hex:";
  if (!text.starts_with(prefix)) return Value(std::vector<uint8_t>(text.begin(), text.end()));
  auto bytes = from_hex(text.substr(prefix.size()));
  if (!bytes) return wrong(text, "hexadecimal: write two digits per byte after hex:");
  return Value(std::move(*bytes));
}

}  // namespace

std::string_view type_name(const Value& value) {
  constexpr std::string_view names[] = {"bool", "int", "int", "float", "str", "bytes"};
  static_assert(std::size(names) == std::variant_size_v<Value>);
  return names[value.index()];
}

std::string_view type_name_of(uint8_t first) {
  switch (msgpack::type_of(first)) {
    case msgpack::Type::boolean:
      return "bool";
    case msgpack::Type::integer:
      return "int";
    case msgpack::Type::floating:
      return "float";
    case msgpack::Type::text:
      return "str";
    case msgpack::Type::binary:
      return "bytes";
    default:
      return "other";
  }
}

std::optional<std::vector<uint8_t>> encode_value(const Value& value) {
  size_t payload_size = 0;
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (!msgpack::is_utf8(bytes_of(*text))) return std::nullopt;
    payload_size = text->size();
  } else if (const auto* raw = std::get_if<std::vector<uint8_t>>(&value)) {
    payload_size = raw->size();
  }
  std::vector<uint8_t> packed(head_size_max + payload_size);
  msgpack::Writer out(packed);
  std::visit(Overloaded{
                 [&](bool truth) { out.boolean(truth); },
                 [&](int64_t number) { out.signed_integer(number); },
                 [&](uint64_t number) { out.unsigned_integer(number); },
                 [&](double number) { out.floating(number); },
                 [&](const std::string& text) { out.text(bytes_of(text)); },
                 [&](const std::vector<uint8_t>& bytes) { out.binary(bytes); },
             },
             value);
  CHECK(out.size() > 0);  // The head and the payload fit.
  packed.resize(out.size());
  return packed;
}

std::optional<Value> decode_value(Bytes packed) {
  msgpack::Reader in(packed);
  const msgpack::Element element = in.next();
  if (in.failed() || !in.rest().empty()) return std::nullopt;
  switch (element.type) {
    case msgpack::Type::boolean:
      return Value(element.truth);
    case msgpack::Type::integer:
      if (!element.is_negative && element.bits > INT64_MAX) return Value(element.bits);
      return Value(static_cast<int64_t>(element.bits));
    case msgpack::Type::floating:
      return Value(std::bit_cast<double>(element.bits));
    case msgpack::Type::text:
      return Value(std::string(text_of(element.bytes)));
    case msgpack::Type::binary:
      return Value(std::vector<uint8_t>(element.bytes.begin(), element.bytes.end()));
    case msgpack::Type::nil:
    case msgpack::Type::array:
    case msgpack::Type::map:
    case msgpack::Type::extension:
      break;
  }
  return std::nullopt;
}

std::string render_value(const Value& value) {
  return std::visit(
      Overloaded{
          [](bool truth) { return std::string(truth ? "true" : "false"); },
          [](int64_t number) { return std::to_string(number); },
          [](uint64_t number) { return std::to_string(number); },
          [](double number) { return render_double(number); },
          [](const std::string& text) { return text; },
          [](const std::vector<uint8_t>& bytes) { return std::string(text_of(bytes)); },
      },
      value);
}

std::variant<Value, ValueError> parse_value(std::string_view text, std::string_view type) {
  if (type == "str") {
    if (!msgpack::is_utf8(bytes_of(text))) {
      return ValueError{"the value is not UTF-8 text: set it as --type bytes"};
    }
    return Value(std::string(text));
  }
  if (type == "bytes") return parse_bytes(text);
  if (type == "bool") {
    if (text == "true" || text == "True") return Value(true);
    if (text == "false" || text == "False") return Value(false);
    return wrong(text, "true or false");
  }
  if (type == "int") {
    if (const auto number = parse_whole<int64_t>(text)) return Value(*number);
    if (const auto number = parse_whole<uint64_t>(text)) return Value(*number);
    return wrong(text, "an integer from -9223372036854775808 to 18446744073709551615");
  }
  if (type == "float") {
    if (const auto number = parse_whole<double>(text)) return Value(*number);
    return wrong(text, "a number: write it as 1.5, -2e10, inf or nan");
  }
  return wrong(type, "a type: write str, int, float, bool or bytes");
}

}  // namespace xord
