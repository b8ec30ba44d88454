// The control command explain of a running server: which verdict an address gets, and why.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "node/server/admin/admin.h"
#include "node/server/control/control_commands.h"
#include "node/server/node_doors.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::json;

class ControlExplainTest : public testing::Test {
 protected:
  void start(const std::function<void(ServerConfig&)>& change = [](ServerConfig&) {}) {
    ServerConfig config = loopback_config(directory_.path(), 2);
    change(config);
    admin_ = std::make_unique<Admin>(config, node_doors());
    const auto error = admin_->start();
    ASSERT_FALSE(error) << error->sentence;
  }
  Json ask(const Json& request) { return Json::parse(answer_control(*admin_, request.dump())); }
  Json explain(const std::string& address) {
    return ask({{"command", "explain"}, {"address", address}}).at("result");
  }
  uint16_t port() const { return admin_->endpoints().front().port; }

  TemporaryDirectory directory_;
  std::unique_ptr<Admin> admin_;
  RawPeer peer_{5};
};

TEST_F(ControlExplainTest, AStrangerIsPingedFirst) {
  start();
  const Json stranger = explain("192.0.2.7");
  EXPECT_EQ(stranger.at("verdict"), "pinged first");
  EXPECT_EQ(stranger.at("because").size(), 1u);
  EXPECT_EQ(stranger.at("exempt"), false);
  const Json& network = stranger.at("networks").at(0);
  EXPECT_EQ(network.at("network"), "rpcudp");
  EXPECT_EQ(network.at("held"), 0);
  EXPECT_EQ(network.at("passing"), 1);
  EXPECT_EQ(network.at("table").at(0),
            Json::parse(R"({"prefix": "192.0.2.0/24", "contacts": 0, "most": 10})"));
  EXPECT_EQ(network.at("table").at(2).at("prefix"), "192.0.0.0/16");
  EXPECT_EQ(stranger.at("prefixes").size(), 4u);
  EXPECT_EQ(explain("2001:db8::7").at("networks").at(0).at("table").size(), 4u);
}

TEST_F(ControlExplainTest, AnAnswerHasEveryMember) {
  start();
  Json stranger = explain("192.0.2.7");
  ASSERT_EQ(stranger.at("prefixes").size(), 4u);
  stranger["prefixes"] = Json::array();
  EXPECT_EQ(stranger, Json::parse(R"({
      "address": "192.0.2.7", "verdict": "pinged first",
      "because": ["none of its endpoints has answered the node in the last ten minutes, so a )"
                                  R"(request of one is held until it answers a ping"],
      "trusted": false, "limits": "on", "exempt": false,
      "networks": [{"network": "rpcudp", "proven": [], "held": 0, "passing": 1.0, "table": [
        {"prefix": "192.0.2.0/24", "contacts": 0, "most": 10},
        {"prefix": "192.0.0.0/20", "contacts": 0, "most": 20},
        {"prefix": "192.0.0.0/16", "contacts": 0, "most": 20}], "contacts": []}],
      "prefixes": []})"));
}

TEST_F(ControlExplainTest, AnIpv6AddressHasFourPrefixesInTheTable) {
  start();
  const Json table = explain("2001:db8:aabb:ccdd:1:2:3:4").at("networks").at(0).at("table");
  std::vector<std::string> prefixes;
  for (const Json& row : table) prefixes.push_back(row.at("prefix"));
  EXPECT_EQ(prefixes,
            (std::vector<std::string>{"2001:db8:aabb:ccdd::/64", "2001:db8:aabb:cc00::/56",
                                      "2001:db8:aabb::/48", "2001:db8::/32"}));
  EXPECT_EQ(table.at(0).at("most"), 10);
}

// It does not look at the ping that it gets.
TEST_F(ControlExplainTest, ARequestThatWaitsForAPingIsCounted) {
  start();
  const std::string address = peer_.endpoint().address.text();
  Json explained;
  ASSERT_TRUE(eventually([&] {
    peer_.send_find_node(port(), {});
    explained = explain(address);
    return explained.at("networks").at(0).at("held") > 0;
  }));
  EXPECT_EQ(explained.at("verdict"), "held");
  const int held = explained.at("networks").at(0).at("held");
  const Json& because = explained.at("because");
  EXPECT_EQ(because.at(1), std::to_string(held) + " of its requests wait until it answers a ping");
  EXPECT_EQ(because.back(),
            "nothing is charged to it: sources on this host are not limited without "
            "limit-loopback");
  EXPECT_EQ(explained.at("exempt"), true);
}

TEST_F(ControlExplainTest, ContactsAtOtherAddressesAreNotShown) {
  start();
  ASSERT_TRUE(eventually([&] {
    peer_.call([&] { return peer_.send_find_node(port(), {}); });
    const Json own = explain(peer_.endpoint().address.text());
    return own.at("networks").at(0).at("contacts").size() == 1;
  }));
  const Json other = explain("127.0.0.1").at("networks").at(0);
  EXPECT_EQ(other.at("contacts").size(), 0u);
  EXPECT_EQ(other.at("proven").size(), 0u);
}

TEST_F(ControlExplainTest, AContactThatAnsweredIsServed) {
  start();
  const std::string address = peer_.endpoint().address.text();
  Json explained;
  ASSERT_TRUE(eventually([&] {
    peer_.call([&] { return peer_.send_find_node(port(), {}); });
    explained = explain(address);
    return explained.at("networks").at(0).at("contacts").size() == 1;
  }));
  EXPECT_EQ(explained.at("verdict"), "served");
  const Json& network = explained.at("networks").at(0);
  ASSERT_EQ(network.at("proven").size(), 1u) << network;
  EXPECT_EQ(network.at("proven").at(0).at("endpoint"), peer_.endpoint().text());
  EXPECT_GT(network.at("proven").at(0).at("until_s"), 0);
  EXPECT_LE(network.at("proven").at(0).at("until_s"), 600) << "it lapses after ten minutes";
  EXPECT_EQ(network.at("contacts").at(0).at("endpoint"), peer_.endpoint().text());
  EXPECT_EQ(network.at("table").size(), 0u) << "of this host";
}

TEST_F(ControlExplainTest, ATrustedSourceIsServedUnasked) {
  start([](ServerConfig& config) { config.trusted_nets = {*Subnet::parse("192.0.2.0/24")}; });
  const Json trusted = explain("192.0.2.7");
  EXPECT_EQ(trusted.at("verdict"), "served");
  EXPECT_EQ(trusted.at("trusted"), true);
  EXPECT_EQ(trusted.at("because").at(0),
            "nothing is charged to it: it is in the trusted-net 192.0.2.0/24");
}

TEST_F(ControlExplainTest, WhatIsNoAddressIsRefused) {
  start();
  for (const char* wrong : {"", "192.0.2.7:1", "0.0.0.0", "host", "192.0.2.0/24"}) {
    EXPECT_EQ(ask({{"command", "explain"}, {"address", wrong}}).at("code"), 2) << wrong;
  }
}

}  // namespace
}  // namespace xord
