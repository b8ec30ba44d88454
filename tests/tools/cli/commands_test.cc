// The client commands over real sockets, to a network of one node: what they print, in both forms,
// and how they end.
#include "tools/cli/commands.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "node/server/calls/key_digest.h"
#include "node/server/server.h"
#include "tests/temporary_directory.h"
#include "tests/tools/command_outcome.h"
#include "tests/tools/one_node.h"
#include "tools/cli/node_address.h"
#include "tools/cli/show_value.h"

namespace xord {
namespace {

using Words = std::vector<std::string>;

class CommandsTest : public testing::Test {
 protected:
  CommandOutcome run(CommandFunction command, const Words& words) const {
    return outcome_of(command, words, {{"XDG_CACHE_HOME", cache_.path()}});
  }
  nlohmann::json json(CommandFunction command, Words words) const {
    words.insert(words.begin(), "--json");
    const CommandOutcome outcome = run(command, words);
    EXPECT_EQ(outcome.code, ExitCode::done) << outcome.error;
    return nlohmann::json::parse(outcome.out);
  }

  TemporaryDirectory cache_;
};

TEST_F(CommandsTest, PingTellsIdEndpointAndRoundTrip) {
  const OneNode node;
  const nlohmann::json result = json(ping_command, {node.endpoint()});
  EXPECT_EQ(result.at("id"), node.id().hex());
  EXPECT_EQ(result.at("endpoint"), node.endpoint());
  EXPECT_GT(result.at("rtt_ms").get<double>(), 0);
  EXPECT_EQ(result.size(), 3u);
  const std::string text = run(ping_command, {node.endpoint()}).out;
  EXPECT_EQ(text.rfind(node.id().hex() + " at " + node.endpoint() + " answered in ", 0), 0u);
}

TEST_F(CommandsTest, ANodeIsReachedByIpv6AndByName) {
  const OneNode v6(OnRequest::answer, AF_INET6);
  if (!v6.is_bound()) GTEST_SKIP() << "this host has no IPv6";
  EXPECT_EQ(json(ping_command, {v6.endpoint()}).at("endpoint"), v6.endpoint());
  const OneNode v4;
  const std::string port = v4.endpoint().substr(v4.endpoint().find(':'));
  EXPECT_EQ(json(ping_command, {"localhost" + port}).at("endpoint"), v4.endpoint());
}

TEST_F(CommandsTest, FindListsTheNodes) {
  const OneNode node;
  const nlohmann::json list = json(find_command, {"key", "--via", node.endpoint()});
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].at("id"), node.id().hex());
  EXPECT_EQ(list[0].at("endpoint"), node.endpoint());
  EXPECT_GT(list[0].at("rtt_ms").get<double>(), 0);
  const std::string text = run(find_command, {"key", "--via", node.endpoint()}).out;
  EXPECT_EQ(text.rfind(node.id().hex() + "  " + node.endpoint(), 0), 0u);
}

TEST_F(CommandsTest, FindIsATableOfIdEndpointAndRoundTrip) {
  const OneNode node;
  const std::string text = run(find_command, {"key", "--via", node.endpoint()}).out;
  // An id, two spaces, the endpoint in 22 columns, and milliseconds to the microsecond in ten.
  ASSERT_EQ(text.size(), 40u + 2 + 22 + 10 + 4) << text;
  EXPECT_EQ(text.substr(0, 42), node.id().hex() + "  ");
  const std::string columns = node.endpoint() + std::string(22 - node.endpoint().size(), ' ');
  EXPECT_EQ(text.substr(42, 22), columns);
  EXPECT_EQ(text[text.size() - 8], '.') << text;
  EXPECT_TRUE(text.ends_with(" ms\n"));
}

// What it learns of a node is kept for the next command, by the endpoint that was asked.
TEST_F(CommandsTest, TheIdOfTheNodeThatAnsweredIsRemembered) {
  const OneNode node;
  EXPECT_EQ(run(find_command, {"key", "--via", node.endpoint()}).code, ExitCode::done);
  std::ifstream kept(cache_.at("xord/named-ids"));
  std::string line;
  while (std::getline(kept, line)) {
    EXPECT_EQ(line.rfind(node.endpoint() + " ", 0), 0u) << line;
  }
}

