// msgpack, as much of it as the rpcudp dialect needs: a reader that accepts every legal spelling
// and a writer that emits the Python encoder's (u-msgpack-python: always the shortest, bytes always
// as bin). Neither allocates. A declared length never drives a loop or an allocation: what is
// declared beyond the bytes that are there is `truncated`. Nesting is bounded by nesting_max,
// without recursion. docs/WIRE.md; msgpack specification, 2013 and later.
#pragma once

#include <cstdint>
#include <optional>

#include "node/wire/message.h"
#include "reactor/base/bytes.h"

namespace xord::msgpack {

// A Python node accepts some 330 levels; nothing that the dialect calls for has more than four.
constexpr uint32_t nesting_max = 32;

enum class Type : uint8_t { nil, boolean, integer, floating, text, binary, array, map, extension };

// The type of an element that begins with `code`; nil for c1, which begins none.
constexpr Type type_of(uint8_t code);

// The beginning of one element. Scalars are whole; text, binary and extension carry their bytes;
// behind an array or map its `size` elements, or pairs of elements, follow.
struct Element {
  Type type{};
  bool truth = false;        // boolean.
  bool is_negative = false;  // integer: then `bits` is two's complement.
  uint64_t bits = 0;         // integer; floating: the double's.
  uint32_t size = 0;         // array: elements; map: pairs.
  Bytes bytes;               // text, binary, extension (without its type code).
};

// A cursor whose error sticks: read everything, then ask once whether it was there. After an error
// every element read is nil.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  // The next element; of an array or map only its head. Text is checked to be UTF-8.
  Element next();
  // Passes over one whole element, however nested, and returns its bytes as they came.
  Bytes skip();
  // Whether the next element is an array (a map) of exactly `size`; passes over its head.
  bool enters_array(uint32_t size);

  ParseError error() const { return error_; }
  bool failed() const { return error_ != ParseError::none; }
  void fail(ParseError error);
  Bytes rest() const { return bytes_.subspan(at_); }

 private:
  Bytes take(size_t size);
  uint64_t big_endian(size_t size);
  Element sized(Type type, uint64_t size);
  Element container(Type type, uint64_t size);
  Element extension(uint64_t size);
  Element wide(uint8_t code);

  Bytes bytes_;
  size_t at_ = 0;
  ParseError error_ = ParseError::none;
};

// As Python's decoder checks it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(Bytes text);

constexpr Type type_of(uint8_t code) {
  if (code < 0x80 || code >= 0xe0) return Type::integer;
  if (code < 0x90) return Type::map;
  if (code < 0xa0) return Type::array;
  if (code < 0xc0) return Type::text;
  if (code < 0xc2) return Type::nil;
  if (code < 0xc4) return Type::boolean;
  if (code < 0xc7) return Type::binary;
  if (code < 0xca) return Type::extension;
  if (code < 0xcc) return Type::floating;
  if (code < 0xd4) return Type::integer;
  if (code < 0xd9) return Type::extension;
  if (code < 0xdc) return Type::text;
  return code < 0xde ? Type::array : Type::map;
}

// Writes into a fixed buffer; what does not fit is not written, and size() is then 0.
class Writer {
 public:
  explicit Writer(MutableBytes out) : out_(out) {}

  void byte(uint8_t value);
  void raw(Bytes bytes);
  void boolean(bool value) { byte(value ? 0xc3 : 0xc2); }
  void unsigned_integer(uint64_t value);
  void signed_integer(int64_t value);
  void floating(double value);
  void text(Bytes utf8);
  void binary(Bytes bytes);
  void array(uint32_t size);
  void map(uint32_t size);

  // Bytes written, or 0 when something did not fit.
  size_t size() const { return overflowed_ ? 0 : at_; }

 private:
  void head(uint8_t code, uint64_t value, size_t size);

  MutableBytes out_;
  size_t at_ = 0;
  bool overflowed_ = false;
};

}  // namespace xord::msgpack
