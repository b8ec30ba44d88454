// `xord explain` against a control socket that answers as a node would.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "node/server/socket/control_socket.h"
#include "tests/temporary_directory.h"
#include "tests/tools/command_outcome.h"
#include "tools/cli/commands.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

class ExplainCommandTest : public testing::Test {
 protected:
  // Runs the command while a node that answers `result` listens.
  CommandOutcome run(const Json& result, std::vector<std::string> words) {
    asked_.clear();
    ControlSocket node(
        directory_.path(),
        [&](std::string_view line) {
          asked_ = line;
          return Json{{"result", result}}.dump();
        },
        [](const std::string& sentence) { return sentence; }, [](int socket) { close(socket); });
    EXPECT_FALSE(node.open());
    words.insert(words.end(), {"--data-dir", directory_.path()});
    return outcome_of(explain_command, words);
  }

  TemporaryDirectory directory_;
  std::string asked_;
};

Json answer_of(const std::string& verdict) {
  return {{"address", "192.0.2.7"},
          {"verdict", verdict},
          {"because", Json::array()},
          {"networks", Json::array()}};
}

TEST_F(ExplainCommandTest, SaysInOneLineHowAnAddressIsServed) {
  const std::pair<const char*, const char*> sentences[] = {
      {"pinged first", "must answer a ping before it is served"},
      {"held", "has requests that wait until it answers a ping"},
      {"thinned", "is served in part"},
      {"limited", "has had its share for now"},
      {"served", "is served"}};
  for (const auto& [verdict, sentence] : sentences) {
    const CommandOutcome outcome = run(answer_of(verdict), {"192.0.2.7"});
    EXPECT_EQ(outcome.code, ExitCode::done) << outcome.error;
    EXPECT_EQ(outcome.out, "192.0.2.7 " + std::string(sentence) + "\n");
    EXPECT_EQ(asked_, R"({"command":"explain","address":"192.0.2.7"})");
  }
}

TEST_F(ExplainCommandTest, ReasonsAndWhatEachNetworkKnowsFollow) {
  Json answer = answer_of("held");
  answer["because"] = {"it is in no trusted-net", "two requests wait"};
  answer["networks"] = {
      {{"network", "rpcudp"},
       {"proven", {{{"endpoint", "192.0.2.7:8468"}, {"until_s", 65}}}},
       {"held", 2},
       {"passing", 0.256},
       {"contacts", {{{"endpoint", "192.0.2.7:9"}, {"state", "silent"}, {"id", "aabb"}}}},
       {"table", {{{"prefix", "192.0.2.0/24"}, {"contacts", 3}, {"most", 10}}}}},
      {{"network", "other"},
       {"proven", Json::array()},
       {"held", 0},
       {"passing", 1.0},
       {"contacts", Json::array()},
       {"table", Json::array()}}};
  EXPECT_EQ(run(answer, {"192.0.2.7"}).out,
            "192.0.2.7 has requests that wait until it answers a ping\n"
            "  it is in no trusted-net\n"
            "  two requests wait\n"
            "network   rpcudp\n"
            "proven    192.0.2.7:8468 for another 1m5s\n"
            "held      2\n"
            "passing   26 %\n"
            "contact   192.0.2.7:9 silent aabb\n"
            "table     192.0.2.0/24: 3 of at most 10 contacts\n"
            "network   other\n"
            "held      0\n"
            "passing   100 %\n");
}

TEST_F(ExplainCommandTest, PrintsTheNodesAnswerAsJson) {
  const Json answer = answer_of("served");
  EXPECT_EQ(run(answer, {"2001:db8::0:7", "--json"}).out, answer.dump() + "\n");
  EXPECT_EQ(asked_, R"({"command":"explain","address":"2001:db8::7"})");
}

TEST_F(ExplainCommandTest, RefusesWhatIsNotAnAddressBeforeItAsks) {
  for (const std::string text :
       {"example.org", "192.0.2.7:8468", "192.0.2.0/24", "0.0.0.0", "::", ""}) {
    const CommandOutcome outcome = run({}, {text});
    EXPECT_EQ(outcome.code, ExitCode::usage) << text;
    EXPECT_EQ(outcome.error,
              "\"" + text +
                  "\" is not the address of a source: write one without port or prefix length, "
                  "such as 192.0.2.7 or 2001:db8::7");
    EXPECT_EQ(asked_, "");
  }
  EXPECT_EQ(run({}, {}).error, "the ADDRESS is missing; see `xord explain --help`");
}

TEST_F(ExplainCommandTest, WithoutANodeItEndsWithFour) {
  const std::vector<std::string> words = {"192.0.2.7", "--data-dir", directory_.path()};
  EXPECT_EQ(outcome_of(explain_command, words).code, ExitCode::environment);
  const std::vector<std::string> help = {"--help"};
  const CommandOutcome shown = outcome_of(explain_command, help);
  EXPECT_EQ(shown.code, ExitCode::done);
  EXPECT_NE(shown.out.find("Exit codes: 0, 2, 4."), std::string::npos);
}

}  // namespace
}  // namespace xord