TEST_F(CommandsTest, ATimeoutIsMoreThanNothingAndAtMostAnHour) {
  const OneNode node;
  for (const std::string timeout : {"1h", "3600s", "60m"}) {
    EXPECT_EQ(run(ping_command, {node.endpoint(), "--timeout", timeout}).code, ExitCode::done);
  }
  for (const std::string timeout : {"0", "0s", "3600001ms", "2h"}) {
    const CommandOutcome refused = run(ping_command, {node.endpoint(), "--timeout", timeout});
    EXPECT_EQ(refused.code, ExitCode::usage);
    EXPECT_EQ(refused.error,
              "--timeout \"" + timeout + "\" is out of range: write more than 0 and at most 1h");
  }
  const CommandOutcome twice =
      run(ping_command, {node.endpoint(), "--timeout", "1s", "--timeout", "2s"});
  EXPECT_EQ(twice.error, "--timeout is given 2 times: give it once");
}

TEST_F(CommandsTest, AsManyNodesToStartFromAsAClientKnowsAreTaken) {
  const OneNode node;
  Words words = {"k", "--via", node.endpoint()};
  for (int i = 1; i < 64; ++i) words.insert(words.end(), {"--via", node.endpoint()});
  EXPECT_EQ(run(find_command, words).code, ExitCode::done);
  words.insert(words.end(), {"--via", node.endpoint()});
  const CommandOutcome refused = run(find_command, words);
  EXPECT_EQ(refused.code, ExitCode::usage);
  EXPECT_EQ(refused.error, "there are 65 nodes to start from: name at most 64");
}

TEST_F(CommandsTest, ANameWithoutAnAddressAmongOthersIsOnlyMentioned) {
  const OneNode node;
  const Words words = {"k", "--via", "nosuchhost.invalid:9", "--via", node.endpoint()};
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}};
  EXPECT_EQ(find_command(words, terminal), ExitCode::done);
  EXPECT_EQ(err.str().rfind("xord: nosuchhost.invalid has no address: ", 0), 0u) << err.str();
  EXPECT_TRUE(err.str().ends_with(".\n"));
  const CommandOutcome two =
      run(find_command, {"k", "--via", "a.invalid:9", "--via", "b.invalid:9"});
  EXPECT_EQ(two.code, ExitCode::no_answer);
  EXPECT_EQ(two.error.rfind("a.invalid has no address: ", 0), 0u);
  EXPECT_NE(two.error.find("; b.invalid has no address: "), std::string::npos);
  EXPECT_TRUE(two.error.ends_with("; check the name, or write an address"));
}

TEST_F(CommandsTest, ANodeThatIsSilentIsToldWithTheTimeThatItHad) {
  const OneNode node(OnRequest::keep_silent);
  const CommandOutcome outcome =
      run(get_command, {"k", "--via", node.endpoint(), "--timeout", "30ms"});
  EXPECT_EQ(outcome.code, ExitCode::no_answer);
  EXPECT_EQ(outcome.error, "no answer from " + node.endpoint() +
                               " within 30ms; check that a node is running there and that UDP "
                               "reaches it");
}

struct Typed {
  std::string type;
  std::string text;
  std::string printed;
  nlohmann::json value;
};

