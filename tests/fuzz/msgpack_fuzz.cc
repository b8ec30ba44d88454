// Any bytes as msgpack: skipping an element whole and step by step agree, a truncated element is
// invalid, a value that can be read is written so that it reads the same, and text is UTF-8 by a
// plain reading of the standard.
#include <vector>

#include "node/wire/rpcudp/msgpack.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/check.h"
#include "tests/fuzz/target.h"

namespace xord {
namespace {

using msgpack::Element;
using msgpack::Reader;
using msgpack::Type;

// Whether a whole element of at most `levels_left` nested containers follows. Plain recursion.
bool walk(Reader& in, uint32_t levels_left) {
  const Element element = in.next();
  if (in.failed()) return false;
  uint64_t inner_count = 0;
  if (element.type == Type::array) inner_count = element.size;
  if (element.type == Type::map) inner_count = uint64_t{element.size} * 2;
  if (inner_count > 0 && levels_left == 0) return false;
  for (uint64_t i = 0; i < inner_count; ++i) {
    if (!walk(in, levels_left - 1)) return false;
  }
  return true;
}

void check_cuts(Bytes element) {
  for (size_t size = 0; size < element.size() && size < 64; ++size) {
    const std::vector<uint8_t> cut(element.begin(),
                                   element.begin() + static_cast<std::ptrdiff_t>(size));
    Reader in(cut);
    in.skip();
    CHECK(in.error() == ParseError::truncated);
  }
}

// Bit for bit, since a NaN equals nothing.
bool same(const Value& a, const Value& b) {
  return a.index() == b.index() && encode_value(a) == encode_value(b);
}

void check_value(Bytes element) {
  const auto value = decode_value(element);
  if (!value) return;
  const auto encoded = encode_value(*value);
  CHECK(encoded && encoded->size() <= element.size() + 4);  // A float of 4 bytes becomes one of 8.
  const auto again = decode_value(*encoded);
  CHECK(again && same(*value, *again));
  if (std::holds_alternative<std::vector<uint8_t>>(*value)) return;
  const auto parsed = parse_value(render_value(*value), type_name(*value));
  CHECK(std::holds_alternative<Value>(parsed));
}

bool is_utf8_plainly(Bytes text) {
  for (size_t at = 0; at < text.size();) {
    const uint8_t first = text[at];
    const size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if ((first >= 0x80 && first < 0xc0) || first >= 0xf8 || at + size > text.size()) return false;
    uint32_t point = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size; ++i) {
      if ((text[at + i] & 0xc0) != 0x80) return false;
      point = point << 6 | (text[at + i] & 0x3fu);
    }
    constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
      return false;
    }
    at += size;
  }
  return true;
}

void check(Bytes bytes) {
  CHECK(msgpack::is_utf8(bytes) == is_utf8_plainly(bytes));
  Reader whole(bytes);
  const Bytes element = whole.skip();
  Reader steps(bytes);
  const bool is_there = walk(steps, msgpack::nesting_max);
  CHECK(is_there == !whole.failed());
  if (!is_there) return;
  CHECK(element.data() == bytes.data() && element.size() == bytes.size() - steps.rest().size());
  check_cuts(element);
  check_value(element);
}

}  // namespace
}  // namespace xord

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  xord::check({data, size});
  return 0;
}
