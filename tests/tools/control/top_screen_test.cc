// `xord top` on a terminal: a process of its own on a pseudo-terminal, where the test types.
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <csignal>
#include <cstdlib>
#include <future>
#include <iostream>
#include <nlohmann/json.hpp>

#include "node/server/socket/control_socket.h"
#include "tests/temporary_directory.h"
#include "tests/tools/control/made_up_event.h"
#include "tools/cli/commands.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr int patience_ms = 20'000;  // Of the test, for a machine that is busy.

class TopScreenTest : public testing::Test {
 protected:
  ~TopScreenTest() override {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    for (const int descriptor : {terminal_, stream_}) {
      if (descriptor >= 0) close(descriptor);
    }
  }

  // Starts the command on a terminal, and a node that answers it. Without threads until then, so
  // that the new process may go on from here.
  void start(const std::vector<std::string>& more = {}, const Environment& environment = {},
             const char* type = "xterm") {
    int begin[2];
    ASSERT_EQ(pipe(begin), 0);
    winsize size{};
    size.ws_row = 24;
    size.ws_col = 120;
    child_ = forkpty(&terminal_, nullptr, nullptr, &size);
    ASSERT_GE(child_, 0);
    if (child_ == 0) {
      char byte = 0;
      setenv("TERM", type, 1);
      unsetenv("LINES");
      unsetenv("COLUMNS");
      std::signal(SIGHUP, SIG_IGN);
      alarm(patience_ms / 1'000);  // It must not outlive the test.
      _exit(read(begin[0], &byte, 1) == 1 ? run(more, environment) : 99);
    }
    node_.emplace(
        directory_.path(),
        [this](std::string_view) {
          return Json{{"result", limits_}}.dump();
        },
        [](const std::string& sentence) { return sentence; },
        [this](int connection) { connected_.set_value(connection); });
    ASSERT_FALSE(node_->open());
    ASSERT_EQ(write(begin[1], "x", 1), 1);
    close(begin[0]);
    close(begin[1]);
  }
  int run(const std::vector<std::string>& more, const Environment& environment) const {
    std::vector<std::string> words = {"--data-dir", directory_.path()};
    words.insert(words.end(), more.begin(), more.end());
    Terminal terminal{std::cout, std::cerr, environment, true, true};
    try {
      return static_cast<int>(top_command(words, terminal));
    } catch (const Failure& failure) {
      std::cerr << failure.what() << std::endl;
      return static_cast<int>(failure.code());
    }
  }

  void send_event(const Json& event) {
    if (stream_ < 0) {
      auto connected = connected_.get_future();
      ASSERT_EQ(connected.wait_for(std::chrono::milliseconds(patience_ms)),
                std::future_status::ready);
      stream_ = connected.get();
      send("HTTP/1.1 200 OK\r\n\r\n");
    }
    send("data: " + event.dump() + "\n\n");
  }
  void send(const std::string& text) const {
    ASSERT_EQ(write(stream_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void type(const std::string& keys) const {
    ASSERT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  // What is drawn from now on until `text` is; the rest of it is for the next call.
  bool is_drawn(const std::string& text) {
    while (drawn_.find(text) == std::string::npos) {
      if (!read_more()) return false;
    }
    drawn_.erase(0, drawn_.find(text) + text.size());
    return true;
  }
  bool read_more() {
    pollfd waiting{terminal_, POLLIN, 0};
    if (poll(&waiting, 1, patience_ms) <= 0) return false;
    char piece[4096];
    const ssize_t size = read(terminal_, piece, sizeof piece);
    if (size <= 0) return false;  // The other end is closed.
    all_.append(piece, static_cast<size_t>(size));
    drawn_.append(piece, static_cast<size_t>(size));
    return true;
  }
  int exit_code() {
    while (read_more()) continue;
    int status = 0;
    EXPECT_EQ(waitpid(child_, &status, 0), child_);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1'000 + WTERMSIG(status);
  }

  TemporaryDirectory directory_;
  Json limits_ = made_up_limits(2);
  std::promise<int> connected_;
  std::optional<ControlSocket> node_;
  pid_t child_ = -1;
  int terminal_ = -1;
  int stream_ = -1;
  std::string drawn_;
  std::string all_;
};

TEST_F(TopScreenTest, DrawsWhatComesAndEndsByItsKey) {
  start();
  send_event(made_up_event());
  EXPECT_TRUE(is_drawn("ready")) << drawn_;
  EXPECT_TRUE(is_drawn("requests/s")) << drawn_;
  EXPECT_TRUE(is_drawn("LONGEST TURN")) << drawn_;
  EXPECT_TRUE(is_drawn("SOURCES")) << "it asked who takes most: " << drawn_;
  EXPECT_TRUE(is_drawn("LOG")) << drawn_;
  EXPECT_NE(all_.find("\x1b[32m"), std::string::npos) << "a state that is good is green";
  Json next = made_up_event();
  next["state"] = "isolated";
  send_event(next);
  EXPECT_TRUE(is_drawn("isolated")) << drawn_;
  EXPECT_NE(all_.find("\x1b[31m"), std::string::npos) << "one that is bad is red";
  type("q");
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(TopScreenTest, EachKeyDoesWhatTheHelpSays) {
  start();
  send_event(made_up_event());
  ASSERT_TRUE(is_drawn("LOG")) << drawn_;
  type("h");
  EXPECT_TRUE(is_drawn("passes")) << drawn_;
  type("?");
  EXPECT_TRUE(is_drawn("pause, and go on")) << drawn_;
  type("?");
  EXPECT_TRUE(is_drawn("LONGEST TURN")) << "once more, and the figures are back: " << drawn_;
  drawn_.clear();
  type("s");
  EXPECT_TRUE(is_drawn("*")) << "another column has the mark: " << drawn_;
  type("p");
  EXPECT_TRUE(is_drawn("[paused]")) << drawn_;
  Json unseen = made_up_event();
  unseen["state"] = "isolated";
  send_event(unseen);
  type("h");
  EXPECT_TRUE(is_drawn("passes")) << "keys work on";
  EXPECT_EQ(all_.find("isolated"), std::string::npos) << "it does not move";
  type("p");
  EXPECT_TRUE(is_drawn("isolated")) << "what came meanwhile: " << drawn_;
  type("Q");
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(TopScreenTest, EndsAfterAsManyEventsAsWereAskedFor) {
  start({"--count", "2"});
  send_event(made_up_event());
  ASSERT_TRUE(is_drawn("ready")) << drawn_;
  send_event(made_up_event());
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(TopScreenTest, EndsWithItsTerminal) {
  start();
  send_event(made_up_event());
  ASSERT_TRUE(is_drawn("ready")) << drawn_;
  close(terminal_);
  terminal_ = -1;
  int status = 0;
  EXPECT_EQ(waitpid(child_, &status, 0), child_);
  child_ = -1;
  EXPECT_TRUE(WIFEXITED(status));
}

TEST_F(TopScreenTest, SaysThatTheNodeEndedOnceTheScreenIsAsItWas) {
  start();
  send_event(made_up_event());
  ASSERT_TRUE(is_drawn("ready")) << drawn_;
  close(stream_);
  stream_ = -1;
  EXPECT_TRUE(is_drawn("has ended")) << drawn_;
  EXPECT_EQ(exit_code(), static_cast<int>(ExitCode::environment));
}

TEST_F(TopScreenTest, HasNoColoursWhereNoneAreWanted) {
  start({}, {{"NO_COLOR", "1"}});
  send_event(made_up_event());
  ASSERT_TRUE(is_drawn("LOG")) << drawn_;
  EXPECT_EQ(all_.find("\x1b[32m"), std::string::npos);
  type("q");
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(TopScreenTest, ATerminalThatIsNotKnownIsASentence) {
  start({}, {}, "no-such-terminal");
  EXPECT_TRUE(
      is_drawn("cannot draw on a terminal of the type \"no-such-terminal\"; set TERM, or "
               "use `xord top --json`"))
      << drawn_;
  EXPECT_EQ(exit_code(), static_cast<int>(ExitCode::environment));
}

}  // namespace
}  // namespace xord
