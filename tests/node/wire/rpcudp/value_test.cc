// Rules of typed values: packed, read, shown, and parsed from text.
#include "node/wire/rpcudp/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reactor/base/hex.h"
#include "reactor/base/rng.h"
#include "tests/golden/vectors.h"

namespace xord {
namespace {

using golden::same;
using Octets = std::vector<uint8_t>;

std::string packed(const Value& value) {
  const auto bytes = encode_value(value);
  return bytes ? to_hex(*bytes) : "none";
}

std::optional<Value> decoded(std::string_view hex) {
  return decode_value(*from_hex(hex));
}

std::optional<Value> meant(std::string_view text, std::string_view type) {
  const auto parsed = parse_value(text, type);
  const auto* value = std::get_if<Value>(&parsed);
  return value ? std::optional<Value>(*value) : std::nullopt;
}

std::string sentence(std::string_view text, std::string_view type) {
  const auto parsed = parse_value(text, type);
  const auto* error = std::get_if<ValueError>(&parsed);
  return error ? error->sentence : "";
}

TEST(Value, IsPackedAsThePythonEncoderDoes) {
  EXPECT_EQ(packed(true), "c3");
  EXPECT_EQ(packed(int64_t{-33}), "d0df");
  EXPECT_EQ(packed(std::numeric_limits<uint64_t>::max()), "cfffffffffffffffff");
  EXPECT_EQ(packed(1.5), "cb3ff8000000000000");
  EXPECT_EQ(packed(std::string("a")), "a161");
  EXPECT_EQ(packed(Octets{}), "c400");
}

TEST(Value, TextThatIsNotUtf8CannotBePacked) {
  EXPECT_EQ(packed(std::string("\xed\xa0\x80")), "none");
  EXPECT_EQ(packed(std::string("a\xff")), "none");
}

TEST(Value, TypesAreKeptApart) {
  EXPECT_EQ(decoded("01"), Value(int64_t{1}));
  EXPECT_EQ(decoded("c3"), Value(true));
  EXPECT_EQ(decoded("cb3ff0000000000000"), Value(1.0));
  EXPECT_EQ(decoded("a131"), Value(std::string("1")));
  EXPECT_EQ(decoded("c40131"), Value(Octets{'1'}));
}

TEST(Value, OneIntegerHasOneTypeWhateverItsSpelling) {
  for (const char* five : {"05", "cc05", "cf0000000000000005", "d005", "d30000000000000005"}) {
    EXPECT_EQ(decoded(five), Value(int64_t{5})) << five;
  }
  EXPECT_EQ(decoded("cf7fffffffffffffff"), Value(INT64_MAX));
  EXPECT_EQ(decoded("cf8000000000000000"), Value(uint64_t{1} << 63));
  EXPECT_EQ(decoded("d38000000000000000"), Value(INT64_MIN));
}

TEST(Value, WhatIsNotOneWholeStorableElementIsNoValue) {
  for (const char* other : {"", "c0", "90", "80", "d40500", "c1", "a2", "a1ff", "0505", "05c0"}) {
    EXPECT_EQ(decoded(other), std::nullopt) << other;
  }
}

TEST(Value, AnyValueSurvivesBeingPacked) {
  for (uint64_t seed = 1; seed <= 5'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const uint64_t bits = rng.next() >> rng.bounded(64);
    Octets bytes(rng.bounded(300));
    rng.fill(bytes);
    const std::string text(bytes.size(), static_cast<char>('a' + rng.bounded(26)));
    Value values[] = {bits % 2 == 0, -static_cast<int64_t>(bits >> 1), std::bit_cast<double>(bits),
                      text, bytes};
    for (const Value& value : values) {
      const auto packed_value = encode_value(value);
      ASSERT_TRUE(packed_value);
      const auto again = decode_value(*packed_value);
      ASSERT_TRUE(again);
      EXPECT_TRUE(same(*again, value)) << render_value(value);
    }
  }
}

// The right column is what Python 3.11 prints.
TEST(Value, AFloatIsShownAsPythonShowsIt) {
  const std::pair<double, const char*> cases[] = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {1.0, "1.0"},
      {0.1, "0.1"},
      {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},
      {123456789012345680.0, "1.2345678901234568e+17"},
      {9007199254740993.0, "9007199254740992.0"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {1.5e-7, "1.5e-07"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {3.141592653589793, "3.141592653589793"},
      {INFINITY, "inf"},
      {-INFINITY, "-inf"},
      {NAN, "nan"},
      {-NAN, "nan"},
  };
  for (const auto& [value, expected] : cases) EXPECT_EQ(render_value(value), expected);
}

TEST(Value, IsShownAsAPersonWouldExpectIt) {
  EXPECT_EQ(render_value(true), "true");
  EXPECT_EQ(render_value(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(render_value(UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(render_value(std::string("h\xc3\xa9\nb")), "h\xc3\xa9\nb");
  EXPECT_EQ(render_value(Octets{0, 255}), std::string("\0\xff", 2));
}

TEST(Value, WhatIsShownOfANumberMeansItAgain) {
  for (uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Value number = static_cast<int64_t>(rng.next()) >> rng.bounded(64);
    EXPECT_EQ(meant(render_value(number), "int"), number);
    const auto real = std::bit_cast<double>(rng.next());
    if (std::isnan(real)) continue;
    const auto again = meant(render_value(real), "float");
    ASSERT_TRUE(again);
    EXPECT_TRUE(same(*again, real)) << render_value(real);
  }
}

TEST(Value, TextMeansAValueOfEachType) {
  EXPECT_EQ(meant("", "str"), Value(std::string()));
  EXPECT_EQ(meant("5", "str"), Value(std::string("5")));
  EXPECT_EQ(meant("5", "int"), Value(int64_t{5}));
  EXPECT_EQ(meant("-9223372036854775808", "int"), Value(INT64_MIN));
  EXPECT_EQ(meant("18446744073709551615", "int"), Value(UINT64_MAX));
  EXPECT_EQ(meant("5", "float"), Value(5.0));
  EXPECT_EQ(meant("-inf", "float"), Value(-std::numeric_limits<double>::infinity()));
  EXPECT_TRUE(std::isnan(std::get<double>(*meant("nan", "float"))));
  EXPECT_EQ(meant("true", "bool"), Value(true));
  EXPECT_EQ(meant("False", "bool"), Value(false));
  EXPECT_EQ(meant("ab", "bytes"), Value(Octets{'a', 'b'}));
  EXPECT_EQ(meant("\xff", "bytes"), Value(Octets{0xff}));
  EXPECT_EQ(meant("hex:00fF", "bytes"), Value(Octets{0x00, 0xff}));
  EXPECT_EQ(meant("hex:", "bytes"), Value(Octets{}));
}

TEST(Value, TextOfAnotherTypeIsRefusedWithASentenceThatNamesIt) {
  for (const char* text :
       {"", "5.0", "5x", " 5", "0x10", "18446744073709551616", "-9223372036854775809", "one"}) {
    EXPECT_NE(sentence(text, "int").find("is not an integer"), std::string::npos) << text;
  }
  for (const char* text : {"", "1,5", "one", "1.5 ", "--1"}) {
    EXPECT_NE(sentence(text, "float").find("is not a number"), std::string::npos) << text;
  }
  EXPECT_NE(sentence("yes", "bool").find("is not true or false"), std::string::npos);
  EXPECT_NE(sentence("hex:abc", "bytes").find("hexadecimal"), std::string::npos);
  EXPECT_NE(sentence("hex:zz", "bytes").find("hexadecimal"), std::string::npos);
  EXPECT_NE(sentence("\xff", "str").find("UTF-8"), std::string::npos);
  EXPECT_NE(sentence("5", "list").find("is not a type"), std::string::npos);
}

TEST(Value, TypeNamesAreThoseOfTheFlag) {
  EXPECT_EQ(type_name(true), "bool");
  EXPECT_EQ(type_name(int64_t{1}), "int");
  EXPECT_EQ(type_name(uint64_t{1}), "int");
  EXPECT_EQ(type_name(1.0), "float");
  EXPECT_EQ(type_name(std::string()), "str");
  EXPECT_EQ(type_name(Octets{}), "bytes");
  for (const Value& value : {Value(true), Value(int64_t{1}), Value(int64_t{-100}), Value(1.0),
                             Value(std::string("text")), Value(Octets{1})}) {
    EXPECT_EQ(type_name_of(encode_value(value)->front()), type_name(value));
  }
  EXPECT_EQ(type_name_of(0xc0), "other");
}

}  // namespace
}  // namespace xord