TEST_F(CommandsTest, AValueOfEveryTypeComesBackAsItWasSet) {
  const OneNode node;
  const std::vector<Typed> all = {
      {"str", "hello", "hello\n", "hello"},
      {"str", "", "\n", ""},
      {"str", "gr\u00fc\u00df dich", "gr\u00fc\u00df dich\n", "gr\u00fc\u00df dich"},
      {"int", "-9223372036854775808", "-9223372036854775808\n", INT64_MIN},
      {"int", "18446744073709551615", "18446744073709551615\n", UINT64_MAX},
      {"float", "1", "1.0\n", 1.0},
      {"float", "nan", "nan\n", "nan"},
      {"float", "-inf", "-inf\n", "-inf"},
      {"bool", "false", "false\n", false},
      {"bytes", "raw", "raw", "726177"},
      {"bytes", "hex:00ff0a", std::string("\0\xff\n", 3), "00ff0a"}};
  for (const Typed& typed : all) {
    const nlohmann::json set =
        json(set_command, {"k", "--via", node.endpoint(), "--type", typed.type, "--", typed.text});
    EXPECT_EQ(set, nlohmann::json({{"key", "k"},
                                   {"type", typed.type},
                                   {"stored", 1},
                                   {"asked", 1},
                                   {"refused", 0},
                                   {"silent", 0}}));
    EXPECT_EQ(run(get_command, {"k", "--via", node.endpoint()}).out, typed.printed) << typed.text;
    const nlohmann::json got = json(get_command, {"k", "--via", node.endpoint()});
    EXPECT_EQ(got, nlohmann::json({{"key", "k"}, {"type", typed.type}, {"value", typed.value}}));
  }
}

std::string hex_of(const std::string& key) {
  return key_digest(key).hex();
}

TEST_F(CommandsTest, AKeyMayBeGivenByItsId) {
  const OneNode node;
  const std::string id = hex_of("k");
  EXPECT_EQ(json(set_command, {"--id", id, "v", "--via", node.endpoint()}).at("id"), id);
  EXPECT_EQ(run(get_command, {"k", "--via", node.endpoint()}).out, "v\n");
  EXPECT_EQ(json(get_command, {"--id", id, "--via", node.endpoint()}),
            nlohmann::json({{"id", id}, {"type", "str"}, {"value", "v"}}));
  EXPECT_EQ(json(find_command, {"--id", id, "--via", node.endpoint()}).size(), 1u);
  // Without the flag it is text, from which another key is derived.
  const CommandOutcome missing = run(get_command, {id, "--via", node.endpoint()});
  EXPECT_EQ(missing.code, ExitCode::not_found);
  EXPECT_EQ(missing.error,
            "no node has a value for \"" + id + "\"; if that is an id, write --id before it");
}

TEST_F(CommandsTest, AValueIsReadFromAFileByteForByte) {
  const OneNode node;
  const std::string path = cache_.at("value");
  const auto set = [&](const std::string& content, const Words& more) {
    std::ofstream(path, std::ios::binary) << content;
    Words words = {"k", "--file", path, "--via", node.endpoint()};
    words.insert(words.end(), more.begin(), more.end());
    return run(set_command, words);
  };
  const auto got = [&] { return run(get_command, {"k", "--via", node.endpoint()}).out; };
  EXPECT_EQ(set("two\nlines\n", {}).code, ExitCode::done);
  EXPECT_EQ(got(), "two\nlines\n\n");
  EXPECT_EQ(set("hex:00", {"--type", "bytes"}).code, ExitCode::done);
  EXPECT_EQ(got(), "hex:00");
  EXPECT_EQ(set(std::string("\0\xff", 2), {"--type", "bytes"}).code, ExitCode::done);
  EXPECT_EQ(got(), std::string("\0\xff", 2));
  EXPECT_EQ(set("42\n", {"--type", "int"}).code, ExitCode::done);
  EXPECT_EQ(got(), "42\n");
  EXPECT_EQ(set(std::string(8137, 'x'), {}).code, ExitCode::done);
  EXPECT_EQ(set(std::string(8138, 'x'), {}).code, ExitCode::usage);
  EXPECT_EQ(set(std::string(1 << 20, 'x'), {}).error,
            "the VALUE is too long: a value has at most 8140 bytes on the wire");
  EXPECT_EQ(set("v", {"--", "w"}).code, ExitCode::usage);
  const CommandOutcome directory =
      run(set_command, {"k", "--file", cache_.path(), "--via", node.endpoint()});
  EXPECT_EQ(directory.code, ExitCode::environment);
  EXPECT_EQ(run(set_command, {"k", "--via", node.endpoint(), "--", "-"}).code, ExitCode::done);
  EXPECT_EQ(got(), "-\n");
}

