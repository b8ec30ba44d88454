// The client commands over real sockets, to a network of one node: what they print, in both forms,
// and how they end.
#include "tools/commands.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/temporary_directory.h"
#include "tests/tools/one_node.h"

namespace xord {
namespace {

using Words = std::vector<std::string>;
using Command = ExitCode (*)(Arguments, Terminal&);

struct Outcome {
  ExitCode code = ExitCode::done;
  std::string out;
  std::string error;  // Of the Failure.
};

class CommandsTest : public testing::Test {
 protected:
  Outcome run(Command command, const Words& words) const {
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{out, err, {{"XDG_CACHE_HOME", cache_.path()}}};
    Outcome outcome;
    try {
      outcome.code = command(words, terminal);
    } catch (const Failure& failure) {
      outcome.code = failure.code();
      outcome.error = failure.what();
    }
    outcome.out = out.str();
    return outcome;
  }
  nlohmann::json json(Command command, Words words) const {
    words.insert(words.begin(), "--json");
    const Outcome outcome = run(command, words);
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

TEST_F(CommandsTest, SetSaysOnHowManyNodesTheValueLanded) {
  const OneNode node;
  EXPECT_EQ(run(set_command, {"k", "v", "--via", node.endpoint()}).out, "stored on 1 of 1 node\n");
}

TEST_F(CommandsTest, WhatIsNotThereIsNotFoundAndWhatIsRefusedIsRefused) {
  const OneNode node(OnRequest::refuse_stores);
  const Outcome missing = run(get_command, {"k", "--via", node.endpoint()});
  EXPECT_EQ(missing.code, ExitCode::not_found);
  EXPECT_EQ(missing.out, "");
  EXPECT_EQ(missing.error, "no node has a value for \"k\"; store one with `xord set`");
  const Outcome refused = run(set_command, {"k", "v", "--via", node.endpoint()});
  EXPECT_EQ(refused.code, ExitCode::not_found);
  EXPECT_EQ(refused.out, "");
}

void (*handler_of(int signal))(int) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

TEST_F(CommandsTest, AfterAnInterruptAnotherOneChangesNothing) {
  const OneNode node(OnRequest::interrupt_the_process);
  const Outcome outcome = run(ping_command, {node.endpoint(), "--timeout", "1h"});
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
