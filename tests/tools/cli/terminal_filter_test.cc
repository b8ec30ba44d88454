// What a terminal receives of foreign text.
#include "tools/cli/terminal_filter.h"

#include <gtest/gtest.h>

#include <ostream>
#include <sstream>
#include <string>

namespace xord {
namespace {

using CarriageReturn = TerminalFilter::CarriageReturn;

TEST(TerminalFilter, LetsLinesPassAndACarriageReturnWhereItIsMeant) {
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

TEST(TerminalFilter, SeesCharactersThatComeInPieces) {
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

TEST(TerminalFilter, SaysWhenItsTargetCannotBeWritten) {
  class Full : public std::streambuf {
  } full;
  TerminalFilter filter(&full, CarriageReturn::escaped);
  std::ostream out(&filter);
  out << "text";
  EXPECT_FALSE(out);
}

}  // namespace
}  // namespace xord
