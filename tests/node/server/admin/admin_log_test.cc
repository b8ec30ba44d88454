// What a running node logs of its start, its end and its reloads, and what it did in between:
// docs/LOG.md names each line and its fields.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "node/server/admin/admin.h"
#include "node/server/control/control_commands.h"
#include "node/server/http/http_listener.h"
#include "node/server/node_doors.h"
#include "storage/memory_plan.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

uint64_t sum_of(const std::vector<NamedCount>& counts, std::string_view begin) {
  uint64_t sum = 0;
  for (const NamedCount& each : counts) {
    if (each.info->name.starts_with(begin)) sum += each.value;
  }
  return sum;
}

class AdminLogTest : public testing::Test {
 protected:
  AdminLogTest() { testing::internal::CaptureStderr(); }
  ~AdminLogTest() override {
    admin_.reset();
    testing::internal::GetCapturedStderr();
  }
  ServerConfig config(LogLevel level = LogLevel::info) const {
    ServerConfig config = loopback_config(directory_.at("data"), 2);
    config.log_level = level;
    return config;
  }
  void start(const ServerConfig& with) {
    admin_ = std::make_unique<Admin>(with, node_doors());
    const auto error = admin_->start();
    ASSERT_FALSE(error) << error->sentence;
    ASSERT_TRUE(eventually([&] { return admin_->stats().storage_state == StorageState::ready; }));
  }
  // The fields of all lines with that message, with the level as the first of them.
  std::vector<Json> lines(std::string_view message) const {
    std::vector<Json> found;
    for (const LogLine& line : admin_->log_lines().lines(LogLevel::debug, 0, log_ring_lines)) {
      if (line.message != message) continue;
      Json fields = {{"level", name_of(line.level)}};
      fields.update(Json::parse(line.fields));
      found.push_back(std::move(fields));
    }
    return found;
  }
  // The only one, which may be still to come.
  Json line(std::string_view message) const {
    EXPECT_TRUE(eventually([&] { return !lines(message).empty(); })) << message;
    const std::vector<Json> found = lines(message);
    EXPECT_EQ(found.size(), 1u) << message;
    return found.empty() ? Json() : found.front();
  }
  std::vector<std::string> messages() const {
    std::vector<std::string> all;
    for (const LogLine& each : admin_->log_lines().lines(LogLevel::debug, 0, log_ring_lines)) {
      all.push_back(each.message);
    }
    return all;
  }
  Json ask(const Json& request) {
    return Json::parse(answer_control(*admin_, request.dump())).at("result");
  }
  ReloadResult reload(const ServerConfig& wanted) const {
    std::promise<ReloadResult> promise;
    admin_->reload(wanted, [&](const ReloadResult& result) { promise.set_value(result); });
    return promise.get_future().get();
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Admin> admin_;
};

TEST_F(AdminLogTest, ReadyNamesWhatOthersNeedToFindTheNode) {
  ServerConfig with = config();
  with.admin = {{Endpoint::ipv4(0x7f000001, 0), "", false}};
  start(with);
  const ServerStats stats = admin_->stats();
  ASSERT_EQ(stats.sockets.size(), 1u);
  Json ready = line("ready");
  EXPECT_FALSE(ready.at("state").get<std::string>().empty());
  ready["state"] = "";
  EXPECT_EQ(ready, (Json{{"level", "info"},
                         {"id", admin_->id().hex()},
                         {"listen", {"rpcudp://" + admin_->endpoints().front().text()}},
                         {"admin", admin_->admin_addresses()},
                         {"shards", 2},
                         {"steered", stats.sockets.front().steered},
                         {"io", "epoll"},
                         {"receive_buffer_bytes", stats.sockets.front().receive_buffer_bytes},
                         {"state", ""},
                         {"data_dir", with.data_dir}}));
  for (const std::string& each : messages()) EXPECT_FALSE(each.empty());
}

TEST_F(AdminLogTest, EachShardSaysHowManyRecordsItHasLoaded) {
  start(config());
  for (int i = 0; i < 9; ++i) {
    ask({{"command", "keep"}, {"key", "key " + std::to_string(i)}, {"value", "a161"}});
  }
  admin_->stop();
  start(config());
  ASSERT_TRUE(eventually([&] { return lines("records loaded").size() == 2; }));
  uint64_t records = 0;
  std::vector<int> shards;
  for (const Json& each : lines("records loaded")) {
    EXPECT_EQ(each.at("level"), "info");
    EXPECT_EQ(each.at("network"), "rpcudp");
    records += each.at("records").get<uint64_t>();
    shards.push_back(each.at("shard"));
  }
  std::sort(shards.begin(), shards.end());
  EXPECT_EQ(shards, (std::vector<int>{0, 1}));
  EXPECT_EQ(records, 9u);
}

TEST_F(AdminLogTest, TheEndIsToldInOrderWithWhatTheRunDid) {
  start(config());
  RawPeer peer(1);
  const uint16_t port = admin_->endpoints().front().port;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(peer.call([&] { return peer.send_ping(port); }));
  }
  const std::vector<uint8_t> nonsense(30, 0x07);
  peer.send_bytes(port, nonsense);
  ask({{"command", "keep"}, {"key", "a"}, {"value", "a161"}});
  ASSERT_TRUE(eventually([&] {
    const ServerStats stats = admin_->stats();
    return stats.records == 1 && sum_of(stats.total.malformed, "") == 1;
  }));
  admin_->stop();
  const ServerStats last = admin_->stats();
  EXPECT_EQ(last.storage_state, StorageState::stopped);
  EXPECT_GE(last.count("requests_ping"), 2u);
  EXPECT_EQ(line("totals"),
            (Json{{"level", "info"},
                  {"uptime_s", std::lround(last.uptime_seconds)},
                  {"requests", sum_of(last.total.node, "requests_")},
                  {"replies", last.count("replies_sent")},
                  {"malformed", 1},
                  {"dropped", last.count("mailbox_full") + last.count("outbox_full") +
                                  last.count("unproven_bounded") + last.count("held_dropped")},
                  {"calls", last.count("calls_sent")},
                  {"unanswered", last.count("calls_failed")},
                  {"stores", last.count("stores_acknowledged")},
                  {"refused", 0},
                  {"contacts", last.contacts},
                  {"records", 1}}));
  const std::vector<std::string> all = messages();
  ASSERT_GE(all.size(), 4u);
  EXPECT_EQ(std::vector<std::string>(all.end() - 3, all.end()),
            (std::vector<std::string>{"stopping", "totals", "stopped"}));
  EXPECT_TRUE(lines("stats").empty()) << "at debug only";
  EXPECT_TRUE(lines("draining").empty()) << "it does not wait";
}

