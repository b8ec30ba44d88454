// What a command makes of whatever answers at a node's control socket.
#include "tools/control/control_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "node/server/socket/control_address.h"
#include "tests/temporary_directory.h"
#include "tools/cli/commands.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

// Takes one connection after the other, and answers the lines that come with these, one for one;
// then it hangs up.
class ControlNode {
 public:
  ControlNode(const std::string& directory, std::vector<std::string> answers)
      : answers_(std::move(answers)), listener_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    const ControlAddress address(directory);
    CHECK(bind(listener_, address.address(), address.size()) == 0);
    CHECK(listen(listener_, 8) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~ControlNode() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  ControlNode(const ControlNode&) = delete;
  ControlNode& operator=(const ControlNode&) = delete;

  // Call it when the command has ended.
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void serve() {
    for (int connection; (connection = accept(listener_, nullptr, nullptr)) >= 0;) {
      size_t next = 0;
      std::string line;
      for (char c; next < answers_.size() && recv(connection, &c, 1, 0) == 1;) {
        if (c != '\n') {
          line += c;
          continue;
        }
        lines_.push_back(line);
        line.clear();
        const std::string& answer = answers_[next++];
        CHECK(send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) >= 0);
      }
      close(connection);
    }
  }

  const std::vector<std::string> answers_;
  const int listener_;
  std::vector<std::string> lines_;
  std::thread thread_;
};

class ControlClientTest : public testing::Test {
 protected:
  std::string refusal(const std::string& answer, ExitCode code = ExitCode::environment) {
    std::filesystem::remove(directory_.at(control_name));
    const ControlNode node(directory_.path(), {answer});
    try {
      ask_control(directory_.path(), {{"command", "stats"}});
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), code) << failure.what();
      return failure.what();
    }
    return "";
  }

  TemporaryDirectory directory_;
};

