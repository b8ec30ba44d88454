// The commands about a running node with --admin: the flags themselves, and what is special to a
// command that asks more than once.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "tests/temporary_directory.h"
#include "tests/tools/command_outcome.h"
#include "tests/tools/control/http_node.h"
#include "tests/tools/control/made_up_event.h"
#include "tools/control/node_flags.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

const std::string secret = "0123456789abcdef";
const std::string ready =
    R"({"state":"ready","live":true,"started":true,"ready":true,"checks":[]})";

class AdminFlagsTest : public testing::Test {
 protected:
  std::string token_file(const std::string& text = secret + "\n", mode_t mode = 0600) const {
    std::string path = directory_.at("token");
    std::ofstream(path) << text;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  static bool has_token(const std::string& request) {
    return request.find("\r\nAuthorization: Bearer " + secret + "\r\n") != std::string::npos;
  }

  TemporaryDirectory directory_;
};

TEST_F(AdminFlagsTest, EveryCommandAboutARunningNodeTakesThem) {
  struct Case {
    CommandFunction command;
    Words words;
    const char* line;  // With which its request begins.
  };
  for (const Case& each :
       {Case{status_command, {}, "GET /v1/status "}, Case{health_command, {}, "GET /v1/health "},
        Case{stats_command, {}, "GET /v1/stats "},
        Case{stats_command, {"--watch"}, "GET /v1/stats "},
        Case{top_command, {}, "GET /v1/events "},
        Case{contacts_command, {"--near", "f"}, "GET /v1/contacts?near=f "},
        Case{records_command, {"--prefix", "d1"}, "GET /v1/records?prefix=d1 "},
        Case{explain_command, {"192.0.2.7"}, "GET /v1/explain?ip=192.0.2.7 "},
        Case{limits_command, {"--by", "work"}, "GET /v1/limits?by=work "},
        Case{loglevel_command, {"debug"}, "POST /v1/log-level "},
        Case{reload_command, {}, "POST /v1/reload "},
        Case{stop_command, {}, "POST /v1/shutdown "}}) {
    const HttpNode node({http_answer(503, R"({"detail":"not now","code":1})")});
    Words words = each.words;
    words.insert(words.end(), {"--admin", node.url(), "--admin-token-file", token_file()});
    const CommandOutcome outcome = outcome_of(each.command, words);
    EXPECT_NE(outcome.code, ExitCode::done) << each.line;
    EXPECT_TRUE(outcome.error.ends_with("not now")) << each.line << outcome.error;
    ASSERT_EQ(node.requests().size(), 1u) << each.line;
    EXPECT_TRUE(node.requests()[0].starts_with(each.line)) << node.requests()[0];
    EXPECT_TRUE(has_token(node.requests()[0])) << each.line;
  }
}

TEST_F(AdminFlagsTest, TheAnswerIsPrintedAsThatOfADirectory) {
  const HttpNode node({http_answer(200, ready), http_answer(200, ready)});
  const Words words = {"--admin", node.host()};
  const CommandOutcome outcome = outcome_of(health_command, words);
  EXPECT_EQ(outcome.code, ExitCode::done) << outcome.error;
  EXPECT_EQ(outcome.out, "ready\nCHECK     STATUS   SINCE  DETAIL\n");
  const Words as_json = {"--admin", node.host(), "--json"};
  EXPECT_EQ(outcome_of(health_command, as_json).out, ready + "\n");
}

TEST_F(AdminFlagsTest, ListsAreAskedForPageByPage) {
  const HttpNode node(
      {http_answer(200, R"({"records":[],"next":"bb"})"), http_answer(200, R"({"records":[]})")});
  const Words words = {"--admin", node.url()};
  EXPECT_EQ(outcome_of(records_command, words).out, "no records\n");
  ASSERT_EQ(node.requests().size(), 2u);
  EXPECT_TRUE(node.requests()[1].starts_with("GET /v1/records?from=bb "));
}

TEST_F(AdminFlagsTest, ADirectoryAndAnAdminPortAreNotBothNamed) {
  const Words both = {"--admin", "127.0.0.1:9", "--data-dir", "/x"};
  EXPECT_EQ(outcome_of(status_command, both).code, ExitCode::usage);
  EXPECT_EQ(outcome_of(status_command, both).error,
            "--data-dir and --admin both name a node: leave one out");
  const Words twice = {"--admin", "127.0.0.1:9", "--admin", "127.0.0.1:9"};
  EXPECT_EQ(outcome_of(status_command, twice).error, "--admin is given 2 times: give it once");
  const Words without = {"--admin-token-file", token_file()};
  EXPECT_EQ(outcome_of(status_command, without).code, ExitCode::usage);
  EXPECT_EQ(outcome_of(status_command, without).error,
            "--admin-token-file is for --admin: name the node's admin port, or leave it out");
  const Words wrong = {"--admin", "https://127.0.0.1:9"};
  EXPECT_EQ(outcome_of(status_command, wrong).code, ExitCode::usage);
}

TEST_F(AdminFlagsTest, TheTokenIsReadFromTheFlagElseFromTheEnvironment) {
  const std::string file = token_file();
  const Environment environment = {{"XORD_ADMIN_TOKEN_FILE", file}};
  const auto token = [](const NodeFlags& flags, const Environment& of) {
    std::ostringstream out;
    return place_of(flags, Terminal{out, out, of}).token;
  };
  NodeFlags flags;
  flags.admin = {"127.0.0.1:9"};
  EXPECT_EQ(token(flags, {}), "");
  EXPECT_EQ(token(flags, environment), secret);
  flags.token_file = {file};
  EXPECT_EQ(token(flags, {{"XORD_ADMIN_TOKEN_FILE", "/nowhere"}}), secret);
  flags.admin = {"unix:/run/xord/admin"};
  EXPECT_EQ(token(flags, environment), "") << "the file's mode is what counts there";
}

TEST_F(AdminFlagsTest, ATokenFileThatOthersMayReadIsRefusedBeforeAnythingIsSent) {
  const HttpNode node({http_answer(200, ready)});
  const auto refusal = [&](const std::string& file) {
    const Words words = {"--admin", node.url(), "--admin-token-file", file};
    const CommandOutcome outcome = outcome_of(health_command, words);
    EXPECT_EQ(outcome.code, ExitCode::environment) << outcome.error;
    return outcome.error;
  };
  EXPECT_NE(refusal(token_file(secret, 0644)).find("run `chmod 600 "), std::string::npos);
  EXPECT_NE(refusal(token_file("short")).find("has no token: write 16 to 1024"), std::string::npos);
  EXPECT_NE(refusal("/nowhere").find("cannot open the token file /nowhere"), std::string::npos);
  EXPECT_EQ(node.requests().size(), 0u);
}

TEST_F(AdminFlagsTest, StopWaitsUntilThePortRefusesConnections) {
  const std::string status = http_answer(200, R"({"state":"draining"})");
  const HttpNode node({http_answer(202, R"({"state":"draining"})"), status, status});
  const Words words = {"--admin", node.url(), "--admin-token-file", token_file()};
  const CommandOutcome outcome = outcome_of(stop_command, words);
  EXPECT_EQ(outcome.code, ExitCode::done) << outcome.error;
  EXPECT_EQ(outcome.out, "");
  const std::vector<std::string> requests = node.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_TRUE(requests[0].starts_with("POST /v1/shutdown "));
  EXPECT_TRUE(requests[1].starts_with("GET /v1/status "));
  EXPECT_TRUE(requests[2].starts_with("GET /v1/status "));
  EXPECT_TRUE(has_token(requests[2]));
}

// As `ssh -L` does when the other end refuses.
TEST_F(AdminFlagsTest, StopTakesAConnectionThatIsClosedUnansweredForTheEnd) {
  const HttpNode node({http_answer(202, R"({"state":"draining"})"), "", ""});
  const Words words = {"--admin", node.url()};
  EXPECT_EQ(outcome_of(stop_command, words).code, ExitCode::done);
  EXPECT_EQ(node.requests().size(), 2u);
}

TEST_F(AdminFlagsTest, StopGoesOnWaitingForANodeThatRefusesToSayHowItIs) {
  const HttpNode node({http_answer(202, R"({"state":"draining"})"),
                       http_answer(503, R"({"detail":"busy","code":1})")});
  const Words words = {"--admin", node.url(), "--wait", "0s"};
  const CommandOutcome outcome = outcome_of(stop_command, words);
  EXPECT_EQ(outcome.code, ExitCode::environment);
  EXPECT_EQ(outcome.error, "the node at " + node.url() +
                               " has not ended within 0s: it goes on ending; look at its log");
}

TEST_F(AdminFlagsTest, StopDoesNotWaitIfTheNodeRefuses) {
  const HttpNode node({http_answer(501, R"({"detail":"stop that program","code":1})")});
  const Words words = {"--admin", node.url()};
  const CommandOutcome outcome = outcome_of(stop_command, words);
  EXPECT_EQ(outcome.code, ExitCode::not_found);
  EXPECT_EQ(outcome.error, "stop that program");
}

TEST_F(AdminFlagsTest, TopShowsTheEventsOfAnAdminPort) {
  const std::string event = "data: " + made_up_event().dump() + "\n\n";
  const HttpNode node(
      directory_.at("admin"),
      {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + event + event});
  const Words words = {"--admin", node.url(), "--count", "2", "--json"};
  const CommandOutcome outcome = outcome_of(top_command, words);
  EXPECT_EQ(outcome.code, ExitCode::done) << outcome.error;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 2) << outcome.out;
  EXPECT_EQ(Json::parse(outcome.out.substr(0, outcome.out.find('\n'))), made_up_event());
}

}  // namespace
}  // namespace xord