TEST_F(AdminLogTest, BeforeADelayedEndTheNodeSaysForHowLongItServesOn) {
  ServerConfig with = config();
  with.drain_delay = milliseconds(20);
  start(with);
  admin_->stop();
  EXPECT_EQ(line("draining"), (Json{{"level", "info"}, {"for_s", 0.02}}));
  const std::vector<std::string> all = messages();
  EXPECT_LT(std::find(all.begin(), all.end(), "draining"),
            std::find(all.begin(), all.end(), "stopping"));
  start(with);
  admin_->cut_calls();
  admin_->stop();
  EXPECT_TRUE(lines("draining").empty()) << "it is in a hurry";
}

TEST_F(AdminLogTest, AtDebugACallIsToldWithItsEnd) {
  start(config(LogLevel::debug));
  ask({{"command", "keep"}, {"key", "a"}, {"value", "a161"}});
  ask({{"command", "purge"}, {"all", true}});
  std::promise<ServerStatus> found;
  admin_->call(command_of(CommandKind::find, Id{}), {},
               [&](const CallResult& result) { found.set_value(result.status); });
  EXPECT_EQ(found.get_future().get(), ServerStatus::no_contacts);
  std::vector<Json> ended = lines("call ended");
  std::erase_if(ended, [](const Json& each) { return each.at("kind") == "canary"; });
  std::vector<std::string> kinds;
  for (Json& each : ended) {
    EXPECT_GE(each.at("ms"), 0);
    each["ms"] = 0;
    kinds.push_back(each.at("kind"));
  }
  ASSERT_EQ(kinds, (std::vector<std::string>{"keep", "purge", "purge", "find"}));
  Json expected = {{"level", "debug"}, {"kind", "keep"},  {"status", "done"}, {"ms", 0},
                   {"asked", 0},       {"hops", 0},       {"contacts", 0},    {"stored", 1},
                   {"erased", 0},      {"value_bytes", 0}};
  EXPECT_EQ(ended[0], expected);
  EXPECT_EQ(ended[1].at("erased").get<int>() + ended[2].at("erased").get<int>(), 1);
  EXPECT_EQ(ended[3].at("status"), "no_contacts");
}

