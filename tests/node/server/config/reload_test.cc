// Reload: what changes in a running server, what needs a restart, and what is refused and then
// changes nothing.
#include "node/server/config/reload.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <map>

#include "node/server/admin/admin.h"
#include "node/server/node_doors.h"
#include "node/wire/rpcudp/value.h"
#include "tests/node/server/http/http_client.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Names = std::vector<std::string>;

// ---- The plan.

constexpr ReloadRoom room{1 << 20, 10'000, 2};

TEST(ReloadPlan, NothingChangedIsNothingToDo) {
  const ReloadPlan plan = plan_reload({}, {}, room);
  EXPECT_EQ(plan.next, ServerConfig{});
  EXPECT_TRUE(plan.changed.empty() && plan.restart.empty());
}

TEST(ReloadPlan, WhatNeedsARestartKeepsItsValueAndTheRestChanges) {
  ServerConfig wanted;
  wanted.ttl = hours(1);
  wanted.shards = 7;
  wanted.memory_max = 1 << 30;
  wanted.limits.mode = LimitsMode::off;
  const ReloadPlan plan = plan_reload({}, wanted, room);
  EXPECT_EQ(plan.changed, (Names{"limits", "ttl"}));
  EXPECT_EQ(plan.restart, (Names{"shards", "memory-max"}));
  ServerConfig expected;
  expected.ttl = hours(1);
  expected.limits.mode = LimitsMode::off;
  EXPECT_EQ(plan.next, expected);
}

TEST(ReloadPlan, WhatWasReservedBoundsRecordsAndPaths) {
  ServerConfig running;
  running.records_max = 10'000;
  running.disjoint_paths = 2;
  ServerConfig wanted = running;
  wanted.records_max = 9'000;
  wanted.disjoint_paths = 1;
  EXPECT_EQ(plan_reload(running, wanted, room).changed, (Names{"disjoint-paths", "records-max"}));
  wanted.records_max = 10'001;
  wanted.disjoint_paths = 3;
  EXPECT_EQ(plan_reload(running, wanted, room).restart, (Names{"disjoint-paths", "records-max"}));
  // Where memory is the bound, more records change nothing, now or after a restart.
  const ReloadRoom small{1 << 20, plan_memory(1 << 20, UINT32_MAX).records_max, 2};
  wanted.disjoint_paths = 2;
  wanted.records_max = 1'000'000;
  EXPECT_EQ(plan_reload(running, wanted, small).changed, Names{"records-max"});
}

TEST(ReloadPlan, ShownSettingsHaveBothValuesUntilTheRestart) {
  ServerConfig running;
  running.settings = {{"io", {"auto"}, {"auto"}, false, false, "default", {}},
                      {"ttl", {"7d"}, {"7d"}, false, true, "default", {}}};
  ServerConfig wanted = running;
  wanted.io = IoChoice::epoll;
  wanted.ttl = hours(1);
  wanted.settings[0] = {"io", {"epoll"}, {"auto"}, false, false, "file /x:1", {}};
  wanted.settings[1] = {"ttl", {"1h"}, {"7d"}, false, true, "file /x:2", {}};
  const ReloadPlan plan = plan_reload(running, wanted, room);
  const std::vector<ShownSetting> both = {
      {"io", {"auto"}, {"auto"}, false, false, "default", {{"epoll"}}},
      {"ttl", {"1h"}, {"7d"}, false, true, "file /x:2", {}}};
  EXPECT_EQ(plan.next.settings, both);
  // The file says the old value again.
  EXPECT_EQ(plan_reload(plan.next, running, room).next.settings[0].after_restart, std::nullopt);
}

// Names of settings and where the value of each is; what needs a restart changes nothing by itself.
TEST(ReloadPlan, EachChoiceIsCopiedAloneOrNamedForARestart) {
  const std::map<std::string, std::function<void(ServerConfig&)>> needing_a_restart = {
      {"listen",
       [](ServerConfig& c) {
         c.listen = {{DialectName::rpcudp, Endpoint::ipv4(0x7f000001, 1), false}};
       }},
      {"data-dir", [](ServerConfig& c) { c.data_dir = "/x"; }},
      {"allow-network-file-system", [](ServerConfig& c) { c.allow_network_file_system = true; }},
      {"shards", [](ServerConfig& c) { c.shards = 7; }},
      {"io", [](ServerConfig& c) { c.io = IoChoice::epoll; }},
      {"steering", [](ServerConfig& c) { c.steering = !c.steering; }},
      {"pin-threads", [](ServerConfig& c) { c.has_pinned_threads = true; }},
      {"admin",
       [](ServerConfig& c) {
         c.admin = {{Endpoint::ipv4(0x7f000001, 1), "", false}};
       }},
      {"color", [](ServerConfig& c) { c.log_color = LogColor::always; }},
      {"fleet-net", [](ServerConfig& c) { c.fleet_nets = {*Subnet::parse("10.0.0.0/8")}; }},
      {"durability", [](ServerConfig& c) { c.durability = Durability::os; }},
      {"memory-max", [](ServerConfig& c) { c.memory_max = 1 << 30; }},
      {"contacts-max", [](ServerConfig& c) { c.contacts_max = 7; }},
  };
  for (const auto& [name, change] : needing_a_restart) {
    ServerConfig wanted;
    change(wanted);
    const Choice* choice = find_choice(name);
    ASSERT_NE(choice, nullptr) << name;
    EXPECT_EQ(choice->takes, Takes::restart) << name;
    EXPECT_FALSE(choice->is_same({}, wanted)) << name;
    const ReloadPlan plan = plan_reload({}, wanted, room);
    EXPECT_EQ(plan.restart, Names{name});
    EXPECT_TRUE(plan.changed.empty()) << name;
    EXPECT_EQ(plan.next, ServerConfig{}) << name;
    ServerConfig copied;
    choice->copy(wanted, &copied);
    EXPECT_EQ(copied, wanted) << name;
  }
  EXPECT_EQ(find_choice("no-such-choice"), nullptr);
  EXPECT_EQ(find_choice(""), nullptr);
}

TEST(ReloadPlan, TheVersionAndTheShownSettingsAreThoseOfTheNewConfiguration) {
  ServerConfig running;
  running.version = "1";
  running.settings = {{"ttl", {"7d"}, {"7d"}, false, true, "default", {}}};
  ServerConfig wanted = running;
  wanted.version = "2";
  wanted.settings[0].origin = "file /x:1";
  const ReloadPlan plan = plan_reload(running, wanted, room);
  EXPECT_EQ(plan.next.version, "2");
  EXPECT_EQ(plan.next.settings, wanted.settings);
  EXPECT_TRUE(plan.changed.empty() && plan.restart.empty());
}

// ---- A running server.

class ReloadTest : public testing::Test {
 protected:
  void start(ServerHooks hooks = {}) { start(loopback_config(directory.at("data"), 2), hooks); }
  void start(const ServerConfig& with, ServerHooks hooks = {}) {
    config = with;
    admin = std::make_unique<Admin>(config, node_doors(), std::move(hooks));
    const auto error = admin->start();
    ASSERT_FALSE(error) << error->sentence;
    ASSERT_TRUE(eventually([&] { return admin->stats().storage_state == StorageState::ready; }));
  }
  ReloadResult reload(const ServerConfig& wanted) const {
    std::promise<ReloadResult> promise;
    admin->reload(wanted, [&](const ReloadResult& result) { promise.set_value(result); });
    return promise.get_future().get();
  }
  HttpClient control() const { return HttpClient(directory.at("data") + "/control"); }
  CallResult store(uint32_t key, const std::string& text) const {
    Id id;
    store_be32(id.bytes.data(), key * 0x9e3779b9u);
    store_be32(&id.bytes[16], key * 0x9e3779b9u);
    std::promise<ServerStatus> promise;
    CallResult result;
    admin->call(command_of(CommandKind::set, id), *encode_value(text), [&](const CallResult& done) {
      result.status = done.status;
      result.stored = done.stored;
      promise.set_value(done.status);
    });
    promise.get_future().wait();
    return result;
  }
  std::string token_file(const std::string& token, mode_t mode = 0600) const {
    const std::string path = directory.at("token");
    std::ofstream(path) << token << '\n';
    chmod(path.c_str(), mode);
    return path;
  }

  TemporaryDirectory directory;
  ServerConfig config;
  std::unique_ptr<Admin> admin;
};

// One change for each choice that takes effect at once.
const std::map<std::string, std::function<void(ServerConfig&)>, std::less<>> changes = {
    {"bootstrap", [](ServerConfig& c) { c.bootstrap = {"127.0.0.1:9"}; }},
    {"admin-hosts", [](ServerConfig& c) { c.admin_hosts = {"dht.example.org"}; }},
    {"admin-open", [](ServerConfig& c) { c.admin_is_open = true; }},
    {"metrics-shards", [](ServerConfig& c) { c.has_metrics_by_shard = false; }},
    {"log-level", [](ServerConfig& c) { c.log_level = LogLevel::error; }},
    {"log-format", [](ServerConfig& c) { c.log_format = LogFormat::json; }},
    {"amplification-max", [](ServerConfig& c) { c.amplification_max = 2; }},
    {"trusted-net", [](ServerConfig& c) { c.trusted_nets = {*Subnet::parse("10.0.0.0/8")}; }},
    {"limits", [](ServerConfig& c) { c.limits.mode = LimitsMode::dry_run; }},
    {"limit-excess", [](ServerConfig& c) { c.limits.excess_a_second = 1 << 16; }},
    {"limit-reads", [](ServerConfig& c) { c.limits.reads_a_second = 7; }},
    {"limit-for",
     [](ServerConfig& c) {
       c.limits.factors = {{*Subnet::parse("10.0.0.0/8"), 2}};
     }},
    {"limit-loopback", [](ServerConfig& c) { c.limits.limits_loopback = true; }},
    {"allow-private-contacts", [](ServerConfig& c) { c.allow_private_contacts = true; }},
    {"disjoint-paths", [](ServerConfig& c) { c.disjoint_paths = 1; }},
    {"ttl", [](ServerConfig& c) { c.ttl = hours(1); }},
    {"commit-window", [](ServerConfig& c) { c.commit_window = milliseconds(1); }},
    {"records-max", [](ServerConfig& c) { c.records_max = 100; }},
    {"storage-max", [](ServerConfig& c) { c.storage_max = 1 << 21; }},
    {"drain-max", [](ServerConfig& c) { c.drain_max = seconds(1); }},
    {"drain-delay", [](ServerConfig& c) { c.drain_delay = milliseconds(1); }},
    {"ready-contacts", [](ServerConfig& c) { c.ready_contacts = 3; }},
    {"canary", [](ServerConfig& c) { c.canary = CanaryMode::off; }},
    {"canary-interval", [](ServerConfig& c) { c.canary_interval = seconds(30); }},
};

TEST_F(ReloadTest, EachChoiceThatNeedsNoRestartHoldsAtOnce) {
  ServerConfig with = loopback_config(directory.at("data"), 2);
  with.disjoint_paths = 2;
  start(with);
  ServerConfig wanted = with;
  for (const auto& [name, change] : changes) {
    const Choice* choice = find_choice(name);
    ASSERT_TRUE(choice != nullptr && choice->takes == Takes::at_once) << name;
    change(wanted);
    const ReloadResult result = reload(wanted);
    EXPECT_EQ(result.status, ServerStatus::done) << name << ": " << result.refused_because;
    EXPECT_EQ(result.changed, Names{name});
    EXPECT_TRUE(choice->is_same(admin->config(), wanted)) << name;
    EXPECT_EQ(store(1, "value").status, ServerStatus::done) << name;
  }
  EXPECT_TRUE(reload(wanted).changed.empty());
}

TEST_F(ReloadTest, WhatNeedsARestartIsNamedEachTimeAndKeepsItsValue) {
  start();
  ServerConfig wanted = config;
  wanted.contacts_max = 2'000;
  wanted.fleet_nets = {*Subnet::parse("203.0.113.0/24")};
  wanted.drain_max = seconds(1);
  EXPECT_EQ(reload(wanted).changed, Names{"drain-max"});
  const ReloadResult again = reload(wanted);
  EXPECT_EQ(again.changed, Names{});
  EXPECT_EQ(again.restart, (Names{"fleet-net", "contacts-max"}));
  EXPECT_EQ(admin->config().contacts_max, config.contacts_max);
  EXPECT_EQ(reload(config).restart, Names{});
}

TEST_F(ReloadTest, WhatIsRefusedChangesNothing) {
  start();
  ServerConfig twisted = config;
  twisted.ttl = hours(1);
  const std::vector<std::function<void(ServerConfig&)>> faults = {
      [](ServerConfig& c) { c.drain_max = hours(1); },
      [](ServerConfig& c) { c.listen.clear(); },
      [](ServerConfig& c) {
        c.limits.factors = {{*Subnet::parse("10.0.0.0/8"), 0}};
      },
      [](ServerConfig& c) { c.bootstrap = {"no port"}; },
      // Reserves more than any address space has.
      [](ServerConfig& c) { c.memory_max = memory_bounds.most + 1; },
      [](ServerConfig& c) {
        c.admin = {{Endpoint::ipv4(0, 0), "", false}};
      },
      [this](ServerConfig& c) { c.admin_token_file = directory.at("absent"); },
      [this](ServerConfig& c) { c.admin_token_file = token_file("0123456789abcdef", 0644); },
  };
  for (size_t i = 0; i < faults.size(); ++i) {
    ServerConfig wanted = twisted;
    faults[i](wanted);
    const ReloadResult result = reload(wanted);
    EXPECT_EQ(result.status, ServerStatus::unacceptable) << i;
    EXPECT_FALSE(result.refused_because.empty()) << i;
    EXPECT_TRUE(result.changed.empty() && result.restart.empty()) << i;
    ServerConfig now = admin->config();
    now.shards = config.shards;
    now.memory_max = config.memory_max;
    EXPECT_EQ(now, config) << i;
    EXPECT_EQ(store(1, "value").status, ServerStatus::done) << i;
  }
}

TEST_F(ReloadTest, TheSentenceIsThatOfAStart) {
  start();
  ServerConfig wanted = config;
  wanted.commit_window = minutes(1);
  const std::string sentence = reload(wanted).refused_because;
  admin->stop();
  Admin other(wanted, node_doors());
  const auto error = other.start();
  ASSERT_TRUE(error);
  EXPECT_EQ(sentence, error->sentence);
}

TEST_F(ReloadTest, FewerRecordsRefuseStoresAndMoreTakeThemAgain) {
  start();
  for (uint32_t i = 0; i < 40; ++i) ASSERT_EQ(store(i, "v").status, ServerStatus::done);
  ServerConfig wanted = config;
  wanted.records_max = 20;
  ASSERT_EQ(reload(wanted).status, ServerStatus::done);
  uint32_t refused = 0;
  for (uint32_t i = 100; i < 120; ++i) refused += store(i, "v").status != ServerStatus::done;
  EXPECT_EQ(refused, 20u);
  EXPECT_GE(admin->stats().count("refused_records_full"), 20u);
  ASSERT_EQ(reload(config).status, ServerStatus::done);
  for (uint32_t i = 100; i < 120; ++i) EXPECT_EQ(store(i, "v").status, ServerStatus::done);
  ASSERT_TRUE(eventually([&] { return admin->stats().records == 60; }));
}

TEST_F(ReloadTest, TheTokenIsReadAgainAndTheOldOneIsWorthNothing) {
  ServerConfig with = loopback_config(directory.at("data"));
  with.admin = {{Endpoint::ipv4(0x7f000001, 0), "", false}};
  with.admin_token_file = token_file("0123456789abcdef");
  start(with);
  const Endpoint tcp = *Endpoint::parse(admin->admin_addresses().at(0));
  const auto purge = [&](const std::string& token) {
    return HttpClient(tcp)
        .change("POST", "/v1/purge", R"({"id": "0000000000000000000000000000000000000000"})",
                "Authorization: Bearer " + token + "\r\n")
        .status;
  };
  EXPECT_EQ(purge("0123456789abcdef"), 200);
  token_file("fedcba9876543210");
  EXPECT_EQ(reload(with).status, ServerStatus::done);
  EXPECT_EQ(purge("0123456789abcdef"), 401);
  EXPECT_EQ(purge("fedcba9876543210"), 200);
}

TEST_F(ReloadTest, TheProgramIsAskedForItsConfigurationOverTheApi) {
  ServerConfig wanted = loopback_config(directory.at("data"), 2);
  std::optional<ServerError> fault;
  ServerHooks hooks;
  hooks.read_config = [&]() -> std::variant<ServerConfig, ServerError> {
    if (fault) return *fault;
    return wanted;
  };
  start(wanted, hooks);
  wanted.ttl = hours(2);
  wanted.shards = 3;
  const HttpReceived done = control().change("POST", "/v1/reload", "{}");
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.json(), nlohmann::json::parse(R"({"changed": ["ttl"], "restart": ["shards"]})"));
  fault = ServerError{ServerErrorKind::config, "/x:1: this is not TOML: oh"};
  const HttpReceived refused = control().change("POST", "/v1/reload", "{}");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.json().at("detail"), fault->sentence);
  EXPECT_EQ(refused.json().at("code"), 2);
  EXPECT_EQ(admin->config().ttl, hours(2));
}

