// `xord top` into a pipe, against a control socket that plays events as a node would.
// tests/e2e/top_test.py has it on a terminal.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "node/server/socket/control_socket.h"
#include "tests/temporary_directory.h"
#include "tests/tools/command_outcome.h"
#include "tests/tools/control/made_up_event.h"
#include "tools/cli/commands.h"

namespace xord {
namespace {

const std::string header = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

std::string as_event(const nlohmann::ordered_json& event) {
  return "id: 1\ndata: " + event.dump() + "\n\n";
}

class TopCommandTest : public testing::Test {
 protected:
  // Runs the command while a node listens that sends `answer` to each HTTP request and hangs up.
  CommandOutcome run(const std::string& answer, std::vector<std::string> words = {}) {
    asked_.clear();
    ControlSocket node(
        directory_.path(), [](std::string_view) { return "{\"error\":\"no HTTP\",\"code\":2}"; },
        [](const std::string& sentence) { return sentence; },
        [&](int connection) {
          char request[4096];
          while (asked_.find("\r\n\r\n") == std::string::npos) {
            const ssize_t size = recv(connection, request, sizeof request, 0);
            if (size <= 0) break;
            asked_.append(request, static_cast<size_t>(size));
          }
          send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
          close(connection);
        });
    EXPECT_FALSE(node.open());
    return run_alone(std::move(words));
  }
  CommandOutcome run_alone(std::vector<std::string> words) {
    words.insert(words.end(), {"--data-dir", directory_.path()});
    return outcome_of(top_command, words);
  }
  std::string on_directory(const std::string& rest) const {
    return "the node on " + directory_.path() + rest;
  }

  TemporaryDirectory directory_;
  std::string asked_;
};

TEST_F(TopCommandTest, PrintsARowForEachEventBelowAHeading) {
  const std::string event = as_event(made_up_event());
  const CommandOutcome outcome = run(header + event + event + event, {"--count", "2"});
  EXPECT_EQ(outcome.code, ExitCode::done) << outcome.error;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 3) << outcome.out;
  EXPECT_EQ(outcome.out.rfind("STATE ", 0), 0u) << outcome.out;
  EXPECT_NE(outcome.out.find("\nready "), std::string::npos) << outcome.out;
  EXPECT_EQ(asked_.rfind("GET /v1/events HTTP/1.0\r\n", 0), 0u) << asked_;
  EXPECT_NE(asked_.find("\r\nHost: localhost\r\n"), std::string::npos) << asked_;
}

TEST_F(TopCommandTest, RepeatsTheHeadingAfterTwentyRows) {
  std::string events;
  for (int i = 0; i < 41; ++i) events += as_event(made_up_event());
  const CommandOutcome outcome = run(header + events, {"--count", "41"});
  EXPECT_EQ(outcome.code, ExitCode::done) << outcome.error;
  std::istringstream lines(outcome.out);
  std::vector<size_t> headings;
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    if (line.starts_with("STATE ")) headings.push_back(count);
  }
  EXPECT_EQ(headings, (std::vector<size_t>{0, 21, 42}));
  EXPECT_EQ(count, 44u);
}

TEST_F(TopCommandTest, PrintsEventsAsTheyAreWithJson) {
  auto event = made_up_event();
  event["log"].push_back(made_up_line(1, "caf\u00e9 \x1b"));
  const CommandOutcome outcome = run(header + as_event(event), {"--json", "--count", "1"});
  EXPECT_EQ(outcome.code, ExitCode::done) << outcome.error;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1) << outcome.out;
  EXPECT_EQ(nlohmann::ordered_json::parse(outcome.out), event);
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
}

TEST_F(TopCommandTest, SaysThatTheNodeEndedAfterWhatItSent) {
  const CommandOutcome outcome = run(header + as_event(made_up_event()));
  EXPECT_EQ(outcome.code, ExitCode::environment);
  EXPECT_EQ(outcome.error, on_directory(" has ended"));
  EXPECT_NE(outcome.out.find("\nready "), std::string::npos) << outcome.out;
}

TEST_F(TopCommandTest, SaysThatANodeIsOlder) {
  const std::string older = on_directory(
      " runs an older version of xord, which cannot be watched: restart it with this one");
  EXPECT_EQ(run("HTTP/1.1 404 Not Found\r\n\r\n{}").error, older);
  EXPECT_EQ(run("{\"error\":\"no such command\",\"code\":2}\n").error, older);
}

TEST_F(TopCommandTest, SaysWhyTheNodeRefused) {
  const std::string status = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\r\n";
  const CommandOutcome outcome = run(status + "{\"detail\":\"eight watch it\",\"code\":4}");
  EXPECT_EQ(outcome.code, ExitCode::environment);
  EXPECT_EQ(outcome.error, on_directory(" refused: eight watch it"));
  EXPECT_EQ(run(status).error, on_directory(" refused"));
}

TEST_F(TopCommandTest, RefusesWhatIsNoEvent) {
  const std::string sentence =
      on_directory(" sends what is not an event; it may be a different version");
  for (const std::string data : {"no json", "[]", "7", "{"}) {
    EXPECT_EQ(run(header + "data: " + data + "\n\n").error, sentence) << data;
  }
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_EQ(run(header + "data: {\"a\":" + deep + "}\n\n").error, sentence);
}

TEST_F(TopCommandTest, SaysThatNoNodeRuns) {
  const CommandOutcome outcome = run_alone({});
  EXPECT_EQ(outcome.code, ExitCode::environment);
  EXPECT_EQ(outcome.error.rfind("no node is running on " + directory_.path(), 0), 0u)
      << outcome.error;
}

TEST_F(TopCommandTest, RefusesACountOfNothing) {
  for (const char* count : {"0", "-1", "many", ""}) {
    const CommandOutcome outcome = run_alone({"--count", count});
    EXPECT_EQ(outcome.code, ExitCode::usage) << count;
    EXPECT_NE(outcome.error.find("write one from 1, such as 60"), std::string::npos);
  }
}

}  // namespace
}  // namespace xord
