#include "node/server/log/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <utility>

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

TEST(Log, WritesWhatFollowsAChangeInTheOtherFormatAndLevel) {
  const std::string lines = logged(LogLevel::info, LogFormat::text, [](Log& log) {
    log.write(LogLevel::info, "first");
    log.change(LogLevel::debug, LogFormat::json);
    EXPECT_TRUE(log.is_on(LogLevel::debug));
    log.write(LogLevel::debug, "second", {{"a", 1}});
    log.change(LogLevel::warning, LogFormat::text);
    EXPECT_FALSE(log.is_on(LogLevel::info));
    log.write(LogLevel::info, "below the level");
    log.write_each(LogLevel::info, "below it, too");
    log.write(LogLevel::warning, "third");
  });
  const std::regex expected(R"(\S+Z info first\n)"
                            R"(\{"time":"\S+Z","level":"debug","message":"second","a":1\}\n)"
                            R"(\S+Z warning third\n)");
  EXPECT_TRUE(std::regex_match(lines, expected)) << lines;
}

TEST(Log, SaysWhatItLeftOutOnceTheMinuteIsOverAndNotBefore) {
  const std::string lines = logged(LogLevel::info, LogFormat::text, [](Log& log) {
    for (int i = 0; i < 7; ++i) log.write(LogLevel::info, "again");
    log.report_omitted();
  });
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 5 + 1) << lines;
  EXPECT_TRUE(lines.ends_with(" warning lines left out of=again count=2\n")) << lines;
}

TEST(Log, EachLevelHasANameAndOnlyThose) {
  const std::pair<LogLevel, std::string_view> names[] = {{LogLevel::debug, "debug"},
                                                         {LogLevel::info, "info"},
                                                         {LogLevel::warning, "warning"},
                                                         {LogLevel::error, "error"},
                                                         {LogLevel::off, "off"}};
  for (const auto& [level, name] : names) {
    EXPECT_EQ(name_of(level), name);
    EXPECT_EQ(log_level_of(name), level);
  }
  for (const std::string_view name : {"", "warn", "Info", "infos"}) {
    EXPECT_EQ(log_level_of(name), std::nullopt) << name;
  }
}

TEST(Log, ALevelLetsThoseAboveItThrough) {
  constexpr LogLevel levels[] = {LogLevel::debug, LogLevel::info, LogLevel::warning,
                                 LogLevel::error};
  for (size_t least = 0; least < std::size(levels); ++least) {
    const Log log(levels[least], LogFormat::text);
    for (size_t each = 0; each < std::size(levels); ++each) {
      EXPECT_EQ(log.is_on(levels[each]), each >= least);
    }
  }
  EXPECT_FALSE(Log(LogLevel::off, LogFormat::text).is_on(LogLevel::error));
}

TEST(Log, PlainTextIsWrittenWithoutQuotes) {
  const auto shown = [](const std::string& text) {
    const std::string line = logged(LogLevel::info, LogFormat::text, [&](Log& log) {
      log.write(LogLevel::info, "m", {{"f", text}});
    });
    const size_t at = line.find(" m f=");
    return line.substr(at + 5, line.size() - at - 6);
  };
  EXPECT_EQ(shown("aZ09._:/[]%+-"), "aZ09._:/[]%+-");
  for (const char each : std::string(" =,;\"'(){}<>|&#!?*~^@$\\")) {
    const std::string text = std::string("a") + each;
    EXPECT_EQ(shown(text), nlohmann::json(text).dump()) << each;
  }
}

// Standard error as a terminal, then as the journal.
class LogTo : public testing::Test {
 protected:
  ~LogTo() override { unsetenv("JOURNAL_STREAM"); }
  // What the log writes to `descriptor` in place of standard error.
  static void write_to(int descriptor, LogColor color, const std::function<void(Log&)>& write) {
    std::fflush(stderr);
    const int kept = dup(STDERR_FILENO);
    ASSERT_GE(dup2(descriptor, STDERR_FILENO), 0);
    {
      Log log(LogLevel::info, LogFormat::text, color);
      write(log);
    }
    dup2(kept, STDERR_FILENO);
    close(kept);
  }
  static std::string read_from(int descriptor) {
    std::array<char, 1000> text{};
    const ssize_t size = read(descriptor, text.data(), text.size());
    return {text.data(), size < 0 ? 0 : static_cast<size_t>(size)};
  }
};

TEST_F(LogTo, ATerminalGetsTheTimeOfDay) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
    GTEST_SKIP() << "there are no terminals here";
  }
  const int other_end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  ASSERT_GE(other_end, 0);
  write_to(other_end, LogColor::never, [](Log& log) {
    log.write(LogLevel::info, "it rains", {{"drops", 3}});
  });
  const std::string line = read_from(terminal);
  close(other_end);
  close(terminal);
  const std::regex expected(R"(\d\d:\d\d:\d\d\.\d{3} info    it rains drops=3\r\n)");
  EXPECT_TRUE(std::regex_match(line, expected)) << line;
}

TEST_F(LogTo, TheJournalGetsPrioritiesAndNoTime) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  struct stat file {};
  ASSERT_EQ(fstat(ends[1], &file), 0);
  const std::string name = std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
  ASSERT_EQ(setenv("JOURNAL_STREAM", name.c_str(), 1), 0);
  write_to(ends[1], LogColor::automatic, [](Log& log) {
    log.write(LogLevel::warning, "it rains", {{"drops", 3}});
  });
  EXPECT_EQ(read_from(ends[0]), "<4>warning it rains drops=3\n");
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace xord
