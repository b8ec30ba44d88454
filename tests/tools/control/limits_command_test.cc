// `xord limits` against a control socket that answers as a node would.
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

Json prefix_of(const char* prefix, uint64_t excess, uint64_t most, Json limited = {}) {
  Json limit = {{"limit", "excess"}, {"most", most}, {"refused", 0}};
  if (!limited.is_null()) limit.update(limited);
  return {{"network", "rpcudp"},
          {"prefix", prefix},
          {"charged", {{"excess", excess}, {"reads", 8}, {"held", 0}, {"proofs", 1}, {"work", 9}}},
          {"limits", {limit, {{"limit", "reads"}, {"most", 800}, {"refused", 0}}}}};
}

class LimitsCommandTest : public testing::Test {
 protected:
  // Runs the command while a node that answers `result` listens.
  CommandOutcome run(const Json& result, std::vector<std::string> words = {}) {
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
    return outcome_of(limits_command, words);
  }

  TemporaryDirectory directory_;
  std::string asked_;
};

TEST_F(LimitsCommandTest, ShowsATableOfThoseThatTookMost) {
  const Json limited = {{"refused", 12}, {"since_s", 65}, {"last_s", 2}, {"until_s", 1.5}};
  const CommandOutcome outcome = run({{"limits", "on"},
                                      {"prefixes",
                                       {prefix_of("203.0.113.7/32", 8'380'000, 8'388'608, limited),
                                        prefix_of("203.0.113.0/24", 8'380'000, 33'554'432)}}});
  EXPECT_EQ(asked_, R"({"command":"limits"})");
  EXPECT_EQ(outcome.out,
            "PREFIX                  EXCESS  LIMIT       READS  LIMIT  LIMITED\n"
            "203.0.113.7/32    1022.9 KiB/s  100 %      1.0 /s    1 %  excess since 1m5s ago: 12 "
            "refused, the last 2s ago, until in 1.5s\n"
            "203.0.113.0/24    1022.9 KiB/s   25 %      1.0 /s    1 %  no\n");
}

TEST_F(LimitsCommandTest, NamesEachLimitThatRefusedAndWhetherItIsOpen) {
  Json row = prefix_of("::/64", 8'192, 0,
                       {{"refused", 1}, {"since_s", 3'600}, {"last_s", 0}, {"until_s", 0.0}});
  row["limits"][1].update({{"refused", 2}, {"since_s", 9}, {"last_s", 8}, {"until_s", 0.05}});
  EXPECT_EQ(run({{"limits", "dry-run"}, {"prefixes", Json::array({row})}}).out,
            "limits are dry-run: nothing is refused, and this is what would be\n"
            "PREFIX          EXCESS  LIMIT       READS  LIMIT  LIMITED\n"
            "::/64        1.0 KiB/s 819200 %      1.0 /s    1 %  excess since 1h ago: 1 refused, "
            "the last 0s ago, open now; reads since 9s ago: 2 refused, the last 8s ago, until in "
            "0.1s\n");
}

TEST_F(LimitsCommandTest, SaysWhyNothingIsCharged) {
  const CommandOutcome exempt = run({{"limits", "on"},
                                     {"exempt", true},
                                     {"because", "it is in the trusted-net 10.0.0.0/8"},
                                     {"prefixes", Json::array({prefix_of("10.0.0.1/32", 0, 1)})}},
                                    {"10.0.0.1"});
  EXPECT_EQ(asked_, R"({"command":"limits","address":"10.0.0.1"})");
  EXPECT_EQ(exempt.out, "10.0.0.1 is exempt: it is in the trusted-net 10.0.0.0/8\n");
  EXPECT_EQ(run({{"limits", "on"}, {"prefixes", Json::array()}}).out,
            "nothing is charged to any address now\n");
  EXPECT_EQ(run({{"limits", "off"}, {"prefixes", Json::array()}}).out,
            "limits are off: nothing is refused or charged\n");
  EXPECT_EQ(run({{"limits", "dry-run"}, {"prefixes", Json::array()}}).out,
            "limits are dry-run: nothing is refused, and this is what would be\n"
            "nothing is charged to any address now\n");
}

TEST_F(LimitsCommandTest, ShowsWhatItSortsByUnlessThatHasAColumn) {
  const Json answer = {{"limits", "on"},
                       {"prefixes", Json::array({prefix_of("203.0.113.7/32", 8'192, 81'920)})}};
  EXPECT_EQ(run(answer, {"--by", "work"}).out,
            "PREFIX                  EXCESS  LIMIT       READS  LIMIT        WORK  LIMITED\n"
            "203.0.113.7/32       1.0 KiB/s   10 %      1.0 /s    1 %      1.1 /s  no\n");
  EXPECT_EQ(asked_, R"({"command":"limits","by":"work"})");
  EXPECT_EQ(run(answer, {"--by", "reads"}).out,
            "PREFIX                  EXCESS  LIMIT       READS  LIMIT  LIMITED\n"
            "203.0.113.7/32       1.0 KiB/s   10 %      1.0 /s    1 %  no\n");
}

TEST_F(LimitsCommandTest, PrintsTheNodesAnswerAsJson) {
  const Json answer = {{"limits", "on"}, {"prefixes", Json::array()}};
  EXPECT_EQ(run(answer, {"--json"}).out, answer.dump() + "\n");
}

TEST_F(LimitsCommandTest, RefusesWhatIsNotAnAddressBeforeItAsks) {
  for (const std::string text :
       {"example.org", "192.0.2.7:8468", "192.0.2.0/24", "0.0.0.0", "::", ""}) {
    const CommandOutcome outcome = run({}, {text});
    EXPECT_EQ(outcome.code, ExitCode::usage) << text;
    EXPECT_NE(outcome.error.find("\"" + text + "\" is not the address of a source"),
              std::string::npos)
        << outcome.error;
    EXPECT_NE(outcome.error.find("192.0.2.7"), std::string::npos);
    EXPECT_EQ(asked_, "");
  }
}

}  // namespace
}  // namespace xord