TEST_F(AdminLogTest, AtDebugTheTableIsToldAndAtTheEndAllFigures) {
  start(config(LogLevel::debug));
  const Json table = line("table");
  std::vector<std::string> names;
  for (const auto& [name, value] : table.items()) names.push_back(name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"level", "contacts", "answerable", "network_size", "lookups",
                                      "calls", "unanswered", "republished", "published"}));
  EXPECT_EQ(table.at("level"), "debug");
  EXPECT_EQ(table.at("contacts"), 0);
  EXPECT_EQ(table.at("answerable"), 0);
  admin_->stop();
  EXPECT_EQ(line("stats").at("level"), "debug");
}

TEST_F(AdminLogTest, ALimitIsNamedWhenItIsNearAndWhenItNoLongerIs) {
  ServerConfig with = config();
  with.shards = 1;  // Else each has its share of them.
  with.records_max = 10;
  start(with);
  for (int i = 0; i < 9; ++i) {
    ask({{"command", "keep"}, {"key", "key " + std::to_string(i)}, {"value", "a161"}});
  }
  EXPECT_EQ(line("limit near"), (Json{{"level", "warning"},
                                      {"of", "records"},
                                      {"used", 9},
                                      {"most", 10},
                                      {"setting", "records-max"},
                                      {"hint", "at the limit stores are refused: raise it"}}));
  ask({{"command", "purge"}, {"all", true}});
  Json left = line("limit no longer near");
  EXPECT_LE(left.at("used"), 8);
  left["used"] = 0;
  EXPECT_EQ(left, (Json{{"level", "info"},
                        {"of", "records"},
                        {"used", 0},
                        {"most", 10},
                        {"setting", "records-max"}}))
      << "there is nothing to do";
  EXPECT_EQ(lines("limit near").size(), 1u);
}

TEST_F(AdminLogTest, FiguresAreLoggedOnRequest) {
  start(config());
  admin_->log_stats();
  EXPECT_EQ(line("stats").at("level"), "info");
}

TEST_F(AdminLogTest, MemoryThatHoldsFewerRecordsIsNamedAtTheStart) {
  ServerConfig with = config();
  with.records_max = 1'000'000;
  start(with);
  const Json limited = line("records limited");
  EXPECT_EQ(limited.at("level"), "info");
  EXPECT_EQ(limited.at("setting"), "memory-max");
  EXPECT_EQ(limited.at("records_max"), 1'000'000);
  EXPECT_EQ(limited.at("most"), plan_memory(with.memory_max, with.records_max).records_max);
  admin_->stop();
  start(config());
  EXPECT_TRUE(lines("records limited").empty());
}

TEST_F(AdminLogTest, WhatIsMissingAtTheStartIsNamedAndTheNodeRunsWithoutIt) {
  start(config());
  admin_->stop();
  std::ofstream(directory_.at("data/contacts")) << "nonsense";
  std::ofstream(directory_.at("data/control")) << "mine";
  const auto other = HttpListener::open(Endpoint::ipv4(0x7f000001, 0));
  const Endpoint taken = std::get<HttpListener>(other).endpoint();
  ServerConfig with = config();
  with.admin = {{taken, "", true}};
  start(with);
  const Json contacts = line("contacts not read");
  EXPECT_EQ(contacts.at("level"), "warning");
  EXPECT_TRUE(contacts.at("error").get<std::string>().ends_with(
      "; starting without the contacts of the last run"))
      << contacts;
  EXPECT_EQ(line("no control socket"),
            (Json{{"level", "warning"},
                  {"error", with.data_dir + "/control is not a socket: move that file away"}}));
  const Json port = line("admin port taken");
  EXPECT_EQ(port.at("level"), "warning");
  EXPECT_EQ(port.at("addresses"), Json::array({taken.text()}));
  EXPECT_NE(port.at("error").get<std::string>().find(taken.text()), std::string::npos) << port;
  EXPECT_TRUE(port.contains("hint"));
  EXPECT_TRUE(admin_->admin_addresses().empty());
  admin_->stop();
  EXPECT_EQ(std::filesystem::file_size(directory_.at("data/control")), 4u) << "it is left alone";
}

