#include "node/server/log/log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

namespace xord {
namespace {

std::string logged(LogLevel level, LogFormat format, const std::function<void(Log&)>& write) {
  testing::internal::CaptureStderr();
  {
    Log log(level, format);
    write(log);
  }
  return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesALineOfTextWithTimeLevelAndFields) {
  const std::string line = logged(LogLevel::info, LogFormat::text, [](Log& log) {
    log.write(LogLevel::warning, "it rains",
              {{"where", "here"}, {"why", "it \"pours\""}, {"drops", 3}});
  });
  const std::regex expected(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning it rains )"
                            R"(where=here why="it \\"pours\\"" drops=3\n)");
  EXPECT_TRUE(std::regex_match(line, expected)) << line;
}

TEST(Log, WritesOneJsonObjectALine) {
  const std::string lines = logged(LogLevel::info, LogFormat::json, [](Log& log) {
    log.write(LogLevel::info, "a \"quoted\" \n word", {{"list", {1, 2}}});
    log.write(LogLevel::error, "second");
  });
  std::istringstream in(lines);
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  const auto first = nlohmann::json::parse(line);
  EXPECT_EQ(first["message"], "a \"quoted\" \n word");
  EXPECT_EQ(first["level"], "info");
  EXPECT_EQ(first["list"], nlohmann::json({1, 2}));
  ASSERT_TRUE(std::getline(in, line));
  EXPECT_EQ(nlohmann::json::parse(line)["level"], "error");
  EXPECT_FALSE(std::getline(in, line));
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  const auto write = [](Log& log) {
    log.write(LogLevel::info, "quiet");
    log.write(LogLevel::error, "loud");
  };
  const std::string some = logged(LogLevel::warning, LogFormat::text, write);
  EXPECT_EQ(some.find("quiet"), std::string::npos);
  EXPECT_NE(some.find("loud"), std::string::npos);
  EXPECT_EQ(logged(LogLevel::off, LogFormat::text, write), "");
}

TEST(Log, LetsNoMessageForgeALineOrBreakOne) {
  const std::string text = logged(LogLevel::info, LogFormat::text, [](Log& log) {
    log.write(LogLevel::info, "name\n2026-01-01T00:00:00.000Z error forged\x1b[31m {}");
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("{}"), std::string::npos);
  EXPECT_NE(text.find("name\\n2026"), std::string::npos) << text;
  const std::string json = logged(LogLevel::info, LogFormat::json, [](Log& log) {
    log.write(LogLevel::info, "not UTF-8: \xff\xfe");
  });
  EXPECT_TRUE(nlohmann::json::accept(json)) << json;
}

// CSI as one character, and the mark that reverses what follows: a host name may have both.
TEST(Log, EscapesWhatUnicodeHasForControlCharacters) {
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    const std::string line = logged(LogLevel::info, format, [](Log& log) {
      log.write(LogLevel::info, "asked \u009b31m", {{"host", "a\u202eb"}});
    });
    EXPECT_EQ(line.find("\u009b"), std::string::npos) << line;
    EXPECT_EQ(line.find("\u202e"), std::string::npos) << line;
    EXPECT_NE(line.find("\\u202e"), std::string::npos) << line;
  }
}

TEST(Log, QuotesTextThatCouldBeTakenForSomethingElse) {
  const std::string line = logged(LogLevel::info, LogFormat::text, [](Log& log) {
    log.write(LogLevel::info, "fields", {{"empty", ""}, {"address", "[::1]:8468"}, {"x", "a=b"}});
  });
  EXPECT_NE(line.find(R"(fields empty="" address=[::1]:8468 x="a=b")"), std::string::npos) << line;
}

TEST(Log, KeepsTheLinesThatItWrote) {
  testing::internal::CaptureStderr();
  Log log(LogLevel::info, LogFormat::text);
  log.write(LogLevel::info, "kept", {{"a", 1}});
  log.write(LogLevel::debug, "below the level");
  testing::internal::GetCapturedStderr();
  const auto lines = log.last_lines().lines(LogLevel::debug, 0, 10);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].message, "kept");
  EXPECT_EQ(lines[0].fields, R"({"a":1})");
  EXPECT_GT(lines[0].at, seconds(0));
}

TEST(Log, SaysAtItsEndHowManyLinesItLeftOut) {
  const std::string lines = logged(LogLevel::info, LogFormat::text, [](Log& log) {
    for (int i = 0; i < 100; ++i) log.write(LogLevel::info, "again");
    for (int i = 0; i < 10; ++i) log.write_each(LogLevel::info, "asked for");
    for (int i = 0; i < 100; ++i) log.write(LogLevel::debug, "below the level");
    EXPECT_EQ(log.limited_count(), 95u);
  });
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 5 + 10 + 1) << lines;
  EXPECT_NE(lines.find("lines left out of=again count=95"), std::string::npos) << lines;
}

}  // namespace
}  // namespace xord
