#include "node/wire/rpcudp/msgpack.h"

#include <array>
#include <bit>

namespace xord::msgpack {

void Reader::fail(ParseError error) {
  DCHECK(error != ParseError::none && error < ParseError::count);
  if (error_ == ParseError::none) error_ = error;
}

Bytes Reader::take(size_t size) {
  DCHECK(at_ <= bytes_.size());
  if (failed() || size > bytes_.size() - at_) {
    fail(ParseError::truncated);
    return {};
  }
  const Bytes taken = bytes_.subspan(at_, size);
  at_ += size;
  return taken;
}

uint64_t Reader::big_endian(size_t size) {
  DCHECK(size >= 1 && size <= sizeof(uint64_t));
  uint64_t value = 0;
  for (const uint8_t byte : take(size)) value = value << 8 | byte;
  return value;
}

Element Reader::sized(Type type, uint64_t size) {
  DCHECK(type == Type::text || type == Type::binary || type == Type::extension);
  Element element;
  element.type = type;
  element.bytes = take(size);
  if (type == Type::text && !failed() && !is_utf8(element.bytes)) fail(ParseError::bad_text);
  return element;
}

Element Reader::container(Type type, uint64_t size) {
  DCHECK(type == Type::array || type == Type::map);
  DCHECK(size <= UINT32_MAX);  // So that twice as many cannot overflow.
  // Each element takes at least a byte: a count that cannot be met is refused at once.
  const uint64_t needed = type == Type::map ? size * 2 : size;
  if (failed() || needed > bytes_.size() - at_) fail(ParseError::truncated);
  Element element;
  element.type = type;
  element.size = failed() ? 0 : static_cast<uint32_t>(size);
  return element;
}

Element Reader::extension(uint64_t size) {
  take(1);  // The extension's type code.
  return sized(Type::extension, size);
}

Element Reader::wide(uint8_t code) {
  DCHECK(code >= 0xc0 && code < 0xe0);
  Element element;
  element.type = Type::integer;
  switch (code) {
    case 0xc0:
      element.type = Type::nil;
      return element;
    case 0xc2:
    case 0xc3:
      element.type = Type::boolean;
      element.truth = code == 0xc3;
      return element;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return sized(Type::binary, big_endian(size_t{1} << (code - 0xc4)));
    case 0xc7:
    case 0xc8:
    case 0xc9:
      return extension(big_endian(size_t{1} << (code - 0xc7)));
    case 0xca: {
      element.type = Type::floating;
      const auto single = std::bit_cast<float>(static_cast<uint32_t>(big_endian(4)));
      element.bits = std::bit_cast<uint64_t>(static_cast<double>(single));
      return element;
    }
    case 0xcb:
      element.type = Type::floating;
      element.bits = big_endian(8);
      return element;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      element.bits = big_endian(size_t{1} << (code - 0xcc));
      return element;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: {
      const size_t size = size_t{1} << (code - 0xd0);
      const auto shift = static_cast<int>(64 - 8 * size);
      element.bits =
          static_cast<uint64_t>(static_cast<int64_t>(big_endian(size) << shift) >> shift);
      element.is_negative = static_cast<int64_t>(element.bits) < 0;
      return element;
    }
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return extension(uint64_t{1} << (code - 0xd4));
    case 0xd9:
    case 0xda:
    case 0xdb:
      return sized(Type::text, big_endian(size_t{1} << (code - 0xd9)));
    case 0xdc:
    case 0xdd:
      return container(Type::array, big_endian(size_t{2} << (code - 0xdc)));
    case 0xde:
    case 0xdf:
      return container(Type::map, big_endian(size_t{2} << (code - 0xde)));
    default:
      fail(ParseError::bad_code);
      return {};
  }
}

Element Reader::next() {
  const Bytes head = take(1);
  if (head.empty()) return {};
  const uint8_t code = head[0];
  Element element;
  if (code < 0x80) {
    element.type = Type::integer;
    element.bits = code;
  } else if (code < 0x90) {
    element = container(Type::map, code & 0x0f);
  } else if (code < 0xa0) {
    element = container(Type::array, code & 0x0f);
  } else if (code < 0xc0) {
    element = sized(Type::text, code & 0x1f);
  } else if (code < 0xe0) {
    element = wide(code);
  } else {
    element.type = Type::integer;
    element.is_negative = true;
    element.bits = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(code)));
  }
  return failed() ? Element{} : element;
}

Bytes Reader::skip() {
  const size_t begin = at_;
  std::array<uint64_t, nesting_max + 1> left;  // Elements still to skip, one count per level.
  size_t depth = 0;
  left[0] = 1;
  while (!failed()) {
    if (left[depth] == 0) {
      if (depth == 0) break;
      --depth;
      continue;
    }
    --left[depth];
    const Element element = next();
    const bool is_container = element.type == Type::array || element.type == Type::map;
    if (!is_container || element.size == 0) continue;
    if (depth == nesting_max) {
      fail(ParseError::too_deep);
      break;
    }
    left[++depth] = uint64_t{element.size} * (element.type == Type::map ? 2 : 1);
  }
  DCHECK(failed() || at_ > begin);  // Callers read the first byte of what was skipped.
  return failed() ? Bytes{} : bytes_.subspan(begin, at_ - begin);
}

