// msgpack, as much of it as the rpcudp dialect needs: a reader that accepts every legal encoding
// and a writer that emits the same bytes as the Python encoder (u-msgpack-python: always the
// shortest form, bytes always as bin). Neither allocates. A declared length never drives a loop or
// an allocation: declaring more than the bytes available is `truncated`. Nesting is bounded by
// nesting_max, without recursion. docs/WIRE.md; msgpack specification, 2013 and later.
#pragma once

#include <cstdint>
#include <optional>

#include "node/wire/message.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"

namespace xord::msgpack {

// A Python node accepts about 330 levels; no message of the dialect needs more than four.
constexpr uint32_t nesting_max = 32;

enum class Type : uint8_t { nil, boolean, integer, floating, text, binary, array, map, extension };

// The type of an element that begins with `code`; nil for c1, which begins no element.
constexpr Type type_of(uint8_t code);

// The head of one element. Scalars are complete; text, binary and extension carry their bytes; the
// `size` elements of an array, or pairs of elements of a map, come next.
struct Element {
  Type type{};
  bool truth = false;        // boolean.
  bool is_negative = false;  // integer: if set, `bits` is two's complement.
  uint64_t bits = 0;         // integer; floating: the bits of a double.
  uint32_t size = 0;         // array: elements; map: pairs.
  Bytes bytes;               // text, binary, extension (without its type code).
};

// A cursor whose error sticks: read everything, then check once whether it was all there. After an
// error every element read is nil.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  // The next element; for an array or map only its head. Text is checked to be UTF-8.
  Element next();
  // Skips one whole element, however nested, and returns its bytes as received.
  Bytes skip();
  // Whether the next element is an array (a map) of exactly `size`; skips its head.
  bool enters_array(uint32_t size);

  ParseError error() const { return error_; }
  bool failed() const { return error_ != ParseError::none; }
  void fail(ParseError error);
  Bytes rest() const {
    DCHECK(at_ <= bytes_.size());
    return bytes_.subspan(at_);
  }

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
  size_t size() const {
    DCHECK(at_ <= out_.size());
    return overflowed_ ? 0 : at_;
  }

 private:
  void head(uint8_t code, uint64_t value, size_t size);

  MutableBytes out_;
  size_t at_ = 0;
  bool overflowed_ = false;
};

}  // namespace xord::msgpack
