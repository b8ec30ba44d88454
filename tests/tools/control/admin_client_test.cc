// What a command makes of whatever answers at a node's admin port, and that a real node says there
// what it says over its control socket.
#include "tools/control/admin_client.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "node/server/admin/admin.h"
#include "node/server/node_doors.h"
#include "tests/node/server/server_fixture.h"
#include "tests/tools/control/http_node.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"
#include "tools/control/control_client.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

struct Refusal {
  ExitCode code = ExitCode::done;
  std::string sentence;  // Empty: there was none.
  bool is_gone = false;
};

Refusal refusal_of(const std::string& url, const Json& request, Duration timeout = minutes(1),
                   const std::string& token = "") {
  try {
    AdminClient(parse_admin_url(url), token).ask(request, timeout);
  } catch (const NodeGone& gone) {
    return {gone.code(), gone.what(), true};
  } catch (const Failure& failure) {
    return {failure.code(), failure.what(), false};
  }
  return {};
}

// What becomes of a node's answer, whose bytes these are.
Refusal refusal(const std::string& answer, const std::string& token = "") {
  const HttpNode node({answer});
  Refusal refused = refusal_of(node.url(), {{"command", "status"}}, minutes(1), token);
  const size_t at = refused.sentence.find(node.url());
  if (at != std::string::npos) refused.sentence.replace(at, node.url().size(), "URL");
  return refused;
}