bool Reader::enters_array(uint32_t size) {
  const Element element = next();
  return !failed() && element.type == Type::array && element.size == size;
}

namespace {

// Length of the UTF-8 sequence at the front of `text`, which is not empty; 0 if it is malformed.
// Unicode 15, table 3-7: the second byte's range depends on the first.
size_t sequence_size(Bytes text) {
  DCHECK(!text.empty());
  const uint8_t first = text[0];
  const size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  const uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (text[1] < low || text[1] > high) return 0;
  for (size_t i = 2; i < size; ++i) {
    if ((text[i] & 0xc0) != 0x80) return 0;
  }
  return size;
}

// Whether `text` begins with `size` ASCII characters. `size` is a multiple of 8.
template <size_t size>
bool is_ascii(Bytes text) {
  static_assert(size > 0 && size % sizeof(uint64_t) == 0);
  if (text.size() < size) return false;
  uint64_t seen = 0;
  for (size_t at = 0; at < size; at += 8) seen |= load_le<uint64_t>(&text[at]);
  return (seen & 0x8080808080808080u) == 0;
}

}  // namespace

bool is_utf8(Bytes text) {
  while (!text.empty()) {
    if (is_ascii<32>(text)) {
      text = text.subspan(32);
    } else if (is_ascii<8>(text)) {
      text = text.subspan(8);
    } else if (text[0] < 0x80) {
      text = text.subspan(1);
    } else {
      const size_t size = sequence_size(text);
      if (size == 0) return false;
      text = text.subspan(size);
    }
  }
  return true;
}

void Writer::byte(uint8_t value) {
  raw({&value, 1});
}

void Writer::raw(Bytes bytes) {
  DCHECK(at_ <= out_.size());
  if (bytes.size() > out_.size() - at_) {
    overflowed_ = true;
    return;
  }
  if (!bytes.empty()) std::memcpy(out_.data() + at_, bytes.data(), bytes.size());
  at_ += bytes.size();
}

void Writer::head(uint8_t code, uint64_t value, size_t size) {
  DCHECK(std::has_single_bit(size) && size <= sizeof value);
  uint8_t bytes[9];
  bytes[0] = code;
  for (size_t i = 0; i < size; ++i)
    bytes[1 + i] = static_cast<uint8_t>(value >> 8 * (size - 1 - i));
  raw({bytes, 1 + size});
}

void Writer::unsigned_integer(uint64_t value) {
  if (value < 0x80) return byte(static_cast<uint8_t>(value));
  if (value <= 0xff) return head(0xcc, value, 1);
  if (value <= 0xffff) return head(0xcd, value, 2);
  if (value <= 0xffffffff) return head(0xce, value, 4);
  head(0xcf, value, 8);
}

void Writer::signed_integer(int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  if (value >= 0) return unsigned_integer(bits);
  if (value >= -32) return byte(static_cast<uint8_t>(bits));
  if (value >= INT8_MIN) return head(0xd0, bits, 1);
  if (value >= INT16_MIN) return head(0xd1, bits, 2);
  if (value >= INT32_MIN) return head(0xd2, bits, 4);
  head(0xd3, bits, 8);
}

void Writer::floating(double value) {
  head(0xcb, std::bit_cast<uint64_t>(value), 8);
}

void Writer::text(Bytes utf8) {
  if (utf8.size() < 32) {
    byte(static_cast<uint8_t>(0xa0 | utf8.size()));
  } else if (utf8.size() <= 0xff) {
    head(0xd9, utf8.size(), 1);
  } else if (utf8.size() <= 0xffff) {
    head(0xda, utf8.size(), 2);
  } else {
    head(0xdb, utf8.size(), 4);
  }
  raw(utf8);
}

void Writer::binary(Bytes bytes) {
  if (bytes.size() <= 0xff) {
    head(0xc4, bytes.size(), 1);
  } else if (bytes.size() <= 0xffff) {
    head(0xc5, bytes.size(), 2);
  } else {
    head(0xc6, bytes.size(), 4);
  }
  raw(bytes);
}

void Writer::array(uint32_t size) {
  if (size < 16) return byte(static_cast<uint8_t>(0x90 | size));
  if (size <= 0xffff) return head(0xdc, size, 2);
  head(0xdd, size, 4);
}

void Writer::map(uint32_t size) {
  if (size < 16) return byte(static_cast<uint8_t>(0x80 | size));
  if (size <= 0xffff) return head(0xde, size, 2);
  head(0xdf, size, 4);
}

}  // namespace xord::msgpack