TEST_F(CommandsTest, AMissingPortIsTheUsualOneAndAnyAddressIsThisHost) {
  const OneNode node;
  const std::string port = node.endpoint().substr(node.endpoint().find(':'));
  EXPECT_EQ(json(ping_command, {"0.0.0.0" + port}).at("endpoint"), node.endpoint());
  EXPECT_EQ(json(ping_command, {"rpcudp://127.0.0.1" + port}).at("endpoint"), node.endpoint());
  EXPECT_EQ(text_of(parse_node_address("node.example")), "node.example:8468");
  EXPECT_EQ(text_of(parse_node_address("192.0.2.1")), "192.0.2.1:8468");
  EXPECT_EQ(text_of(parse_node_address("0.0.0.0")), "127.0.0.1:8468");
  EXPECT_EQ(text_of(parse_node_address("::")), "[::1]:8468");
  EXPECT_EQ(text_of(parse_node_address("[::]:9")), "[::1]:9");
  EXPECT_EQ(text_of(parse_node_address("2001:db8::1")), "[2001:db8::1]:8468");
  EXPECT_EQ(text_of(parse_node_address("[2001:db8::1]")), "[2001:db8::1]:8468");
  EXPECT_EQ(text_of(parse_node_address("2001:db8:1:2:3:4:5:6")), "[2001:db8:1:2:3:4:5:6]:8468");
  EXPECT_EQ(text_of(parse_node_address("fe80::1%eth0")), "[fe80::1%eth0]:8468");
  for (const std::string text : {"", ":", ":9", "a:", "a:b", "a:0", "a:65536", "a b", "a/b", "[::1",
                                 "::1]", "1:2:3", "rpcudp://", "http://a", "2001:db8::1:22"}) {
    EXPECT_THROW(parse_node_address(text), Failure) << text;
  }
}

TEST_F(CommandsTest, SeveralPingsEndInASummary) {
  const OneNode node;
  const Words series = {"--count", "3", "--interval", "1ms"};
  Words words = {node.endpoint()};
  words.insert(words.end(), series.begin(), series.end());
  const CommandOutcome outcome = run(ping_command, words);
  EXPECT_EQ(outcome.code, ExitCode::done);
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 4);
  EXPECT_NE(outcome.out.find("\n3 sent, 3 answered, 0.0 % lost; min/avg/max "), std::string::npos);
  const nlohmann::json shown = json(ping_command, words);
  EXPECT_EQ(shown.at("sent"), 3);
  EXPECT_EQ(shown.at("answered"), 3);
  EXPECT_EQ(shown.at("loss_share"), 0.0);
  EXPECT_EQ(shown.at("id"), node.id().hex());
  EXPECT_LE(shown.at("rtt_ms").at("min"), shown.at("rtt_ms").at("avg"));
  EXPECT_LE(shown.at("rtt_ms").at("avg"), shown.at("rtt_ms").at("max"));
  const CommandOutcome lost =
      run(ping_command, {"127.94.94.94:9", "--count", "2", "--interval", "1ms"});
  EXPECT_EQ(lost.code, ExitCode::no_answer);
  EXPECT_NE(lost.out.find("\n2 sent, 0 answered, 100.0 % lost\n"), std::string::npos) << lost.out;
}

