// The control commands that change what a node keeps: keep, forget, published and purge.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "node/budget.h"
#include "node/server/admin/admin.h"
#include "node/server/calls/key_digest.h"
#include "node/server/control/control_commands.h"
#include "node/server/node_doors.h"
#include "reactor/base/hex.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

class ControlPurgeTest : public testing::Test {
 protected:
  void SetUp() override {
    admin_ = std::make_unique<Admin>(loopback_config(directory_.at("data"), 3), node_doors());
    ASSERT_FALSE(admin_->start());
    ASSERT_TRUE(eventually([&] { return admin_->stats().storage_state == StorageState::ready; }));
  }
  Json ask(const std::string& command, Json request = Json::object()) {
    request["command"] = command;
    return Json::parse(answer_control(*admin_, request.dump()));
  }
  Json result(const std::string& command, const Json& request = Json::object()) {
    return ask(command, request).at("result");
  }
  void keep(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string key = "key " + std::to_string(i);
      ASSERT_EQ(result("keep", {{"key", key}, {"value", "a161"}}), (Json{{"stored", 1}}));
    }
  }
  std::set<std::string> held() {
    std::set<std::string> ids;
    const Json list = result("records");
    for (const Json& row : list.at("records")) ids.insert(row.at("id"));
    return ids;
  }
  void expect_usage(const std::string& command, const Json& request, const std::string& sentence) {
    const Json answer = ask(command, request);
    EXPECT_EQ(answer.value("code", 0), 2) << request;
    EXPECT_EQ(answer.value("error", ""), sentence) << request;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Admin> admin_;
};

TEST_F(ControlPurgeTest, OfAKeyOrAnIdErasesOneRecord) {
  keep(12);
  std::set<std::string> left = held();
  ASSERT_EQ(left.size(), 12u);
  EXPECT_EQ(result("purge", {{"key", "key 3"}}), (Json{{"purged", 1}}));
  EXPECT_EQ(result("purge", {{"key", "key 3"}}), (Json{{"purged", 0}})) << "it is gone";
  const std::string id = key_digest("key 4").hex();
  EXPECT_EQ(result("purge", {{"id", id}}), (Json{{"purged", 1}}));
  EXPECT_EQ(result("purge", {{"prefix", key_digest("key 5").hex()}}), (Json{{"purged", 1}}));
  left.erase(key_digest("key 3").hex());
  left.erase(id);
  left.erase(key_digest("key 5").hex());
  EXPECT_EQ(held(), left);
}

TEST_F(ControlPurgeTest, OfAPrefixErasesWhatBeginsWithItOnEveryShard) {
  keep(80);
  std::set<std::string> left = held();
  const std::string first = key_digest("key 0").hex();
  for (const size_t digits : {2u, 1u}) {
    const std::string prefix = first.substr(0, digits);
    const size_t before = left.size();
    std::erase_if(left, [&](const std::string& id) { return id.starts_with(prefix); });
    EXPECT_EQ(result("purge", {{"prefix", prefix}}), (Json{{"purged", before - left.size()}}));
    EXPECT_EQ(held(), left) << prefix;
  }
  EXPECT_EQ(result("purge", {{"all", true}}), (Json{{"purged", left.size()}}));
  EXPECT_TRUE(held().empty());
  EXPECT_EQ(result("published").at("keys").size(), 80u) << "what is published is another list";
}

TEST_F(ControlPurgeTest, WhatToPurgeIsSaidInOneWay) {
  const std::string id(40, '0');
  for (const Json& request :
       {Json::object(), Json{{"all", false}}, Json{{"all", 1}}, Json{{"all", "true"}},
        Json{{"prefix", ""}}, Json{{"prefix", "x"}}, Json{{"prefix", std::string(41, '0')}},
        Json{{"id", "0"}}, Json{{"key", 1}}, Json{{"id", id}, {"key", "a"}},
        Json{{"id", id}, {"prefix", "0"}}, Json{{"prefix", "0"}, {"all", true}},
        Json{{"key", "a"}, {"all", true}}}) {
    expect_usage("purge", request,
                 "purge takes one of \"key\" (text), \"id\" (40 hexadecimal digits), \"prefix\" "
                 "(up to 40 of them) and \"all\": true");
  }
}

TEST_F(ControlPurgeTest, AKeyThatIsKeptIsShownWithItsSizeUntilItIsForgotten) {
  keep(2);
  Json page = result("published");
  EXPECT_FALSE(page.contains("next"));
  ASSERT_EQ(page.at("keys").size(), 2u);
  std::vector<std::string> ids = {key_digest("key 0").hex(), key_digest("key 1").hex()};
  std::sort(ids.begin(), ids.end());
  for (size_t i = 0; i < ids.size(); ++i) {
    Json& row = page.at("keys")[i];
    EXPECT_GE(row.at("published_ago_s"), 0) << "a day, as long as no other node has it";
    row["published_ago_s"] = 0;
    EXPECT_EQ(row, (Json{{"id", ids[i]}, {"value_bytes", 2}, {"published_ago_s", 0}}));
  }
  const Json second = result("published", {{"from", ids[1]}});
  ASSERT_EQ(second.at("keys").size(), 1u);
  EXPECT_EQ(second.at("keys")[0].at("id"), ids[1]);
  EXPECT_EQ(result("forget", {{"id", ids[1]}}), Json::object());
  EXPECT_EQ(result("published", {{"from", ids[1]}}), (Json{{"keys", Json::array()}}));
  const Json gone = ask("forget", {{"id", ids[1]}});
  EXPECT_EQ(gone.at("code"), 1);
  EXPECT_EQ(gone.at("error"),
            "the node does not publish that key: `xord published` lists those it does");
}

TEST_F(ControlPurgeTest, WhatCannotBeKeptForgottenOrListedIsRefused) {
  const std::string keep_takes =
      "keep takes a \"key\" (text) or an \"id\" (40 hexadecimal digits), and a \"value\" as it is "
      "sent over the wire, in hexadecimal digits";
  // Bytes of the length that a record may have at most, with their three bytes of header, and one
  // more.
  const auto bytes = [](size_t size) {
    std::vector<uint8_t> value(3 + size);
    value[0] = 0xc5;
    value[1] = static_cast<uint8_t>(size >> 8);
    value[2] = static_cast<uint8_t>(size);
    return to_hex(value);
  };
  EXPECT_TRUE(ask("keep", {{"key", "a"}, {"value", bytes(value_size_max - 3)}}).contains("result"));
  for (const Json& request :
       {Json{{"key", "a"}, {"value", bytes(value_size_max - 2)}}, Json{{"value", "a161"}},
        Json{{"key", "a"}}, Json{{"key", "a"}, {"value", "a1"}},
        Json{{"key", "a"}, {"value", "a16"}}, Json{{"key", "a"}, {"value", "9101"}},
        Json{{"key", "a"}, {"value", ""}}, Json{{"id", "00"}, {"value", "a161"}}}) {
    expect_usage("keep", request, keep_takes);
  }
  for (const Json& request : {Json::object(), Json{{"id", "0"}}, Json{{"key", 1}},
                              Json{{"key", "a"}, {"id", std::string(40, '0')}}}) {
    expect_usage("forget", request,
                 "forget takes a \"key\" (text) or an \"id\" (40 hexadecimal digits)");
  }
  for (const Json& from : {Json(""), Json("0"), Json(1), Json(std::string(41, '0'))}) {
    expect_usage("published", {{"from", from}},
                 "published takes \"from\": the \"next\" (40 hexadecimal digits) of the previous "
                 "answer, or nothing");
  }
}

}  // namespace
}  // namespace xord