TEST_F(ReloadTest, AProgramThatSaysNothingIsNotAsked) {
  start();
  EXPECT_EQ(control().change("POST", "/v1/reload", "{}").status, 503);
}

TEST_F(ReloadTest, TheLogLevelHoldsUntilTheNextReload) {
  ServerConfig with = loopback_config(directory.at("data"));
  with.settings = {{"log-level", {"off"}, {"info"}, false, true, "default", {}}};
  start(with);
  EXPECT_EQ(control().change("POST", "/v1/log-level", R"({"level": "error"})").status, 200);
  EXPECT_EQ(admin->config().log_level, LogLevel::error);
  const auto shown = control().get("/v1/config").json().at("settings").at(0);
  EXPECT_EQ(shown.at("value"), "error");
  EXPECT_EQ(shown.at("origin"), "set while the node runs");
  EXPECT_EQ(shown.at("default"), "info");
  EXPECT_EQ(control().change("POST", "/v1/log-level", R"({"level": "error"})").status, 200);
  for (const char* body : {"{}", R"({"level": "loud"})", R"({"level": 1})", "[]"}) {
    EXPECT_EQ(control().change("POST", "/v1/log-level", body).status, 400) << body;
  }
  EXPECT_EQ(reload(with).changed, Names{"log-level"});
  EXPECT_EQ(admin->config().log_level, LogLevel::off);
}

