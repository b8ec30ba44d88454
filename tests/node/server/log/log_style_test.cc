#include "node/server/log/log_style.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace xord {
namespace {

using Texts = std::vector<std::pair<const char*, const char*>>;

// Sets variables of the environment, and puts back what was there. Null: not set.
class Variables {
 public:
  explicit Variables(const Texts& texts) {
    for (const auto& [name, text] : texts) {
      const char* before = std::getenv(name);
      if (before != nullptr) before_[name] = before;
      set(name, text);
    }
    for (const auto& [name, text] : texts) names_.push_back(name);
  }
  ~Variables() {
    for (const char* name : names_) {
      set(name, before_.contains(name) ? before_[name].c_str() : nullptr);
    }
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  static void set(const char* name, const char* text) {
    text == nullptr ? unsetenv(name) : setenv(name, text, 1);
  }

  std::vector<const char*> names_;
  std::map<std::string, std::string> before_;
};

std::string stream_name(int descriptor) {
  struct stat file {};
  EXPECT_EQ(fstat(descriptor, &file), 0);
  return std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
}

class LogDestinationTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe(ends_), 0); }
  void TearDown() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  int written() const { return ends_[1]; }

  int ends_[2] = {-1, -1};
};

TEST_F(LogDestinationTest, TheJournalIsTheFileThatTheVariableNames) {
  const std::string name = stream_name(written());
  {
    const Variables variables(Texts{{"JOURNAL_STREAM", name.c_str()}});
    EXPECT_TRUE(log_destination(written()).is_journal);
  }
  const Variables variables(Texts{{"JOURNAL_STREAM", nullptr}});
  EXPECT_FALSE(log_destination(written()).is_journal);
}

TEST_F(LogDestinationTest, AJournalOfTheParentIsNotOurs) {
  for (const std::string& other :
       {std::string("1:1"), std::string(), stream_name(written()) + "0", std::string("journal")}) {
    const Variables variables(Texts{{"JOURNAL_STREAM", other.c_str()}});
    EXPECT_FALSE(log_destination(written()).is_journal) << other;
  }
}

TEST_F(LogDestinationTest, ADescriptorThatIsClosedIsNothing) {
  const Variables variables(Texts{{"JOURNAL_STREAM", ""}});
  const LogDestination destination = log_destination(-1);
  EXPECT_FALSE(destination.is_journal);
  EXPECT_FALSE(destination.is_terminal);
}

TEST_F(LogDestinationTest, NoColorCountsUnlessItIsEmptyAndSoDoesADumbTerminal) {
  const auto refuses = [this](const char* no_color, const char* term) {
    const Variables variables(Texts{{"NO_COLOR", no_color}, {"TERM", term}});
    return log_destination(written()).refuses_colour;
  };
  EXPECT_FALSE(refuses(nullptr, "xterm"));
  EXPECT_FALSE(refuses("", "xterm")) << "no-color.org";
  EXPECT_TRUE(refuses("1", "xterm"));
  EXPECT_TRUE(refuses(nullptr, "dumb"));
  EXPECT_FALSE(log_destination(written()).is_terminal);
}

TEST(LogStyle, FollowsTheDestinationUnlessToldOtherwise) {
  const LogDestination file{};
  const LogDestination terminal{.is_terminal = true};
  const LogDestination plain_terminal{.is_terminal = true, .refuses_colour = true};
  const LogDestination journal{.is_journal = true};
  EXPECT_EQ(log_style(file, LogColor::automatic), (LogStyle{LogLayout::dated, false}));
  EXPECT_EQ(log_style(file, LogColor::never), (LogStyle{LogLayout::dated, false}));
  EXPECT_EQ(log_style(file, LogColor::always), (LogStyle{LogLayout::terminal, true}));
  EXPECT_EQ(log_style(terminal, LogColor::automatic), (LogStyle{LogLayout::terminal, true}));
  EXPECT_EQ(log_style(terminal, LogColor::never), (LogStyle{LogLayout::terminal, false}));
  EXPECT_EQ(log_style(plain_terminal, LogColor::automatic), (LogStyle{LogLayout::terminal, false}));
  EXPECT_EQ(log_style(plain_terminal, LogColor::always), (LogStyle{LogLayout::terminal, true}));
  for (const LogColor color : {LogColor::automatic, LogColor::always, LogColor::never}) {
    EXPECT_EQ(log_style(journal, color), (LogStyle{LogLayout::journal, false}));
  }
}

TEST(LogStyle, ALineBeginsAsItsDestinationWantsIt) {
  const auto line = [](const LogStyle& style, LogLevel level) {
    return styled_line(style, level, "it rains", "drops=3");
  };
  EXPECT_EQ(line({LogLayout::dated, false}, LogLevel::info), "info it rains drops=3");
  EXPECT_EQ(line({LogLayout::terminal, false}, LogLevel::info), "info    it rains drops=3");
  EXPECT_EQ(line({LogLayout::terminal, false}, LogLevel::warning), "warning it rains drops=3");
  EXPECT_EQ(line({LogLayout::terminal, true}, LogLevel::error),
            "\x1b[31merror\x1b[0m   it rains \x1b[2mdrops=3\x1b[0m");
  EXPECT_EQ(styled_line({LogLayout::terminal, true}, LogLevel::info, "stopped", ""),
            "\x1b[32minfo\x1b[0m    stopped");
}

TEST(LogStyle, TheJournalGetsThePriorityOfEachLevel) {
  const std::pair<LogLevel, const char*> expected[] = {{LogLevel::debug, "<7>debug stopped"},
                                                       {LogLevel::info, "<6>info stopped"},
                                                       {LogLevel::warning, "<4>warning stopped"},
                                                       {LogLevel::error, "<3>error stopped"}};
  for (const auto& [level, text] : expected) {
    EXPECT_EQ(styled_line({LogLayout::journal, false}, level, "stopped", ""), text);
  }
}

}  // namespace
}  // namespace xord
