// `xord contacts` and `xord records`: what they ask, page by page, and what they print of it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "node/server/calls/key_digest.h"
#include "node/server/socket/control_socket.h"
#include "tests/temporary_directory.h"
#include "tests/tools/command_outcome.h"
#include "tools/cli/commands.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

Json contact(const std::string& id, const Json& answered_ago, const Json& round_trip) {
  return {{"id", id},           {"endpoint", "192.0.2.7:8468"},
          {"state", "doubted"}, {"answered_ago_s", answered_ago},
          {"up_s", 3600},       {"srtt_ms", round_trip},
          {"failures", 1},      {"depth", 3}};
}
Json record(const std::string& id, const Json& type) {
  return {{"id", id},
          {"type", type},
          {"value_bytes", 21},
          {"published_ago_s", 60},
          {"stored_ago_s", 5},
          {"expires_in_s", 7200},
          {"is_in_memory", !type.is_null()}};
}

class ListCommandsTest : public testing::Test {
 protected:
  // Runs the command while a node that answers `pages`, one after the other, listens.
  CommandOutcome run(CommandFunction command, const std::vector<Json>& pages,
                     std::vector<std::string> words) {
    asked_.clear();
    ControlSocket node(
        directory_.path(),
        [&](std::string_view line) {
          asked_.push_back(Json::parse(line));
          return Json{{"result", pages.at(asked_.size() - 1)}}.dump();
        },
        [](const std::string& sentence) { return sentence; }, [](int socket) { close(socket); });
    EXPECT_FALSE(node.open());
    words.insert(words.end(), {"--data-dir", directory_.path()});
    return outcome_of(command, words);
  }

  TemporaryDirectory directory_;
  std::vector<Json> asked_;
};

TEST_F(ListCommandsTest, ContactsOfAllPagesAreLinesOfOneTable) {
  const std::vector<Json> pages = {
      {{"contacts", {contact("aa", 65, 12.25)}}, {"next", "bb"}},
      {{"contacts", Json::array()}, {"next", "cc"}},
      {{"contacts", {contact("cc", nullptr, nullptr)}}},
  };
  const CommandOutcome shown = run(contacts_command, pages, {"--near", "a", "--state", "doubted"});
  EXPECT_EQ(shown.code, ExitCode::done) << shown.error;
  ASSERT_EQ(asked_.size(), 3u);
  EXPECT_EQ(asked_[0], Json::parse(R"({"command": "contacts", "near": "a", "state": "doubted"})"));
  EXPECT_EQ(asked_[2].at("from"), "cc");
  EXPECT_EQ(asked_[2].at("near"), "a");
  std::istringstream lines(shown.out);
  std::vector<std::vector<std::string>> words;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    words.emplace_back(std::istream_iterator<std::string>(in),
                       std::istream_iterator<std::string>());
  }
  using Words = std::vector<std::string>;
  ASSERT_EQ(words.size(), 3u);
  EXPECT_EQ(words[0], (Words{"ID", "ENDPOINT", "STATE", "DEPTH", "ANSWERED", "RTT", "FAILURES"}));
  EXPECT_EQ(words[1], (Words{"aa", "192.0.2.7:8468", "doubted", "3", "1m5s", "12.2", "ms", "1"}));
  EXPECT_EQ(words[2], (Words{"cc", "192.0.2.7:8468", "doubted", "3", "never", "-", "1"}));
}

TEST_F(ListCommandsTest, AllPagesAreOneListOfJson) {
  const std::vector<Json> pages = {{{"contacts", {contact("aa", 1, 1.5)}}, {"next", "bb"}},
                                   {{"contacts", {contact("bb", 2, 2.5)}}}};
  const Json list = Json::parse(run(contacts_command, pages, {"--json"}).out);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1], contact("bb", 2, 2.5));
  EXPECT_EQ(run(contacts_command, {{{"contacts", Json::array()}}}, {"--json"}).out, "[]\n");
  EXPECT_EQ(run(contacts_command, {{{"contacts", Json::array()}}}, {}).out, "no contacts\n");
  EXPECT_EQ(run(records_command, {{{"records", Json::array()}}}, {}).out, "no records\n");
  EXPECT_EQ(run(records_command, {{{"records", Json::array()}}}, {"--json"}).out, "[]\n");
}

TEST_F(ListCommandsTest, RecordsOfAllPagesAreLinesOfOneTable) {
  const std::vector<Json> pages = {
      {{"records", {record("aa", "str"), record("bb", nullptr)}}, {"next", "cc"}},
      {{"records", {record("cc", "int"), record("dd", "bool")}}}};
  EXPECT_EQ(
      run(records_command, pages, {}).out,
      "ID                                        TYPE    BYTES   PUBLISHED  EXPIRES IN\n" + [] {
        std::string rows;
        for (const auto& [id, type] : {std::pair("aa", "str  "), std::pair("bb", "-    "),
                                       std::pair("cc", "int  "), std::pair("dd", "bool ")}) {
          rows +=
              std::string(id) + std::string(40, ' ') + type + "      21          1m          2h\n";
        }
        return rows;
      }());
  ASSERT_EQ(asked_.size(), 2u);
  EXPECT_EQ(asked_[0], Json::parse(R"({"command": "records"})"));
  EXPECT_EQ(asked_[1], Json::parse(R"({"command": "records", "from": "cc"})"));
  EXPECT_EQ(run(records_command, pages, {"--prefix", "a", "--prefix", "b"}).code, ExitCode::usage);
}

TEST_F(ListCommandsTest, RecordsAreAskedForByKeyIdOrPrefix) {
  const std::string id = key_digest("a").hex();
  const std::vector<Json> one = {{{"records", {record(id, "str")}}}};
  EXPECT_NE(run(records_command, one, {"a"}).out.find(id + "  str        21"), std::string::npos);
  EXPECT_EQ(asked_.at(0).at("id"), id);
  EXPECT_EQ(Json::parse(run(records_command, one, {id, "--json"}).out).at(0), record(id, "str"));
  EXPECT_EQ(asked_.at(0).at("id"), id);
  const std::vector<Json> cold = {{{"records", {record(id, nullptr)}}}};
  EXPECT_NE(run(records_command, cold, {"--prefix", "86"}).out.find(id + "  -  "),
            std::string::npos);
  EXPECT_EQ(asked_.at(0), Json::parse(R"({"command": "records", "prefix": "86"})"));
  const std::vector<Json> none = {{{"records", Json::array()}}};
  const CommandOutcome absent = run(records_command, none, {"a"});
  EXPECT_EQ(absent.code, ExitCode::not_found);
  EXPECT_NE(absent.error.find("does not hold \"a\""), std::string::npos) << absent.error;
  EXPECT_EQ(run(records_command, none, {"a", "--prefix", "86"}).code, ExitCode::usage);
  EXPECT_EQ(run(records_command, none, {"a", "--id", id}).code, ExitCode::usage);
}

}  // namespace
}  // namespace xord