TEST_F(CommandsTest, OfASeriesTheAnsweredOnesMakeTheFigures) {
  const OneNode node(OnRequest::answer_the_first);
  const Words words = {node.endpoint(), "--count", "4", "--interval", "1ms", "--timeout", "50ms"};
  const CommandOutcome outcome = run(ping_command, words);
  EXPECT_EQ(outcome.code, ExitCode::done) << "one was answered";
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 5);
  EXPECT_EQ(node.requests_count(), 4) << "without retries";
  const std::string answered = " answered in ";
  const size_t at = outcome.out.find(answered) + answered.size();
  const std::string only = outcome.out.substr(at, outcome.out.find(" ms", at) - at);
  EXPECT_TRUE(outcome.out.ends_with("\n4 sent, 1 answered, 75.0 % lost; min/avg/max " + only + "/" +
                                    only + "/" + only + " ms\n"))
      << outcome.out;
  EXPECT_NE(outcome.out.find("\nno answer from " + node.endpoint() + " within 50ms; check that"),
            std::string::npos);
  const OneNode again(OnRequest::answer_the_first);
  const nlohmann::json shown = json(
      ping_command, {again.endpoint(), "--count", "2", "--interval", "1ms", "--timeout", "50ms"});
  EXPECT_EQ(shown.at("sent"), 2);
  EXPECT_EQ(shown.at("answered"), 1);
  EXPECT_EQ(shown.at("loss_share"), 0.5);
  EXPECT_EQ(shown.at("endpoint"), again.endpoint());
  const nlohmann::json& times = shown.at("rtt_ms");
  EXPECT_EQ(times.at("min"), times.at("max"));
  EXPECT_EQ(times.at("min"), times.at("avg"));
}

TEST_F(CommandsTest, ASeriesHasItsBounds) {
  const OneNode node;
  const auto code = [&](const std::string& count, const std::string& interval) {
    return run(ping_command, {node.endpoint(), "--count", count, "--interval", interval}).code;
  };
  EXPECT_EQ(code("1", "7d"), ExitCode::done) << "after the last one it waits for nothing";
  EXPECT_EQ(code("0", "1s"), ExitCode::usage);
  EXPECT_EQ(code("1000000001", "1s"), ExitCode::usage);
  EXPECT_EQ(code("1", "999us"), ExitCode::usage);
  EXPECT_EQ(code("1", "8d"), ExitCode::usage);
}

TEST_F(CommandsTest, AnInterruptEndsASeriesOfPingsWithItsSummary) {
  const OneNode node(OnRequest::interrupt_the_process);
  const CommandOutcome outcome =
      run(ping_command, {node.endpoint(), "--count", "9", "--timeout", "1h"});
  EXPECT_EQ(outcome.code, ExitCode::no_answer);
  EXPECT_EQ(outcome.out, "0 sent, 0 answered, 0.0 % lost\n");
}

TEST_F(CommandsTest, SetSaysOnHowManyNodesTheValueLanded) {
  const OneNode node;
  EXPECT_EQ(run(set_command, {"k", "v", "--via", node.endpoint()}).out, "stored on 1 of 1 node\n");
}

TEST_F(CommandsTest, WhatIsNotThereIsNotFoundAndWhatIsRefusedIsRefused) {
  const OneNode node(OnRequest::refuse_stores);
  const CommandOutcome missing = run(get_command, {"k", "--via", node.endpoint()});
  EXPECT_EQ(missing.code, ExitCode::not_found);
  EXPECT_EQ(missing.out, "");
  EXPECT_EQ(missing.error, "no node has a value for \"k\"; store one with `xord set`");
  const CommandOutcome refused = run(set_command, {"k", "v", "--via", node.endpoint()});
  EXPECT_EQ(refused.code, ExitCode::not_found);
  EXPECT_EQ(refused.out, "");
  EXPECT_EQ(refused.error,
            "the only node that answered refused the value; it may be full or starting");
}

