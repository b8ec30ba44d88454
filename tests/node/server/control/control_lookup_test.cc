// The control command lookup of a running server: what it tells of each call.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "node/server/admin/admin.h"
#include "node/server/calls/key_digest.h"
#include "node/server/control/control_commands.h"
#include "node/server/node_doors.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

class ControlLookupTest : public testing::Test {
 protected:
  void SetUp() override { node_ = started("data", {}); }
  std::unique_ptr<Admin> started(const std::string& name, std::vector<std::string> bootstrap) {
    ServerConfig config = loopback_config(directory_.at(name), 2);
    config.bootstrap = std::move(bootstrap);
    auto admin = std::make_unique<Admin>(config, node_doors());
    const auto error = admin->start();
    EXPECT_FALSE(error) << error->sentence;
    return admin;
  }
  Json ask(const Json& request) { return Json::parse(answer_control(*node_, request.dump())); }

  TemporaryDirectory directory_;
  std::unique_ptr<Admin> node_;
};

TEST_F(ControlLookupTest, WithoutAContactItSaysSo) {
  Json told = ask({{"command", "lookup"}, {"key", "a"}}).at("result");
  EXPECT_GE(told.at("took_ms"), 0);
  told["took_ms"] = 0;
  EXPECT_EQ(told, (Json{{"target", key_digest("a").hex()},
                        {"status", "no_contacts"},
                        {"took_ms", 0},
                        {"calls", Json::array()},
                        {"left_out", 0}}));
}

TEST_F(ControlLookupTest, EachCallIsToldWithItsDistanceAndTimes) {
  const std::vector<std::string> first = {node_->endpoints().front().text()};
  const auto one = started("one", first);
  const auto two = started("two", first);
  const Id target = *Id::from_hex("0123456789abcdef0123456789abcdef01234567");
  Json told;
  ASSERT_TRUE(eventually([&] {
    told = ask({{"command", "lookup"}, {"id", target.hex()}}).at("result");
    const Json& calls = told.at("calls");
    return told.at("status") == "done" && calls.size() == 2 &&
           std::all_of(calls.begin(), calls.end(),
                       [](const Json& each) { return each.at("outcome") == "answered"; });
  })) << told;
  EXPECT_EQ(told.at("target"), target.hex());
  EXPECT_EQ(told.at("left_out"), 0);
  const double took = told.at("took_ms");
  for (size_t i = 0; i < 2; ++i) {
    Json call = told.at("calls")[i];
    const Admin& called = call.at("id") == one->id().hex() ? *one : *two;
    const double began = call.at("began_ms");
    const double lasted = call.at("took_ms");
    EXPECT_GE(began, 0);
    EXPECT_GT(lasted, 0);
    EXPECT_LE(began + lasted, took + 0.001) << "the lookup waits for its answers";
    EXPECT_NEAR(lasted * 1000, std::round(lasted * 1000), 1e-6) << "microseconds, in ms";
    EXPECT_LE(call.at("named"), 3) << "there are three nodes";
    for (const char* any : {"parent", "began_ms", "took_ms", "named"}) call[any] = nullptr;
    EXPECT_EQ(call, (Json{{"number", i},
                          {"parent", nullptr},
                          {"id", called.id().hex()},
                          {"endpoint", called.endpoints().front().text()},
                          {"distance_bits", id_bits - shared_prefix(called.id(), target)},
                          {"began_ms", nullptr},
                          {"took_ms", nullptr},
                          {"outcome", "answered"},
                          {"named", nullptr},
                          {"is_nearest", true}}));
  }
  EXPECT_NE(told.at("calls")[0].at("id"), told.at("calls")[1].at("id"));
}

TEST_F(ControlLookupTest, ATargetIsAKeyOrAnId) {
  for (const Json& request :
       {Json{{"command", "lookup"}}, Json{{"command", "lookup"}, {"id", "0"}},
        Json{{"command", "lookup"}, {"key", 1}},
        Json{{"command", "lookup"}, {"key", "a"}, {"id", std::string(40, '0')}}}) {
    EXPECT_EQ(ask(request), (Json{{"error",
                                   "lookup takes a \"key\" (text) or an \"id\" (40 hexadecimal "
                                   "digits)"},
                                  {"code", 2}}))
        << request;
  }
}

}  // namespace
}  // namespace xord
