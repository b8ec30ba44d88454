// Rules and properties of the msgpack reader and writer.
#include "node/wire/rpcudp/msgpack.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "reactor/base/hex.h"
#include "reactor/base/rng.h"

namespace xord::msgpack {
namespace {

using Octets = std::vector<uint8_t>;

Octets octets(std::string_view hex) {
  return *from_hex(hex);
}

// Borrows from `bytes`.
Element first(const Octets& bytes) {
  Reader in(bytes);
  const Element element = in.next();
  EXPECT_FALSE(in.failed());
  return element;
}

template <class Write>
std::string written(Write&& write) {
  Octets buffer(70'000);
  Writer out(buffer);
  write(out);
  return to_hex(Bytes(buffer).first(out.size()));
}

TEST(MsgpackReader, TakesAnIntegerInEveryWidth) {
  for (const char* five : {"05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005",
                           "d10005", "d200000005", "d30000000000000005"}) {
    const Element element = first(octets(five));
    EXPECT_EQ(element.type, Type::integer) << five;
    EXPECT_FALSE(element.is_negative) << five;
    EXPECT_EQ(element.bits, 5u) << five;
  }
  for (const char* minus_two : {"fe", "d0fe", "d1fffe", "d2fffffffe", "d3fffffffffffffffe"}) {
    const Element element = first(octets(minus_two));
    EXPECT_EQ(element.type, Type::integer) << minus_two;
    EXPECT_TRUE(element.is_negative) << minus_two;
    EXPECT_EQ(static_cast<int64_t>(element.bits), -2) << minus_two;
  }
  EXPECT_FALSE(first(octets("cfffffffffffffffff")).is_negative);
  EXPECT_EQ(first(octets("d38000000000000000")).bits, uint64_t{1} << 63);
}

TEST(MsgpackReader, WidensASingleFloat) {
  EXPECT_EQ(std::bit_cast<double>(first(octets("ca3fc00000")).bits), 1.5);
  EXPECT_EQ(std::bit_cast<double>(first(octets("cb3ff8000000000000")).bits), 1.5);
}

TEST(MsgpackReader, TakesTextBytesAndExtensionsInEveryWidth) {
  for (const char* text : {"a161", "d90161", "da000161", "db0000000161"}) {
    const Octets packed = octets(text);
    const Element element = first(packed);
    EXPECT_EQ(element.type, Type::text) << text;
    EXPECT_EQ(text_of(element.bytes), "a") << text;
  }
  for (const char* bytes : {"c40161", "c5000161", "c60000000161"}) {
    const Octets packed = octets(bytes);
    const Element element = first(packed);
    EXPECT_EQ(element.type, Type::binary) << bytes;
    EXPECT_EQ(text_of(element.bytes), "a") << bytes;
  }
  for (const char* extension : {"d40561", "c7010561", "c800010561", "c9000000010561"}) {
    const Octets packed = octets(extension);
    const Element element = first(packed);
    EXPECT_EQ(element.type, Type::extension) << extension;
    EXPECT_EQ(text_of(element.bytes), "a") << extension;
  }
  EXPECT_EQ(first(octets("d80500112233445566778899aabbccddeeff")).bytes.size(), 16u);
}

TEST(MsgpackReader, TakesContainersInEveryWidth) {
  for (const char* array : {"92c0c0", "dc0002c0c0", "dd00000002c0c0"}) {
    const Element element = first(octets(array));
    EXPECT_EQ(element.type, Type::array) << array;
    EXPECT_EQ(element.size, 2u) << array;
  }
  for (const char* map : {"8101c0", "de000101c0", "df0000000101c0"}) {
    const Element element = first(octets(map));
    EXPECT_EQ(element.type, Type::map) << map;
    EXPECT_EQ(element.size, 1u) << map;
  }
}

TEST(MsgpackReader, TheFirstErrorSticks) {
  const Octets bytes = octets("c1ff05");
  Reader in(bytes);
  EXPECT_EQ(in.next().type, Type::nil);
  EXPECT_EQ(in.error(), ParseError::bad_code);
  EXPECT_EQ(in.next().type, Type::nil);  // Not 5.
  in.fail(ParseError::bad_reply);
  EXPECT_TRUE(in.skip().empty());
  EXPECT_FALSE(in.enters_array(0));
  EXPECT_EQ(in.error(), ParseError::bad_code);
}

TEST(MsgpackReader, WhatIsDeclaredBeyondTheBytesIsTruncatedBeforeAnythingIsRead) {
  for (const char* head :
       {"c6ffffffff", "dbffffffff", "c9ffffffff05", "ddffffffff", "dfffffffff", "dc0002c0",
        "de000101", "91", "81c0", "a161a2", "cd00", "cb00", "d8", "c7"}) {
    const Octets bytes = octets(head);
    Reader in(bytes);
    while (!in.failed()) in.next();
    EXPECT_EQ(in.error(), ParseError::truncated) << head;
    Reader skipping(bytes);
    while (!skipping.failed()) skipping.skip();
    EXPECT_EQ(skipping.error(), ParseError::truncated) << head;
  }
}

TEST(MsgpackReader, SkipsWhateverIsNestedAndReturnsItsBytes) {
  const Octets bytes = octets("9381a16192c0cb3ff80000000000008001");
  const Octets more = octets("9381a16192c0cb3ff8000000000000800142");
  Reader in(more);
  EXPECT_TRUE(equal(in.skip(), bytes));
  EXPECT_EQ(in.next().bits, 0x42u);
  EXPECT_TRUE(in.rest().empty());
  EXPECT_FALSE(in.failed());
}

TEST(MsgpackReader, SkipsToTheDepthThatIsAllowedAndNoFurther) {
  for (const uint8_t container : {uint8_t{0x91}, uint8_t{0x81}}) {
    for (const uint32_t depth : {nesting_max, nesting_max + 1}) {
      Octets bytes;
      for (uint32_t i = 0; i < depth; ++i) {
        bytes.push_back(container);
        if (container == 0x81) bytes.push_back(0xc0);  // The key.
      }
      bytes.push_back(0xc0);
      Reader in(bytes);
      EXPECT_EQ(in.skip().size(), depth == nesting_max ? bytes.size() : 0);
      EXPECT_EQ(in.error(), depth == nesting_max ? ParseError::none : ParseError::too_deep);
    }
  }
}

TEST(MsgpackReader, ATypeIsKnownByItsFirstByte) {
  for (uint32_t code = 0; code < 256; ++code) {
    Octets bytes(300);  // Zeros: enough for any size that a code declares.
    bytes[0] = static_cast<uint8_t>(code);
    Reader in(bytes);
    const Element element = in.next();
    ASSERT_EQ(in.failed(), code == 0xc1) << code;
    EXPECT_EQ(element.type, type_of(bytes[0])) << code;
  }
}

TEST(MsgpackWriter, EmitsTheShortestIntegers) {
  const auto u = [](uint64_t value) {
    return written([&](Writer& out) { out.unsigned_integer(value); });
  };
  const auto i = [](int64_t value) {
    return written([&](Writer& out) { out.signed_integer(value); });
  };
  EXPECT_EQ(u(0x7f), "7f");
  EXPECT_EQ(u(0x80), "cc80");
  EXPECT_EQ(u(0xff), "ccff");
  EXPECT_EQ(u(0x100), "cd0100");
  EXPECT_EQ(u(0x10000), "ce00010000");
  EXPECT_EQ(u(0x100000000), "cf0000000100000000");
  EXPECT_EQ(i(5), "05");
  EXPECT_EQ(i(-32), "e0");
  EXPECT_EQ(i(-33), "d0df");
  EXPECT_EQ(i(-129), "d1ff7f");
  EXPECT_EQ(i(-32769), "d2ffff7fff");
  EXPECT_EQ(i(-2147483649), "d3ffffffff7fffffff");
}

// The length of the head of `size` bytes of text, bytes, and of arrays and maps of that size.
TEST(MsgpackWriter, EmitsTheShortestHeads) {
  const auto head = [](auto write) { return written(write).substr(0, 10); };
  const Octets zeros(66'000, 'a');
  const auto text = [&](size_t size) {
    return head([&](Writer& out) { out.text(Bytes(zeros).first(size)); });
  };
  const auto binary = [&](size_t size) {
    return head([&](Writer& out) { out.binary(Bytes(zeros).first(size)); });
  };
  const auto array = [&](uint32_t size) { return written([&](Writer& out) { out.array(size); }); };
  const auto map = [&](uint32_t size) { return written([&](Writer& out) { out.map(size); }); };
  EXPECT_EQ(text(0), "a0");
  EXPECT_EQ(text(31), "bf61616161");
  EXPECT_EQ(text(32), "d920616161");
  EXPECT_EQ(text(256), "da01006161");
  EXPECT_EQ(text(65'536), "db00010000");
  EXPECT_EQ(binary(0), "c400");
  EXPECT_EQ(binary(255), "c4ff616161");
  EXPECT_EQ(binary(256), "c501006161");
  EXPECT_EQ(binary(65'536), "c600010000");
  EXPECT_EQ(array(15), "9f");
  EXPECT_EQ(array(16), "dc0010");
  EXPECT_EQ(array(65'536), "dd00010000");
  EXPECT_EQ(map(15), "8f");
  EXPECT_EQ(map(16), "de0010");
  EXPECT_EQ(map(65'536), "df00010000");
}

TEST(MsgpackWriter, WhatDoesNotFitIsNotWrittenAndTheSizeIsZero) {
  Octets buffer(4, 0xee);
  Writer out(MutableBytes(buffer).first(3));
  out.byte(1);
  out.text(bytes_of("abc"));  // Four bytes for two.
  out.byte(2);
  EXPECT_EQ(out.size(), 0u);
  EXPECT_EQ(buffer[3], 0xee);
}

// Whether Python would accept it: from the Unicode standard's definition, not its table.
bool is_utf8_by_decoding(Bytes text) {
  size_t at = 0;
  while (at < text.size()) {
    const uint8_t lead = text[at];
    const size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
    if (size == 4 && lead >> 3 != 30) return false;
    if (at + size > text.size()) return false;
    uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
    for (size_t i = 1; i < size; ++i) {
      if (text[at + i] >> 6 != 2) return false;
      point = point << 6 | (text[at + i] & 0x3f);
    }
    constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
      return false;
    }
    at += size;
  }
  return true;
}

TEST(Utf8, EveryTextOfUpToThreeBytesAgreesWithTheDefinition) {
  for (uint32_t first_two = 0; first_two < 0x10000; ++first_two) {
    uint8_t text[3] = {static_cast<uint8_t>(first_two >> 8), static_cast<uint8_t>(first_two), 0x80};
    for (const size_t size : {1u, 2u, 3u}) {
      ASSERT_EQ(is_utf8(Bytes(text).first(size)), is_utf8_by_decoding(Bytes(text).first(size)))
          << to_hex(text) << " " << size;
    }
  }
}

TEST(Utf8, RandomTextAgreesWithTheDefinition) {
  constexpr uint8_t telling[] = {0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
                                 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff, 'a'};
  int valid = 0;
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    Rng rng(seed);
    Octets text(rng.bounded(70), 'a');
    // A few bytes at random places of text that is otherwise ASCII: words of eight and 32 are
    // skipped.
    const size_t at = text.empty() ? 0 : rng.bounded(text.size());
    for (size_t i = at; i < text.size() && i < at + 4; ++i) {
      text[i] = telling[rng.bounded(std::size(telling))];
    }
    ASSERT_EQ(is_utf8(text), is_utf8_by_decoding(text)) << "seed " << seed;
    valid += is_utf8(text);
  }
  EXPECT_GT(valid, 400);
}

// Whole trees of elements, written and read again.
class RandomTree {
 public:
  explicit RandomTree(uint64_t seed) : rng_(seed) {}

  // Writes one element in random encodings, nested at most `depth` deep.
  void write(uint32_t depth, Octets* out) {
    const uint64_t kind = rng_.bounded(depth == 0 ? 5 : 7);
    const uint64_t size = rng_.bounded(4);
    if (kind < 2) {
      head(kind == 0 ? 0xcc : 0xd0, rng_.bounded(4), rng_.next(), out);
    } else if (kind < 5) {
      const uint64_t width = rng_.bounded(3);
      head(kind == 2 ? 0xc4 : kind == 3 ? 0xc7 : 0xd9, width, size, out);
      out->insert(out->end(), size + (kind == 3 ? 1 : 0), 'x');
    } else {
      head(kind == 5 ? 0xdc : 0xde, 1 + rng_.bounded(2), size, out, 1);
      for (uint64_t i = 0; i < size * (kind == 5 ? 1 : 2); ++i) write(depth - 1, out);
    }
  }

 private:
  // `code` + `width` - `narrowest`, and `value` in 2^width bytes.
  void head(uint8_t code, uint64_t width, uint64_t value, Octets* out, uint64_t narrowest = 0) {
    out->push_back(static_cast<uint8_t>(code + width - narrowest));
    for (uint64_t left = uint64_t{1} << width; left > 0; --left) {
      out->push_back(static_cast<uint8_t>(value >> 8 * (left - 1)));
    }
  }

  Rng rng_;
};

TEST(MsgpackReader, AnyTreeIsSkippedWholeAndAnyStrictPrefixOfItIsTruncated) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Octets tree;
    RandomTree(seed).write(5, &tree);
    Reader whole(tree);
    ASSERT_EQ(whole.skip().size(), tree.size());
    ASSERT_EQ(whole.error(), ParseError::none);
    for (size_t size = 0; size < tree.size(); ++size) {
      const Octets cut(tree.begin(), tree.begin() + static_cast<std::ptrdiff_t>(size));
      Reader in(cut);
      in.skip();
      ASSERT_EQ(in.error(), ParseError::truncated) << size;
    }
  }
}

}  // namespace
}  // namespace xord::msgpack