TEST_F(CommandsTest, AValueOfAnotherTypeIsShownAsBytesInJsonOnly) {
  const auto shown = [](const std::vector<uint8_t>& packed, ValueForm form, bool on_terminal) {
    std::ostringstream out;
    Terminal terminal{out, out, {}, false, on_terminal};
    show_value({{}, "k", false}, packed, form, terminal);
    return out.str();
  };
  EXPECT_EQ(nlohmann::json::parse(shown({0xc0}, ValueForm::json, false)),
            nlohmann::json({{"key", "k"}, {"type", "other"}, {"value", "c0"}}));
  try {
    shown({0xc0}, ValueForm::plain, false);
    ADD_FAILURE();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ExitCode::not_found);
    EXPECT_EQ(std::string(failure.what()),
              "\"k\" has a value of a type that the library never stores; --json shows its bytes");
  }
  EXPECT_EQ(shown({0xc4, 1, 'x'}, ValueForm::plain, false), "x");
  EXPECT_EQ(shown({0xc4, 1, 'x'}, ValueForm::plain, true), "x\n") << "before the prompt";
  EXPECT_EQ(shown({0xa1, 'x'}, ValueForm::plain, true), "x\n");
}

TEST_F(CommandsTest, OfSeveralNodesToStartFromOneIsEnough) {
  const OneNode node;
  const Words words = {"key", "--via", "127.94.94.94:9", "--via", node.endpoint()};
  EXPECT_EQ(json(find_command, words).at(0).at("id"), node.id().hex());
}

TEST_F(CommandsTest, TheNodeOfADirectoryIsAskedWhereItListensAndKeepsValues) {
  ServerConfig config;
  config.listen = {{DialectName::rpcudp, Endpoint::ipv4(0x7f000001, 0), false}};
  config.data_dir = cache_.at("node");
  config.log_level = LogLevel::off;
  config.shards = 1;
  Server server;
  ASSERT_FALSE(server.start(config));
  EXPECT_EQ(json(ping_command, {"--data-dir", config.data_dir}).at("endpoint"),
            server.endpoints().at(0).text());
  EXPECT_EQ(run(set_command, {"k", "v", "--keep", "--data-dir", config.data_dir}).out,
            "kept, and stored on 1 node\n");
  EXPECT_EQ(json(set_command, {"l", "5", "--type", "int", "--keep", "--data-dir", config.data_dir}),
            nlohmann::json({{"key", "l"}, {"type", "int"}, {"kept", true}, {"stored", 1}}));
  EXPECT_EQ(run(get_command, {"k", "--data-dir", config.data_dir}).out, "v\n");
  EXPECT_EQ(json(published_command, {"--data-dir", config.data_dir}).size(), 2u);
  EXPECT_EQ(run(forget_command, {"k", "--data-dir", config.data_dir}).code, ExitCode::done);
  EXPECT_EQ(run(forget_command, {"k", "--data-dir", config.data_dir}).code, ExitCode::not_found);
  EXPECT_EQ(json(published_command, {"--data-dir", config.data_dir}).size(), 1u);
}

void (*handler_of(int signal))(int) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

TEST_F(CommandsTest, AfterAnInterruptAnotherOneChangesNothing) {
  const OneNode node(OnRequest::interrupt_the_process);
  const CommandOutcome outcome = run(ping_command, {node.endpoint(), "--timeout", "1h"});
  EXPECT_EQ(outcome.code, ExitCode::interrupted);
  EXPECT_EQ(outcome.error, "interrupted");
  EXPECT_EQ(handler_of(SIGINT), SIG_IGN) << "the exit code is on its way";
  EXPECT_EQ(handler_of(SIGTERM), SIG_IGN);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

TEST_F(CommandsTest, WithoutAnInterruptTheHandlersAreTheFormerOnesAgain) {
  const auto before = handler_of(SIGINT);
  const OneNode node;
  EXPECT_EQ(run(ping_command, {node.endpoint()}).code, ExitCode::done);
  EXPECT_EQ(handler_of(SIGINT), before);
}

TEST_F(CommandsTest, AWrongValueIsFoundBeforeAnythingIsSent) {
  const OneNode node;
  EXPECT_EQ(run(set_command, {"k", "x", "--type", "int", "--via", node.endpoint()}).code,
            ExitCode::usage);
  EXPECT_EQ(run(set_command, {"k", std::string(8138, 'x'), "--via", node.endpoint()}).code,
            ExitCode::usage);
  EXPECT_EQ(node.requests_count(), 0);
}

}  // namespace
}  // namespace xord