TEST_F(ControlClientTest, OneConnectionTakesRequestAfterRequestALineEach) {
  std::vector<std::string> answers = {"{\"result\":{\"a\":1}}\n", "{\"result\":[]}\n",
                                      "{\"result\":\"" + std::string(100'000, 'x') + "\"}\n"};
  ControlNode node(directory_.path(), answers);
  {
    ControlClient client(directory_.path());
    EXPECT_EQ(client.ask({{"command", "one"}}), Json({{"a", 1}}));
    EXPECT_EQ(client.ask({{"command", "two"}, {"text", "a\nb"}}), Json::array());
    EXPECT_EQ(client.ask({{"command", "three"}}), std::string(100'000, 'x')) << "in pieces";
    EXPECT_THROW(client.ask({{"command", "four"}}), Failure) << "it hung up";
  }
  EXPECT_EQ(node.lines(), (std::vector<std::string>{"{\"command\":\"one\"}",
                                                    "{\"command\":\"two\",\"text\":\"a\\nb\"}",
                                                    "{\"command\":\"three\"}"}));
}

// A file name may be of any bytes; what is no character is replaced (U+FFFD).
TEST_F(ControlClientTest, ARequestIsUtf8WhateverItsTextsAre) {
  ControlNode node(directory_.path(), {"{\"result\":{}}\n"});
  EXPECT_EQ(ask_control(directory_.path(), {{"to", "caf\xc3\xa9 \xff\x1b"}}), Json::object());
  EXPECT_EQ(node.lines(),
            (std::vector<std::string>{"{\"to\":\"caf\xc3\xa9 \xef\xbf\xbd\\u001b\"}"}));
}

TEST_F(ControlClientTest, WhatTheNodeRefusesEndsTheCommandWithItsSentenceAndCode) {
  EXPECT_EQ(refusal("{\"error\":\"not in the list\",\"code\":1}\n", ExitCode::not_found),
            "not in the list");
  EXPECT_EQ(refusal("{\"error\":\"no such command\",\"code\":2}\n", ExitCode::usage),
            "no such command");
  EXPECT_EQ(refusal("{\"error\":\"disk\"}\n"), "disk") << "without a code, the environment";
}

TEST_F(ControlClientTest, AnAnswerThatIsNoneIsSaidToBe) {
  const std::string unknown =
      "the node's answer is not understood; it may be a different version of xord";
  for (const std::string answer :
       {"\n", "no json\n", "[]\n", "1\n", "{}\n", "{\"error\":1}\n", "{\"code\":2}\n"}) {
    EXPECT_EQ(refusal(answer), unknown) << answer;
  }
  EXPECT_EQ(refusal(""), "the node at " + directory_.at(control_name) +
                             " hung up before it answered; it may have stopped");
  EXPECT_EQ(refusal("{\"result\":"), "the node at " + directory_.at(control_name) +
                                         " hung up before it answered; it may have stopped");
}

TEST_F(ControlClientTest, AnAnswerMayBeNestedThirtyTwoDeepAndNoDeeper) {
  const auto nested = [](size_t depth) {  // With the object that holds it.
    return "{\"result\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}\n";
  };
  EXPECT_EQ(refusal(nested(32)), "");
  EXPECT_EQ(refusal(nested(33)),
            "the node's answer is nested more than 32 deep, which this xord does not understand: "
            "it may be a different version");
}

TEST_F(ControlClientTest, ANodeThatDoesNotAnswerInTimeIsGivenUp) {
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  const ControlAddress address(directory_.path());
  ASSERT_EQ(bind(listener, address.address(), address.size()), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  try {
    ask_control(directory_.path(), {{"command", "stats"}}, milliseconds(20));
    ADD_FAILURE();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ExitCode::environment);
    EXPECT_EQ(std::string(failure.what()), "the node did not answer over " +
                                               directory_.at(control_name) +
                                               " within 20ms; its host may be overloaded");
  }
  close(listener);
}

TEST_F(ControlClientTest, WhereNothingAnswersItIsSaidWhy) {
  const auto why = [](const std::string& directory) -> std::string {
    try {
      ControlClient client(directory);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ExitCode::environment);
      return failure.what();
    }
    return "";
  };
  const std::string nowhere = directory_.at("nowhere");
  EXPECT_EQ(why(nowhere), "no node is running on " + nowhere + " (no such directory)");
  EXPECT_EQ(why(directory_.path()).rfind("no node is running on " + directory_.path() + ": ", 0),
            0u)
      << "it has no files of a node";
  std::ofstream(directory_.at("file")) << "text";
  EXPECT_EQ(why(directory_.at("file")),
            "cannot connect to " + directory_.at("file/control") + ": Not a directory");
}

TEST_F(ControlClientTest, PublishedAsksForPageAfterPage) {
  const std::string id(40, 'a');
  const auto entry = [&](int bytes, int ago) {
    return "{\"id\":\"" + id + "\",\"value_bytes\":" + std::to_string(bytes) +
           ",\"published_ago_s\":" + std::to_string(ago) + "}";
  };
  const std::vector<std::string> answers = {"{\"result\":{\"keys\":[" + entry(1, 86'399) + "," +
                                                entry(2, 86'400) + "],\"next\":\"ab\"}}\n",
                                            "{\"result\":{\"keys\":[" + entry(30, 0) + "]}}\n"};
  const auto said = [&](std::vector<std::string> words) {
    std::filesystem::remove(directory_.at(control_name));
    ControlNode node(directory_.path(), answers);
    std::ostringstream out;
    Terminal terminal{out, out, {}};
    words.insert(words.end(), {"--data-dir", directory_.path()});
    EXPECT_EQ(published_command(words, terminal), ExitCode::done);
    EXPECT_EQ(node.lines(),
              (std::vector<std::string>{"{\"command\":\"published\"}",
                                        "{\"command\":\"published\",\"from\":\"ab\"}"}));
    return out.str();
  };
  EXPECT_EQ(said({}), id + " 1 byte, published 23h59m ago\n" + id + " 2 bytes, to be published\n" +
                          id + " 30 bytes, published 0s ago\n");
  EXPECT_EQ(
      Json::parse(said({"--json"})),
      Json::parse("[" + entry(1, 86'399) + "," + entry(2, 86'400) + "," + entry(30, 0) + "]"));
}

TEST_F(ControlClientTest, ForgetNamesTheIdOfItsKey) {
  ControlNode node(directory_.path(), {"{\"result\":{}}\n"});
  std::ostringstream out;
  Terminal terminal{out, out, {}};
  const std::vector<std::string> words = {"k", "--data-dir", directory_.path()};
  EXPECT_EQ(forget_command(words, terminal), ExitCode::done);
  EXPECT_EQ(out.str(), "");
  // sha1("k")
  EXPECT_EQ(node.lines(),
            (std::vector<std::string>{"{\"command\":\"forget\",\"id\":"
                                      "\"13fbd79c3d390e5d6585a21e11ff5ec1970cff0c\"}"}));
}

TEST_F(ControlClientTest, AnInterruptEndsTheWait) {
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  const ControlAddress address(directory_.path());
  ASSERT_EQ(bind(listener, address.address(), address.size()), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  {
    const Interrupt interrupt;
    kill(getpid(), SIGINT);
    try {
      ask_control(directory_.path(), {{"command", "stats"}}, hours(1));
      ADD_FAILURE();
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ExitCode::interrupted);
    }
  }
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  close(listener);
}

}  // namespace
}  // namespace xord
