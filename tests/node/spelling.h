// A request of rpcudp in every spelling that a peer may choose (docs/WIRE.md, "Accepted
// encodings"): each array, text and id with any of the heads that msgpack has for it. For tests
// that must hold for all of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/wire/message.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/base/hex.h"
#include "reactor/base/id.h"

namespace xord::testing {

using Octets = std::vector<uint8_t>;

// Which head each element has, 0 being the shortest.
struct Spelling {
  static constexpr uint8_t array_heads = 3;   // 90, dc, dd
  static constexpr uint8_t text_heads = 4;    // a0, d9, da, db
  static constexpr uint8_t binary_heads = 3;  // c4, c5, c6

  uint8_t call = 0;
  uint8_t name = 0;
  uint8_t arguments = 0;
  uint8_t sender = 0;
  uint8_t target = 0;

  static constexpr Spelling longest() {
    return {array_heads - 1, text_heads - 1, array_heads - 1, binary_heads - 1, binary_heads - 1};
  }
};

inline uint8_t arity_of(Method method) {
  constexpr uint8_t arities[] = {1, 0, 3, 2, 2};
  static_assert(std::size(arities) == static_cast<size_t>(Method::count));
  return arities[static_cast<size_t>(method)];
}

// Writes elements with the heads that are asked for.
class SpelledBytes {
 public:
  void raw(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void array(uint8_t head, uint8_t size) {
    head == 0 ? fixed(0x90, size) : wide(0xdb + head, 2 * head, size);
  }
  void text(uint8_t head, std::string_view text) {
    head == 0 ? fixed(0xa0, text.size()) : wide(0xd8 + head, 1 << (head - 1), text.size());
    raw(bytes_of(text));
  }
  void binary(uint8_t head, Bytes bytes) {
    wide(0xc4 + head, 1 << head, bytes.size());
    raw(bytes);
  }
  const Octets& bytes() const { return bytes_; }

 private:
  void fixed(int code, size_t size) {
    CHECK(size < 16);
    bytes_.push_back(static_cast<uint8_t>(code + static_cast<int>(size)));
  }
  void wide(int code, int size_bytes, size_t size) {
    CHECK(size_bytes == 4 || size < size_t{1} << (8 * size_bytes));
    bytes_.push_back(static_cast<uint8_t>(code));
    for (int at = size_bytes; at-- > 0;) bytes_.push_back(static_cast<uint8_t>(size >> (8 * at)));
  }

  Octets bytes_;
};

// With a transaction of zeros. Of `ask`, the value is written as it is and the age is left out; its
// target may have any size in a store.
inline Octets spelled(const Ask& ask, const Id& sender, const Spelling& spelling, Bytes target) {
  SpelledBytes out;
  out.raw(std::vector<uint8_t>(1 + transaction_size));
  out.array(spelling.call, 2);
  out.text(spelling.name, name_of(ask.method));
  const uint8_t arity = arity_of(ask.method);
  out.array(spelling.arguments, arity);
  if (arity > 0) out.binary(spelling.sender, sender.bytes);
  if (arity > 1) out.binary(spelling.target, target);
  if (arity > 2) out.raw(ask.value);
  return out.bytes();
}
inline Octets spelled(const Ask& ask, const Id& sender, const Spelling& spelling = {}) {
  return spelled(ask, sender, spelling, ask.target.bytes);
}

// Calls visit(const Spelling&) for each that makes a difference to `method`.
template <class Visit>
void for_each_spelling(Method method, Visit&& visit) {
  const uint8_t senders = arity_of(method) > 0 ? Spelling::binary_heads : 1;
  const uint8_t targets = arity_of(method) > 1 ? Spelling::binary_heads : 1;
  Spelling at;
  for (at.call = 0; at.call < Spelling::array_heads; ++at.call) {
    for (at.name = 0; at.name < Spelling::text_heads; ++at.name) {
      for (at.arguments = 0; at.arguments < Spelling::array_heads; ++at.arguments) {
        for (at.sender = 0; at.sender < senders; ++at.sender) {
          for (at.target = 0; at.target < targets; ++at.target) {
            visit(static_cast<const Spelling&>(at));
          }
        }
      }
    }
  }
}

// An element of each code that a value may begin with, and of each that makes a store refused.
inline std::vector<Octets> spelled_values() {
  std::vector<Octets> values;
  for (const char* hex : {"05",
                          "fe",
                          "cc05",
                          "cd0005",
                          "ce00000005",
                          "cf0000000000000005",
                          "d0fe",
                          "d1fffe",
                          "d2fffffffe",
                          "d3fffffffffffffffe",
                          "ca3fc00000",
                          "cb3ff8000000000000",
                          "c2",
                          "c3",
                          "a0",
                          "a161",
                          "d90161",
                          "da000161",
                          "db0000000161",
                          "c400",
                          "c40161",
                          "c5000161",
                          "c60000000161",  // Refused from here on.
                          "c0",
                          "90",
                          "91c0",
                          "dc0001c0",
                          "dd00000001c0",
                          "80",
                          "81c0c0",
                          "de0001c0c0",
                          "df00000001c0c0",
                          "d40561",
                          "d5056161",
                          "d60561616161",
                          "c7010561",
                          "c800010561",
                          "c9000000010561"}) {
    values.push_back(*from_hex(hex));
  }
  return values;
}

// A value of `size` bytes: an integer if it is 1, else bin.
inline Octets value_of_size(size_t size) {
  CHECK(size > 0 && size <= 8192);
  if (size == 1) return {0x05};
  const uint8_t head = size - 2 < 256 ? 0 : 1;
  SpelledBytes out;
  out.binary(head, Octets(size - (head == 0 ? 2 : 3), 'v'));
  CHECK(out.bytes().size() == size);
  return out.bytes();
}

}  // namespace xord::testing
