// The control command limits of a running server: what it says of whom, and how often the log names
// a source that takes more than its share.
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

class ControlLimitsTest : public testing::Test {
 protected:
  void start(const std::function<void(ServerConfig&)>& change, uint32_t shards = 1) {
    ServerConfig config = loopback_config(directory_.path(), shards);
    change(config);
    admin_ = std::make_unique<Admin>(config, node_doors());
    const auto error = admin_->start();
    ASSERT_FALSE(error) << error->sentence;
  }
  Json ask(const std::string& request) { return Json::parse(answer_control(*admin_, request)); }
  Json limits_of(const std::string& address) {
    return ask(R"({"command": "limits", "address": ")" + address + "\"}").at("result");
  }
  // Asks for a value of 4,000 bytes so often that its source is refused some.
  void flood() {
    const uint16_t port = admin_->endpoints().front().port;
    std::vector<uint8_t> value(4003, 'v');
    value[0] = 0xda;  // A text of 4,000 bytes.
    value[1] = 0x0f;
    value[2] = 0xa0;
    const Id key = *Id::from_hex("00112233445566778899aabbccddeeff00112233");
    ASSERT_TRUE(eventually([&] {
      return peer_.call([&] { return peer_.send_store(port, key, value); }).has_value();
    }));
    for (int i = 0; i < 200; ++i) {
      peer_.send_find_value(port, key);
      peer_.receive(milliseconds(1));
    }
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Admin> admin_;
  RawPeer peer_{5};
};

TEST_F(ControlLimitsTest, SaysWhyASourceIsExempt) {
  start([](ServerConfig& config) { config.trusted_nets = {*Subnet::parse("10.0.0.0/8")}; });
  const Json host = limits_of("127.9.9.9");
  EXPECT_EQ(host.at("limits"), "on");
  EXPECT_EQ(host.at("exempt"), true);
  EXPECT_EQ(host.at("because"), "sources on this host are not limited without limit-loopback");
  EXPECT_EQ(limits_of("::1").at("exempt"), true);
  EXPECT_EQ(limits_of("10.1.2.3").at("because"), "it is in the trusted-net 10.0.0.0/8");
  const Json other = limits_of("11.1.2.3");
  EXPECT_EQ(other.at("exempt"), false);
  EXPECT_FALSE(other.contains("because"));
  flood();
  EXPECT_TRUE(ask(R"({"command": "limits"})").at("result").at("prefixes").empty())
      << "and nothing is charged to them";
}

TEST_F(ControlLimitsTest, SaysThatLimitsAreOff) {
  start([](ServerConfig& config) { config.limits.mode = LimitsMode::off; });
  EXPECT_EQ(limits_of("11.1.2.3").at("because"), "limits are off");
  EXPECT_EQ(ask(R"({"command": "limits"})").at("result").at("limits"), "off");
}

TEST_F(ControlLimitsTest, SaysThatNothingIsRefusedInADryRun) {
  start([](ServerConfig& config) { config.limits.mode = LimitsMode::dry_run; });
  EXPECT_EQ(limits_of("11.1.2.3").at("limits"), "dry-run");
  EXPECT_EQ(limits_of("11.1.2.3").at("exempt"), false) << "it is charged as any other";
}

TEST_F(ControlLimitsTest, AStrangersPrefixesHaveTheirLimitsAndNothingCharged) {
  start([](ServerConfig&) {}, 2);
  const Json stranger = limits_of("11.1.2.3");
  ASSERT_EQ(stranger.at("prefixes").size(), prefix_levels);
  for (const Json& prefix : stranger.at("prefixes")) {
    EXPECT_TRUE(Subnet::parse(prefix.at("prefix").get<std::string>())
                    ->contains(*IpAddress::parse("11.1.2.3")));
    EXPECT_EQ(prefix.at("network"), "rpcudp");
    ASSERT_EQ(prefix.at("charged").size(), charges_count);
    for (const char* name : charge_names) EXPECT_EQ(prefix.at("charged").at(name), 0) << name;
    ASSERT_EQ(prefix.at("limits").size(), limited_charges);
    for (size_t i = 0; i < limited_charges; ++i) {
      const Json& limit = prefix.at("limits")[i];
      EXPECT_EQ(limit.at("limit"), charge_names[i]);
      EXPECT_GT(limit.at("most"), 0);
      EXPECT_EQ(limit.at("refused"), 0);
      EXPECT_EQ(limit.size(), 3u) << "no times of refusals: " << limit;
    }
  }
}

