// Foreign text, made safe to show.
#include "reactor/base/printable.h"

#include <gtest/gtest.h>

#include <string>

namespace xord {
namespace {

TEST(Printable, EscapesEveryControlCharacterAndNothingElse) {
  for (int byte = 0; byte < 0x80; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    const bool is_control = byte < 0x20 || byte == 0x7f;
    EXPECT_EQ(printable(text) != text, is_control) << byte;
    for (const char c : printable(text)) EXPECT_GE(c, 0x20);
  }
  EXPECT_EQ(printable("\x1b[2Jgone"), "\\x1b[2Jgone");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable(std::string("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(printable("C:\\x1b"), "C:\\x1b");
  EXPECT_EQ(printable("gr\u00fc\u00df dich, \u4f60\u597d \U0001f600"),
            "gr\u00fc\u00df dich, \u4f60\u597d \U0001f600");
}

TEST(Printable, EscapesWhatUnicodeHasForControlCharacters) {
  EXPECT_EQ(printable("\u009b2J"), "\\xc2\\x9b2J");       // CSI in one character.
  EXPECT_EQ(printable("a\u202eb"), "a\\xe2\\x80\\xaeb");  // Right to left from here on.
  EXPECT_EQ(printable("a\u2066b\ufeff"), "a\\xe2\\x81\\xa6b\\xef\\xbb\\xbf");
}

TEST(Printable, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\x9b"
                      "2J"),
            "\\x9b2J");                                     // CSI in Latin-1.
  EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");           // An overlong form of ESC.
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // A surrogate.
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xe4\xbd"), "\\xe4\\xbd");  // Truncated.
  EXPECT_EQ(printable("\xc3"
                      "A"),
            "\\xc3"
            "A");
}

std::string utf8(uint32_t code) {
  const auto byte = [](uint32_t bits) { return static_cast<char>(bits); };
  const auto tail = [&](uint32_t shift) { return byte(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xc0 | code >> 6), tail(0)};
  if (code < 0x10000) return {byte(0xe0 | code >> 12), tail(6), tail(0)};
  return {byte(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

TEST(Printable, KnowsTheControlCharactersOfUnicodeToTheLast) {
  struct Range {
    uint32_t first;
    uint32_t last;
  };
  for (const Range& range : {Range{0x7f, 0x9f}, Range{0x200b, 0x200f}, Range{0x2028, 0x202e},
                             Range{0x2060, 0x2069}, Range{0xfeff, 0xfeff}}) {
    for (uint32_t code = range.first; code <= range.last; ++code) {
      EXPECT_NE(printable(utf8(code)), utf8(code)) << std::hex << code;
    }
    EXPECT_EQ(printable(utf8(range.first - 1)), utf8(range.first - 1)) << std::hex << range.first;
    EXPECT_EQ(printable(utf8(range.last + 1)), utf8(range.last + 1)) << std::hex << range.last;
  }
}

TEST(Printable, ShowsTheFirstAndTheLastCharacterOfEachLength) {
  for (const uint32_t code :
       {0x20u, 0x7eu, 0xa0u, 0x7ffu, 0x800u, 0xd7ffu, 0xe000u, 0xffffu, 0x10000u, 0x10ffffu}) {
    EXPECT_EQ(printable(utf8(code)), utf8(code)) << std::hex << code;
  }
  for (const uint32_t code : {0xd800u, 0xdfffu, 0x110000u}) {
    EXPECT_NE(printable(utf8(code)), utf8(code)) << std::hex << code;
  }
  EXPECT_EQ(printable("\xe0\x9f\xbf"), "\\xe0\\x9f\\xbf") << "U+07FF in three bytes";
  EXPECT_EQ(printable("\xf0\x8f\xbf\xbf"), "\\xf0\\x8f\\xbf\\xbf") << "U+FFFF in four";
  EXPECT_EQ(printable("\xc1\xbf"), "\\xc1\\xbf") << "U+007F in two";
}

TEST(Printable, TakesFromAStreamWhatIsComplete) {
  std::string_view text = "a\n\x1b\u00fc\xe4\xbd";
  EXPECT_EQ(take_printable(text, "\n"), "a\n\\x1b\u00fc");
  EXPECT_EQ(text, "\xe4\xbd") << "the rest may come";
  text =
      "\xe4"
      "A";
  EXPECT_EQ(take_printable(text, ""),
            "\\xe4"
            "A")
      << "this one cannot become valid";
  EXPECT_TRUE(text.empty());
}

TEST(Printable, InJsonEscapesStayPartOfTheString) {
  EXPECT_EQ(escape_controls_in_json("{\"a\":\"\u009b2J\u202e\ufeff\"}"),
            "{\"a\":\"\\u009b2J\\u202e\\ufeff\"}");
  EXPECT_EQ(escape_controls_in_json("\x7f"), "\\u007f");
  EXPECT_EQ(escape_controls_in_json("{\"\u00fc\\n\U0001f600\":1.5}"),
            "{\"\u00fc\\n\U0001f600\":1.5}");
}

}  // namespace
}  // namespace xord
