// The control commands that list what a node holds: what they may be asked for, and their rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "node/server/admin/admin.h"
#include "node/server/calls/key_digest.h"
#include "node/server/control/control_command.h"
#include "node/server/control/control_commands.h"
#include "node/server/node_doors.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

const std::string unused_id(40, 'f');

class ControlListsTest : public testing::Test {
 protected:
  void SetUp() override {
    admin_ = std::make_unique<Admin>(loopback_config(directory_.at("data"), 3), node_doors());
    ASSERT_FALSE(admin_->start());
    ASSERT_TRUE(eventually([&] { return admin_->stats().storage_state == StorageState::ready; }));
  }
  // `command` with the members of `request`.
  Json ask(const std::string& command, Json request = Json::object()) {
    request["command"] = command;
    return Json::parse(answer_control(*admin_, request.dump()));
  }
  // Its result.
  Json rows(const std::string& command, const Json& request = Json::object()) {
    return ask(command, request).at("result");
  }
  void keep(int count) {
    for (int i = 0; i < count; ++i) {
      ids_.push_back(key_digest("key " + std::to_string(i)).hex());
      ASSERT_TRUE(ask("keep", {{"id", ids_.back()}, {"value", "a161"}}).contains("result"));
    }
    std::sort(ids_.begin(), ids_.end());
  }
  std::vector<std::string> ids_in(const Json& list, const char* member = "records") {
    std::vector<std::string> ids;
    for (const Json& row : list.at(member)) ids.push_back(row.at("id"));
    return ids;
  }
  void expect_usage(const std::string& command, const Json& request, const std::string& sentence) {
    const Json answer = ask(command, request);
    EXPECT_EQ(answer.value("code", 0), 2) << request;
    EXPECT_EQ(answer.value("error", ""), sentence) << request;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Admin> admin_;
  std::vector<std::string> ids_;  // Sorted.
};

TEST_F(ControlListsTest, ALimitIsANumberOrTheTextOfOne) {
  keep(3);
  for (const char* command : {"contacts", "buckets", "records"}) {
    for (const Json& limit : {Json(1), Json(1000), Json("1"), Json("1000")}) {
      EXPECT_TRUE(ask(command, {{"limit", limit}}).contains("result")) << command << limit;
    }
    for (const Json& limit : {Json(0), Json(1001), Json("1001"), Json(-1), Json(1.5), Json("x"),
                              Json(""), Json(true), Json(nullptr), Json::array({1})}) {
      expect_usage(command, {{"limit", limit}}, "\"limit\" is a number from 1 to 1000");
    }
  }
  EXPECT_EQ(rows("records", {{"limit", 2}}).at("records").size(), 2u);
  EXPECT_EQ(rows("records", {{"limit", "1"}}).at("records").size(), 1u);
}

TEST_F(ControlListsTest, ANetworkIsOneOfTheNodes) {
  for (const char* command : {"contacts", "buckets", "records"}) {
    EXPECT_EQ(rows(command, {{"network", "rpcudp"}}).at("network"), "rpcudp");
    EXPECT_EQ(rows(command).at("network"), "rpcudp");
    expect_usage(command, {{"network", "other"}},
                 "the node is in no network \"other\": /v1/status names them");
    for (const std::string& from : {std::string(), std::string(39, '0'), std::string(41, '0')}) {
      expect_usage(command, {{"from", from}},
                   "\"from\" is the \"next\" of the previous page: 40 hexadecimal digits");
    }
  }
}

TEST_F(ControlListsTest, PagesOfRecordsFollowOneAnotherWithoutAGap) {
  keep(20);
  Json page = rows("records", {{"limit", 8}});
  std::vector<std::string> seen = ids_in(page);
  EXPECT_EQ(seen, std::vector<std::string>(ids_.begin(), ids_.begin() + 8));
  EXPECT_EQ(page.at("next"), ids_[8]) << "the next page begins with a record";
  page = rows("records", {{"limit", 12}, {"from", page.at("next")}});
  EXPECT_EQ(ids_in(page), std::vector<std::string>(ids_.begin() + 8, ids_.end()));
  EXPECT_EQ(ids_in(rows("records", {{"from", unused_id}})), std::vector<std::string>{});
}

TEST_F(ControlListsTest, ARecordIsShownWithItsTypeSizeAndTimes) {
  keep(1);
  const Json list = rows("records", {{"id", ids_[0]}});
  ASSERT_EQ(list.at("records").size(), 1u);
  EXPECT_FALSE(list.contains("next"));
  Json record = list.at("records")[0];
  for (const char* ago : {"published_ago_s", "stored_ago_s"}) {
    EXPECT_GE(record.at(ago), 0);
    EXPECT_LE(record.at(ago), 60);
    record[ago] = 0;
  }
  const int64_t ttl = admin_->config().ttl.whole_seconds();
  EXPECT_LE(record.at("expires_in_s"), ttl);
  EXPECT_GE(record.at("expires_in_s"), ttl - 60);
  record["expires_in_s"] = 0;
  EXPECT_EQ(record, (Json{{"id", ids_[0]},
                          {"type", "str"},
                          {"value_bytes", 2},
                          {"published_ago_s", 0},
                          {"stored_ago_s", 0},
                          {"expires_in_s", 0},
                          {"is_in_memory", true}}));
  EXPECT_EQ(rows("records", {{"key", "key 0"}}), list) << "by the text that it is the digest of";
}

TEST_F(ControlListsTest, APrefixIsAnyNumberOfDigits) {
  keep(40);
  for (const size_t digits : {1u, 2u, 3u, 40u}) {
    const std::string prefix = ids_[7].substr(0, digits);
    std::vector<std::string> alike;
    std::copy_if(ids_.begin(), ids_.end(), std::back_inserter(alike),
                 [&](const std::string& id) { return id.starts_with(prefix); });
    EXPECT_EQ(ids_in(rows("records", {{"prefix", prefix}})), alike) << prefix;
  }
  const std::string digit = ids_[7].substr(0, 1);
  EXPECT_EQ(ids_in(rows("records", {{"prefix", digit}, {"from", ids_[7]}, {"limit", 1}})),
            std::vector<std::string>{ids_[7]});
}

TEST_F(ControlListsTest, RecordsAreNamedInOneWay) {
  const std::string sentence =
      "records takes one of \"key\" (text), \"id\" (40 hexadecimal digits) and \"prefix\" (up to "
      "40 of them), or nothing";
  const std::string id(40, '0');
  for (const Json& request :
       {Json{{"id", id}, {"prefix", "0"}}, Json{{"key", "a"}, {"prefix", "0"}},
        Json{{"id", id}, {"key", "a"}}, Json{{"id", "0"}}, Json{{"key", 1}}, Json{{"prefix", ""}},
        Json{{"prefix", "x"}}, Json{{"prefix", std::string(41, '0')}}}) {
    expect_usage("records", request, sentence);
  }
  expect_usage("records", {{"prefix", "0"}, {"from", "1" + std::string(39, '0')}},
               "\"from\" does not begin with the digits of \"prefix\"");
  EXPECT_TRUE(
      ask("records", {{"prefix", "0"}, {"from", "0" + std::string(39, 'f')}}).contains("result"));
}

TEST_F(ControlListsTest, WhatContactsMayBeAskedForIsSaid) {
  for (const std::string& near : {std::string(), std::string(41, '0'), std::string("g")}) {
    expect_usage("contacts", {{"near", near}},
                 "\"near\" is the first digits of an id: 1 to 40 hexadecimal ones");
  }
  expect_usage("contacts", {{"state", "up"}},
               "\"state\" is one of trusted, doubted, awaited and silent");
  for (const std::string& near : {std::string("0"), std::string(40, 'f')}) {
    EXPECT_EQ(rows("contacts", {{"near", near}, {"state", "silent"}}).dump(),
              R"({"network":"rpcudp","contacts":[]})");
  }
}

TEST_F(ControlListsTest, AContactAndItsBucketAreShown) {
  ServerConfig peer = loopback_config(directory_.at("peer"));
  peer.bootstrap = {admin_->endpoints().front().text()};
  Admin other(peer, node_doors());
  ASSERT_FALSE(other.start());
  ASSERT_TRUE(eventually([&] { return rows("contacts").at("contacts").size() == 1; }));
  const Json contact = rows("contacts").at("contacts")[0];
  EXPECT_EQ(contact.at("id"), other.id().hex());
  EXPECT_EQ(contact.at("endpoint"), other.endpoints().front().text());
  const uint32_t depth = shared_prefix(other.id(), admin_->id());
  EXPECT_EQ(contact.at("depth"), depth);
  const Json buckets = rows("buckets").at("buckets");
  ASSERT_GE(buckets.size(), 1u);
  const auto its = std::find_if(buckets.begin(), buckets.end(),
                                [](const Json& each) { return each.at("contacts") == 1; });
  ASSERT_NE(its, buckets.end()) << buckets;
  std::vector<std::string> names;
  for (const auto& [name, value] : its->items()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"depth", "prefix", "prefix_bits", "shard", "contacts",
                                             "answerable", "spares", "refresh_in_s"}));
  const uint32_t bits = its->at("prefix_bits");
  EXPECT_GE(shared_prefix(*Id::from_hex(its->at("prefix").get<std::string>()), other.id()), bits);
  EXPECT_EQ(its->at("spares"), 0);
  EXPECT_LE(its->at("answerable"), 1);
  other.stop();
}

}  // namespace
}  // namespace xord
