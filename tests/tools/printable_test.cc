// What a terminal is given of text that others chose.
#include "tools/printable.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "tools/json_text.h"

namespace xord {
namespace {

using CarriageReturn = TerminalFilter::CarriageReturn;

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
            "\\x9b2J");                                     // CSI as Latin-1 has it.
  EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");           // Too long a form of ESC.
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // A surrogate.
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xe4\xbd"), "\\xe4\\xbd");  // Cut.
  EXPECT_EQ(printable("\xc3"
                      "A"),
            "\\xc3"
            "A");
}

TEST(Printable, JsonKeepsItsMeaning) {
  EXPECT_EQ(json_text(nlohmann::json{{"key", "\u009b\x7f\u202e\u00fc\x1b"}}),
            "{\"key\":\"\\u009b\\u007f\\u202e\u00fc\\u001b\"}");
  const std::string text = "\u009b\x7f\u202e\u00fc\x1b\ufeff";
  EXPECT_EQ(nlohmann::json::parse(json_text(nlohmann::json(text))), text);
  EXPECT_EQ(json_text(nlohmann::json("\xff")), "\"\ufffd\"");
}

TEST(Printable, TheFilterLetsLinesPassAndACarriageReturnWhereItIsMeant) {
  for (const CarriageReturn manner : {CarriageReturn::escaped, CarriageReturn::passes}) {
    std::stringbuf target;
    TerminalFilter filter(&target, manner);
    std::ostream out(&filter);
    out << "a\tb\n" << '\r' << "\x1b]0;title\x07" << std::flush;
    const std::string returned = manner == CarriageReturn::passes ? "\r" : "\\r";
    EXPECT_EQ(target.str(), "a\tb\n" + returned + "\\x1b]0;title\\x07");
    EXPECT_TRUE(out);
  }
}

TEST(Printable, TheFilterSeesCharactersThatComeInPieces) {
  const std::string text = "\u00fc\u4f60\U0001f600\u009b";
  for (size_t size = 1; size <= text.size(); ++size) {
    std::stringbuf target;
    TerminalFilter filter(&target, CarriageReturn::escaped);
    std::ostream out(&filter);
    for (size_t at = 0; at < text.size(); at += size) out << text.substr(at, size);
    out.flush();
    EXPECT_EQ(target.str(), "\u00fc\u4f60\U0001f600\\xc2\\x9b");
  }
  std::stringbuf target;
  TerminalFilter filter(&target, CarriageReturn::escaped);
  std::ostream out(&filter);
  out << '\xe4' << std::flush;
  EXPECT_EQ(target.str(), "\\xe4");
}

TEST(Printable, TheFilterSaysWhenItsTargetCannotBeWritten) {
  class Full : public std::streambuf {
  } full;
  TerminalFilter filter(&full, CarriageReturn::escaped);
  std::ostream out(&filter);
  out << "text";
  EXPECT_FALSE(out);
}

}  // namespace
}  // namespace xord