// A directory stands where each file shall be.
TEST_F(AdminLogTest, FilesThatCannotBeSavedAreNamedOnceEach) {
  start(config());
  ServerConfig second = loopback_config(directory_.at("peer"));
  second.bootstrap = {admin_->endpoints().front().text()};
  Admin peer(second, node_doors());
  ASSERT_FALSE(peer.start());
  ASSERT_TRUE(eventually([&] { return admin_->stats().count("contacts_answerable") > 0; }));
  for (const char* name : {"data/contacts", "data/clock"}) {
    std::filesystem::remove(directory_.at(name));
    std::filesystem::create_directories(directory_.at(name) + "/in the way");
  }
  admin_->stop();
  std::vector<std::string> files;
  for (const Json& each : lines("file not saved")) {
    EXPECT_EQ(each.at("level"), "warning");
    EXPECT_FALSE(each.at("error").get<std::string>().empty());
    files.push_back(each.at("file"));
  }
  EXPECT_EQ(files, (std::vector<std::string>{"contacts", "clock"}));
  EXPECT_TRUE(lines("file saved again").empty());
}

TEST_F(AdminLogTest, AtDebugItIsSaidHowManyContactsWereSaved) {
  start(config(LogLevel::debug));
  ServerConfig second = loopback_config(directory_.at("peer"));
  second.bootstrap = {admin_->endpoints().front().text()};
  Admin peer(second, node_doors());
  ASSERT_FALSE(peer.start());
  ASSERT_TRUE(eventually([&] { return admin_->stats().count("contacts_answerable") > 0; }));
  admin_->stop();
  const std::vector<Json> saved = lines("contacts saved");
  ASSERT_FALSE(saved.empty());
  EXPECT_EQ(saved.back(), (Json{{"level", "debug"}, {"count", 1}}));
  EXPECT_TRUE(std::filesystem::exists(directory_.at("data/contacts")));
}

TEST_F(AdminLogTest, AReloadIsToldWithWhatItChangedAndWhatNeedsARestart) {
  start(config());
  ServerConfig wanted = config();
  wanted.ttl = hours(1);
  EXPECT_EQ(reload(wanted).status, ServerStatus::done);
  EXPECT_EQ(line("reloaded"),
            (Json{{"level", "info"}, {"changed", {"ttl"}}, {"restart", Json::array()}}));
  wanted.shards = 3;
  EXPECT_EQ(reload(wanted).status, ServerStatus::done);
  EXPECT_EQ(lines("reloaded").back(),
            (Json{{"level", "warning"}, {"changed", Json::array()}, {"restart", {"shards"}}}));
  wanted.commit_window = minutes(1);
  const ReloadResult refused = reload(wanted);
  EXPECT_EQ(refused.status, ServerStatus::unacceptable);
  EXPECT_EQ(line("reload refused"),
            (Json{{"level", "warning"}, {"error", refused.refused_because}}));
  EXPECT_EQ(lines("reloaded").size(), 2u);
}

TEST_F(AdminLogTest, AProgramWithoutSettingsOfItsOwnIsToldWhereTheyAre) {
  start(config());
  std::promise<ReloadResult> promise;
  admin_->reload([&](const ReloadResult& result) { promise.set_value(result); });
  const ReloadResult result = promise.get_future().get();
  EXPECT_EQ(result.status, ServerStatus::refused);
  EXPECT_EQ(result.refused_because,
            "the program around this node chooses its settings: change them there");
  EXPECT_EQ(line("reload refused"),
            (Json{{"level", "warning"}, {"error", result.refused_because}}));
}

TEST_F(AdminLogTest, TheFirstRequestOfAStrangerIsToldOnce) {
  start(config());
  RawPeer peer(2);
  const uint16_t port = admin_->endpoints().front().port;
  ASSERT_TRUE(peer.call([&] { return peer.send_find_value(port, Id{}); }));
  EXPECT_EQ(line("first request from outside"), (Json{{"level", "info"},
                                                      {"network", "rpcudp"},
                                                      {"from", peer.endpoint().text()},
                                                      {"method", "find_value"}}));
  RawPeer other(3);
  ASSERT_TRUE(other.call([&] { return other.send_find_node(port, Id{}); }));
  EXPECT_EQ(lines("first request from outside").size(), 1u);
}

}  // namespace
}  // namespace xord