TEST_F(ControlLimitsTest, NamesThoseWhoTookMostOfACharge) {
  start([](ServerConfig& config) { config.limits.limits_loopback = true; });
  const std::string own = own_loopback().address.text();
  ASSERT_TRUE(eventually([&] {
    flood();
    const Json prefixes =
        ask(R"({"command": "limits", "by": "excess"})").at("result").at("prefixes");
    return !prefixes.empty() && prefixes[0].at("prefix") == own + "/32";
  })) << ask(R"({"command": "limits", "by": "excess"})");
  EXPECT_TRUE(ask(R"({"command": "limits", "by": "reads"})").at("result").at("prefixes").empty());
  const Json refused = ask(R"({"command": "limits", "by": "requests"})");
  EXPECT_EQ(refused.at("code"), 2);
  EXPECT_EQ(refused.at("error"),
            "\"requests\" is not a charge: \"by\" is one of excess, reads, held, proofs and work");
}

TEST_F(ControlLimitsTest, AddsUpWhatAllShardsCharge) {
  start(
      [](ServerConfig& config) {
        config.limits.limits_loopback = true;
        config.limits.excess_a_second = 16 << 10;
      },
      3);
  flood();
  const std::string own = own_loopback().address.text();
  ASSERT_TRUE(eventually([&] {
    return limits_of(own).at("prefixes")[0].at("limits")[0].at("refused") > 0;
  })) << "the flood may still be in the socket";
  const Json one = limits_of(own);
  EXPECT_EQ(one.at("exempt"), false);
  ASSERT_EQ(one.at("prefixes").size(), prefix_levels);
  const Json& address = one.at("prefixes")[0];
  EXPECT_EQ(address.at("prefix"), own + "/32");
  EXPECT_EQ(address.at("network"), "rpcudp");
  EXPECT_GT(address.at("charged").at("excess"), 30'000) << "one shard's share, and a bit decayed";
  const Json& limit = address.at("limits")[0];
  EXPECT_EQ(limit.at("limit"), "excess");
  EXPECT_NEAR(limit.at("most").get<double>(), 8 * (16 << 10), 3);
  EXPECT_GT(limit.at("refused"), 0);
  EXPECT_GE(limit.at("since_s"), limit.at("last_s"));
  EXPECT_GE(limit.at("until_s"), 0);
  EXPECT_FALSE(address.at("limits")[1].contains("since_s")) << "no read was refused";
  const Json top = ask(R"({"command": "limits"})").at("result");
  EXPECT_FALSE(top.contains("exempt"));
  ASSERT_EQ(top.at("prefixes").size(), prefix_levels);
  EXPECT_EQ(top.at("prefixes")[0].at("prefix"), own + "/32") << "it took most of its limit";
}

TEST_F(ControlLimitsTest, RefusesWhatIsNoAddress) {
  start([](ServerConfig&) {});
  for (const char* text : {"\"\"", "\"127.0.0.1:80\"", "\"10.0.0.0/8\"", "\"0.0.0.0\"", "\"::\"",
                           "7", "null", "\"example.org\""}) {
    const Json answer = ask(std::string(R"({"command": "limits", "address": )") + text + "}");
    EXPECT_EQ(answer.at("code"), 2) << text;
    EXPECT_NE(answer.at("error").get<std::string>().find("192.0.2.7"), std::string::npos);
  }
}

TEST_F(ControlLimitsTest, TheLogNamesAFloodOnce) {
  testing::internal::CaptureStderr();
  start([](ServerConfig& config) {
    config.log_level = LogLevel::warning;
    config.log_format = LogFormat::json;
    config.limits.limits_loopback = true;
    config.limits.excess_a_second = 16 << 10;
  });
  ASSERT_TRUE(eventually([&] {  // On a busy machine some of it is dropped.
    flood();
    return admin_->stats().count("limited_values") > 0;
  }));
  admin_.reset();
  std::istringstream lines(testing::internal::GetCapturedStderr());
  std::vector<Json> began;
  for (std::string line; std::getline(lines, line);) {
    const Json each = Json::parse(line);
    if (each.at("message") == "limit began") began.push_back(each);
  }
  ASSERT_EQ(began.size(), 1u);
  EXPECT_EQ(began[0].at("level"), "warning");
  EXPECT_EQ(began[0].at("prefix"), own_loopback().address.text() + "/32");
  EXPECT_EQ(began[0].at("limit"), "excess");
  EXPECT_NE(began[0].at("hint").get<std::string>().find("--limit-for"), std::string::npos);
}

}  // namespace
}  // namespace xord