TEST_F(ReloadTest, TheConfigurationShowsWhatARestartWouldChange) {
  ServerConfig with = loopback_config(directory.at("data"), 2);
  with.settings = {{"contacts-max", {"1000"}, {"100000"}, false, false, "default", {}},
                   {"ttl", {"7d"}, {"7d"}, false, true, "default", {}}};
  start(with);
  ServerConfig wanted = with;
  wanted.contacts_max = 2'000;
  wanted.ttl = hours(1);
  wanted.settings[0] = {"contacts-max", {"2000"}, {"100000"}, false, false, "file /x:1", {}};
  wanted.settings[1] = {"ttl", {"1h"}, {"7d"}, false, true, "file /x:2", {}};
  EXPECT_EQ(reload(wanted).restart, Names{"contacts-max"});
  EXPECT_EQ(control().get("/v1/config").json(), nlohmann::json::parse(R"({"settings": [
      {"name": "contacts-max", "value": "1000", "default": "100000", "origin": "default",
       "reloadable": false, "after_restart": "2000"},
      {"name": "ttl", "value": "1h", "default": "7d", "origin": "file /x:2",
       "reloadable": true}]})"));
}

TEST_F(ReloadTest, AStopAnswersThoseThatWait) {
  start();
  std::vector<std::future<ReloadResult>> waiting;
  Server none;
  EXPECT_EQ(none.reload(config).get().status, ServerStatus::stopped);
  for (int i = 0; i < 8; ++i) {
    auto promise = std::make_shared<std::promise<ReloadResult>>();
    waiting.push_back(promise->get_future());
    config.ttl = hours(1 + i);
    admin->reload(config, [promise](const ReloadResult& result) { promise->set_value(result); });
  }
  admin->stop();
  for (auto& each : waiting) {
    const ServerStatus status = each.get().status;
    EXPECT_TRUE(status == ServerStatus::done || status == ServerStatus::stopped);
  }
  const ReloadResult late = reload(config);
  EXPECT_EQ(late.status, ServerStatus::stopped);
  EXPECT_EQ(late.refused_because, "the node is ending");
}

}  // namespace
}  // namespace xord
