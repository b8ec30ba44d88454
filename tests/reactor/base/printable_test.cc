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

}  // namespace
}  // namespace xord