// A port or path on which a test listens and never takes a connection.
class Silence {
 public:
  Silence() {
    SocketAddress address;
    socklen_t size = write_socket_address(Endpoint::ipv4(INADDR_LOOPBACK, 0), &address);
    EXPECT_EQ(bind(socket_, &address.any, size), 0);
    EXPECT_EQ(getsockname(socket_, &address.any, &size), 0);
    endpoint_ = endpoint_of(address);
  }
  ~Silence() { close(socket_); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

  void listen() const { EXPECT_EQ(::listen(socket_, 8), 0); }
  std::string url() const { return "http://" + endpoint_.text(); }

 private:
  const int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Endpoint endpoint_;
};

TEST(AdminClient, AsksOverAConnectionEachAndReturnsTheBody) {
  const HttpNode node({http_answer(200, R"({"a":1})"), http_answer(202, "{}"),
                       "HTTP/1.0 200 OK\r\n\r\n{\"b\":\"" + std::string(300'000, 'x') + "\"}\n"});
  AdminClient client(parse_admin_url(node.url()), "");
  NodeClient& asked = client;
  EXPECT_EQ(asked.ask({{"command", "status"}}), Json({{"a", 1}}));
  EXPECT_EQ(asked.ask({{"command", "log-level"}, {"level", "off"}}), Json::object());
  EXPECT_EQ(asked.ask({{"command", "stats"}}), Json({{"b", std::string(300'000, 'x')}}))
      << "in pieces, without a length";
  ASSERT_EQ(node.requests().size(), 3u);
  EXPECT_EQ(node.requests()[0], "GET /v1/status HTTP/1.0\r\nHost: " + node.host() +
                                    "\r\nConnection: close\r\nAccept: application/json\r\n\r\n");
  EXPECT_TRUE(node.requests()[1].starts_with("POST /v1/log-level HTTP/1.0\r\n"));
  EXPECT_TRUE(node.requests()[1].ends_with("\r\n\r\n{\"level\":\"off\"}"));
}

TEST(AdminClient, SendsItsTokenWithEachRequest) {
  const HttpNode node({http_answer(200, "{}"), http_answer(200, "{}")});
  AdminClient client(parse_admin_url(node.host()), "0123456789abcdef");
  client.ask({{"command", "status"}});
  client.ask({{"command", "reload"}});
  for (const std::string& request : node.requests()) {
    EXPECT_NE(request.find("\r\nAuthorization: Bearer 0123456789abcdef\r\n"), std::string::npos);
  }
}

TEST(AdminClient, AsksOverAUnixSocketAsLocalhost) {
  const TemporaryDirectory directory;
  const HttpNode node(directory.at("admin"), {http_answer(200, R"({"a":1})")});
  AdminClient client(parse_admin_url(node.url()), "");
  EXPECT_EQ(client.ask({{"command", "health"}}), Json({{"a", 1}}));
  ASSERT_EQ(node.requests().size(), 1u);
  EXPECT_NE(node.requests()[0].find("\r\nHost: localhost\r\n"), std::string::npos);
}

TEST(AdminClient, WhatTheNodeRefusesEndsTheCommandWithItsSentenceAndCode) {
  struct Problem {
    const char* body;
    ExitCode code;
  };
  for (const Problem& each :
       {Problem{R"({"status":503,"detail":"no","code":1})", ExitCode::not_found},
        Problem{R"({"detail":"no","code":2})", ExitCode::usage},
        Problem{R"({"detail":"no","code":4})", ExitCode::environment},
        Problem{R"({"detail":"no"})", ExitCode::environment},
        Problem{R"({"detail":"no","code":0})", ExitCode::environment},
        Problem{R"({"detail":"no","code":130})", ExitCode::environment},
        Problem{R"({"detail":"no","code":"1"})", ExitCode::environment},
        Problem{R"({"detail":"no","code":-1})", ExitCode::environment}}) {
    const Refusal refused = refusal(http_answer(503, each.body));
    EXPECT_EQ(refused.code, each.code) << each.body;
    EXPECT_EQ(refused.sentence, "no") << each.body;
    EXPECT_FALSE(refused.is_gone) << each.body;
  }
}

TEST(AdminClient, AMissingTokenAndAnotherOneAreSaidToBe) {
  const std::string answer = http_answer(401, R"({"detail":"send a token","code":1})");
  const Refusal missing = refusal(answer);
  EXPECT_EQ(missing.code, ExitCode::not_found);
  EXPECT_EQ(missing.sentence,
            "the node at URL wants a token: name the file that has it by --admin-token-file");
  const Refusal wrong = refusal(answer, "0123456789abcdef");
  EXPECT_EQ(wrong.code, ExitCode::not_found);
  EXPECT_EQ(wrong.sentence,
            "the node at URL has another token: name the file that its setting admin-token-file "
            "names, or a copy of it");
}

TEST(AdminClient, AnAnswerThatIsNoneOfANodeIsSaidToBe) {
  for (const std::string body : {"", "no json", "[]", "1", R"({"a":)"}) {
    const Refusal refused = refusal(http_answer(200, body));
    EXPECT_EQ(refused.code, ExitCode::environment) << body;
    EXPECT_EQ(refused.sentence,
              "the node's answer is not understood; it may be a different version of xord")
        << body;
  }
  for (const std::string body : {"<html>", "{}", R"({"detail":7})", "[]"}) {
    const Refusal refused = refusal(http_answer(502, body));
    EXPECT_EQ(refused.code, ExitCode::environment) << body;
    EXPECT_EQ(
        refused.sentence,
        "what answers at URL says 502, and not as a node does; it may not be the node's admin port")
        << body;
  }
  EXPECT_NE(refusal(http_answer(302, "{}")).sentence.find("says 302"), std::string::npos);
  EXPECT_NE(refusal(http_answer(199, "{}")).sentence.find("says 199"), std::string::npos);
  EXPECT_EQ(refusal(http_answer(299, "{}")).sentence, "");
  EXPECT_NE(refusal(http_answer(300, "{}")).sentence.find("says 300"), std::string::npos);
}

TEST(AdminClient, AnAnswerMayBeNestedThirtyTwoDeepAndNoDeeper) {
  const auto nested = [](int status, size_t depth) {  // With the object that holds it.
    return http_answer(
        status, "{\"detail\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}");
  };
  EXPECT_EQ(refusal(nested(200, 32)).sentence, "");
  for (const int status : {200, 400}) {
    EXPECT_EQ(refusal(nested(status, 33)).sentence,
              "the node's answer is nested more than 32 deep, which this xord does not understand: "
              "it may be a different version");
  }
}

TEST(AdminClient, WhatIsNotHttpIsGivenUpAtItsFirstBytes) {
  const Refusal refused = refusal("SSH-2.0-OpenSSH_9.2\r\n");
  EXPECT_EQ(refused.code, ExitCode::environment);
  EXPECT_EQ(refused.sentence,
            "what answers at URL does not speak HTTP; it may not be the node's admin port");
  EXPECT_FALSE(refused.is_gone);
}

TEST(AdminClient, ANodeThatHangsUpOrDoesNotListenIsGone) {
  for (const std::string begun : {"", "HTTP/1.1 200 OK\r\nContent-Le"}) {
    const Refusal refused = refusal(begun);
    EXPECT_EQ(refused.code, ExitCode::environment) << begun;
    EXPECT_EQ(refused.sentence, "the node at URL hung up before it answered; it may have stopped");
    EXPECT_TRUE(refused.is_gone) << begun;
  }
  const Silence closed;
  const Refusal refused = refusal_of(closed.url(), {{"command", "status"}});
  EXPECT_EQ(refused.code, ExitCode::environment);
  EXPECT_EQ(refused.sentence, "cannot connect to " + closed.url() +
                                  ": Connection refused; check that a node's admin port is there");
  EXPECT_TRUE(refused.is_gone);
  const Refusal absent = refusal_of("unix:/proc/nowhere", {{"command", "status"}});
  EXPECT_EQ(absent.sentence,
            "cannot connect to unix:/proc/nowhere: No such file or directory; check that a "
            "node's admin port is there");
  EXPECT_TRUE(absent.is_gone);
  EXPECT_FALSE(refusal_of("unix:/proc/version/x", {{"command", "status"}}).is_gone);
}

TEST(AdminClient, ANodeThatDoesNotAnswerInTimeIsGivenUpAndNotGone) {
  const Silence silent;
  silent.listen();
  const Refusal refused = refusal_of(silent.url(), {{"command", "status"}}, milliseconds(20));
  EXPECT_EQ(refused.code, ExitCode::environment);
  EXPECT_EQ(refused.sentence, "the node did not answer over " + silent.url() +
                                  " within 20ms; its host may be overloaded");
  EXPECT_FALSE(refused.is_gone);
}

TEST(AdminClient, ANameWithoutAnAddressIsSaidToBe) {
  const Refusal refused = refusal_of("nosuchhost.invalid:9", {{"command", "status"}});
  EXPECT_EQ(refused.code, ExitCode::environment);
  EXPECT_TRUE(refused.sentence.starts_with("nosuchhost.invalid:9: ")) << refused.sentence;
  EXPECT_TRUE(refused.sentence.ends_with("; check the name in --admin")) << refused.sentence;
}

TEST(AdminClient, EachAddressOfANameIsTried) {
  const HttpNode node({http_answer(200, R"({"a":1})")});  // On 127.0.0.1 alone.
  const std::string port = node.host().substr(node.host().find(':'));
  AdminClient client(parse_admin_url("localhost" + port), "");
  EXPECT_EQ(client.ask({{"command", "status"}}), Json({{"a", 1}}));
  EXPECT_NE(node.requests().at(0).find("\r\nHost: localhost" + port + "\r\n"), std::string::npos);
}

TEST(AdminClient, AnInterruptEndsTheWait) {
  const Silence silent;
  silent.listen();
  {
    const Interrupt interrupt;
    kill(getpid(), SIGINT);
    EXPECT_EQ(refusal_of(silent.url(), {{"command", "status"}}, hours(1)).code,
              ExitCode::interrupted);
  }
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

// Without what differs from one reading to the next: numbers, and the sentences about them.
Json steady(Json json) {
  if (json.is_number()) return 0;
  if (json.is_object()) json.erase("detail");
  if (json.is_structured()) {
    for (auto& each : json) each = steady(each);
  }
  return json;
}

class AdminClientOfANode : public testing::Test {
 protected:
  AdminClientOfANode() {
    std::ofstream(directory_.at("token")) << "0123456789abcdef\n";
    chmod(directory_.at("token").c_str(), 0600);
    ServerConfig config = loopback_config(directory_.at("data"), 2);
    config.admin = {{own_loopback(), "", false}};
    config.admin_token_file = directory_.at("token");
    ServerHooks hooks;
    hooks.shut_down = [] {};
    admin_ = std::make_unique<Admin>(config, node_doors(), hooks);
    const auto error = admin_->start();
    EXPECT_FALSE(error) << error->sentence;
    EXPECT_TRUE(eventually([&] { return admin_->health().state == HealthState::ready; }));
  }
  std::string data_dir() const { return directory_.at("data"); }
  std::string url() const { return admin_->admin_addresses().at(0); }

  TemporaryDirectory directory_;
  std::unique_ptr<Admin> admin_;
};

TEST_F(AdminClientOfANode, EachCommandHasTheResultThatTheControlSocketGives) {
  AdminClient over_tcp(parse_admin_url(url()), "0123456789abcdef");
  AdminClient over_unix(parse_admin_url("unix:" + data_dir() + "/control"), "");
  for (const Json& request :
       std::vector<Json>{{{"command", "status"}},
                         {{"command", "health"}},
                         {{"command", "stats"}},
                         {{"command", "contacts"}, {"near", "ff"}, {"state", "silent"}},
                         {{"command", "records"}},
                         {{"command", "records"}, {"id", std::string(40, 'a')}},
                         {{"command", "explain"}, {"address", "2001:db8::7"}},
                         {{"command", "limits"}},
                         {{"command", "limits"}, {"address", "192.0.2.7"}},
                         {{"command", "log-level"}, {"level", "off"}},
                         {{"command", "shutdown"}}}) {
    Json expected;
    Json answer;
    EXPECT_TRUE(eventually([&] {  // What the node does may change in between.
      expected = steady(ControlClient(data_dir()).ask(request));
      answer = steady(over_tcp.ask(request));
      return answer == expected && steady(over_unix.ask(request)) == expected;
    })) << request
        << expected << answer;
    EXPECT_FALSE(expected.empty()) << request;
  }
}

TEST_F(AdminClientOfANode, EachRefusalIsTheOneOfTheControlSocket) {
  for (const Json& request :
       std::vector<Json>{{{"command", "contacts"}, {"state", "up"}},
                         {{"command", "contacts"}, {"near", "x"}},
                         {{"command", "records"}, {"prefix", ""}},
                         {{"command", "limits"}, {"by", "none"}},
                         {{"command", "explain"}, {"address", "x"}},
                         {{"command", "log-level"}, {"level", "loud"}},
                         {{"command", "reload"}}}) {  // A server without hooks reads no settings.
    Refusal expected;
    try {
      ControlClient(data_dir()).ask(request);
    } catch (const Failure& failure) {
      expected = {failure.code(), failure.what(), false};
    }
    EXPECT_NE(expected.sentence, "") << request;
    const Refusal refused = refusal_of(url(), request, minutes(1), "0123456789abcdef");
    EXPECT_EQ(refused.sentence, expected.sentence) << request;
    EXPECT_EQ(refused.code, expected.code) << request;
  }
}

TEST_F(AdminClientOfANode, AChangeOverTcpNeedsTheTokenAndALookDoesNot) {
  const Json change = {{"command", "log-level"}, {"level", "off"}};
  EXPECT_NE(refusal_of(url(), change).sentence.find(" wants a token"), std::string::npos);
  EXPECT_NE(
      refusal_of(url(), change, minutes(1), "fedcba9876543210").sentence.find(" has another token"),
      std::string::npos);
  EXPECT_EQ(refusal_of(url(), change, minutes(1), "0123456789abcdef").sentence, "");
  EXPECT_EQ(refusal_of(url(), {{"command", "status"}}).sentence, "");
}

}  // namespace
}  // namespace xord
