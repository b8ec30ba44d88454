// A Server as an embedding program sees it, over real sockets and disks.
#include "node/server/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "storage/files/clock_file.h"
#include "storage/files/contacts_file.h"
#include "tests/lowered_limit.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"
#include "tests/own_namespace.h"

namespace xord {
namespace {

TEST(Server, KeepsItsIdOverStartsOnOneDirectory) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"))));
  const Id first = server.id();
  EXPECT_NE(first, Id{});
  server.stop();
  server.stop();
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"))));
  EXPECT_EQ(server.id(), first);
  server.stop();

  Server another;
  ASSERT_FALSE(another.start(loopback_config(directory.at("other"))));
  EXPECT_NE(another.id(), first);
}

TEST(Server, NamesTheFreePortThatItTook) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"))));
  ASSERT_EQ(server.endpoints().size(), 1u);
  EXPECT_NE(server.endpoints().front().port, 0);
  EXPECT_EQ(server.endpoints().front().address, own_loopback().address);
}

TEST(Server, ListensOnOnePortForBothFamilies) {
  TemporaryDirectory directory;
  Server server;
  ServerConfig config = loopback_config(directory.at("data"));
  config.listen = default_listen();
  for (ListenAddress& address : config.listen) address.endpoint.port = 0;
  ASSERT_FALSE(server.start(config));
  ASSERT_FALSE(server.endpoints().empty());
  for (const Endpoint& endpoint : server.endpoints()) {
    EXPECT_EQ(endpoint.port, server.endpoints().front().port);
  }
}

TEST(Server, RefusesASecondStartWhileItRuns) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"))));
  const auto error = server.start(loopback_config(directory.at("other")));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ServerErrorKind::config);
  EXPECT_TRUE(server.is_running());
}

// As for a node started right after `kill -9`, while the kernel ends the old io_uring.
TEST(Server, WaitsForAPortThatIsAboutToBeFree) {
  TemporaryDirectory directory;
  Server holder;
  ServerConfig config = loopback_config(directory.at("holder"));
  config.listen.front().endpoint = own_loopback(own_port);
  ASSERT_FALSE(holder.start(config));
  config.data_dir = directory.at("data");
  Server server;
  auto start = std::async(std::launch::async, [&] { return server.start(config); });
  // Its files come first, then the port, for which it waits: that waiting cannot be seen.
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(directory.at("data/identity")); }));
  EXPECT_EQ(start.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  holder.stop();
  const auto error = start.get();
  EXPECT_FALSE(error) << error->sentence;
}

TEST(Server, SaysWhichPortIsTakenAndLeavesNothingBehind) {
  TemporaryDirectory directory;
  Server holder;
  ServerConfig config = loopback_config(directory.at("holder"), 2);
  config.listen.front().endpoint = own_loopback(own_port);
  ASSERT_FALSE(holder.start(config));
  config.data_dir = directory.at("data");
  Server server;
  const auto error = server.start(config);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ServerErrorKind::environment);
  EXPECT_NE(error->sentence.find(address_of(holder)), std::string::npos) << error->sentence;
  EXPECT_FALSE(server.is_running());

  holder.stop();
  EXPECT_FALSE(server.start(config)) << "neither the directory nor the port may still be held";
}

TEST(Server, RefusesADirectoryThatAnotherServerHolds) {
  TemporaryDirectory directory;
  Server holder;
  ASSERT_FALSE(holder.start(loopback_config(directory.at("data"))));
  Server server;
  const auto error = server.start(loopback_config(directory.at("data")));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ServerErrorKind::environment);
  EXPECT_NE(error->sentence.find(directory.at("data")), std::string::npos) << error->sentence;
}

TEST(Server, AnswersCallsWithStoppedWhenItDoesNotRun) {
  Server server;
  EXPECT_EQ(server.get("key").get().status, ServerStatus::stopped);
  EXPECT_EQ(server.set("key", Value(int64_t{1})).get().status, ServerStatus::stopped);
  EXPECT_EQ(server.find(Id{}).get().status, ServerStatus::stopped);
  EXPECT_EQ(server.bootstrap({"127.0.0.1:1"}).get().status, ServerStatus::stopped);
  EXPECT_EQ(server.stats().storage_state, StorageState::stopped);

  TemporaryDirectory directory;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"))));
  server.stop();
  EXPECT_EQ(server.get("key").get().status, ServerStatus::stopped);
  EXPECT_EQ(server.stats().storage_state, StorageState::stopped);
}

TEST(Server, RefusesValuesThatNoNodeWouldTake) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"))));
  const Value longest = std::vector<uint8_t>(8'137);
  const Value too_long = std::vector<uint8_t>(8'138);
  EXPECT_NE(server.set("key", longest).get().status, ServerStatus::unacceptable);
  EXPECT_EQ(server.set("key", too_long).get().status, ServerStatus::unacceptable);
  EXPECT_EQ(server.set("key", std::string("\xff")).get().status, ServerStatus::unacceptable);
  const std::vector<uint8_t> array = {0x91, 0x01};
  EXPECT_EQ(server.set_wire(key_digest("key"), array).get().status, ServerStatus::unacceptable);
}

TEST(Server, TellsWhichBootstrapAddressesAreNoAddresses) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"))));
  const BootstrapResult result = server.bootstrap({"no-port"}).get();
  EXPECT_EQ(result.status, ServerStatus::bad_address);
  EXPECT_NE(result.unresolved.find("no-port"), std::string::npos) << result.unresolved;
}

TEST(Server, CompletesCallsInProgressWhenItIsStopped) {
  TemporaryDirectory directory;
  Server server;
  ServerConfig config = loopback_config(directory.at("data"));
  config.drain_max = milliseconds(50);
  ASSERT_FALSE(server.start(config));
  // No node listens on port 9 of loopback, so the join takes seconds.
  std::future<BootstrapResult> joining = server.bootstrap({"127.0.0.1:9"});
  std::vector<std::future<GetResult>> gets;
  for (int i = 0; i < 50; ++i) gets.push_back(server.get("key " + std::to_string(i)));
  server.stop();
  ASSERT_EQ(joining.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(joining.get().status, ServerStatus::stopped) << "not within drain_max";
  for (auto& get : gets) {
    ASSERT_EQ(get.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    EXPECT_NE(get.get().status, ServerStatus::done);
  }
}

TEST(Server, AnOrderlyStopLetsCallsUnderWayEndByThemselves) {
  TemporaryDirectory directory;
  Server other;
  ASSERT_FALSE(other.start(loopback_config(directory.at("other"))));
  Server server;
  ServerConfig config = loopback_config(directory.at("data"), 2);
  config.drain_max = minutes(1);
  ASSERT_FALSE(server.start(config));
  ASSERT_EQ(server.bootstrap({address_of(other)}).get().status, ServerStatus::done);
  std::vector<std::future<SetResult>> sets;
  for (int i = 0; i < 50; ++i) sets.push_back(server.set("key " + std::to_string(i), int64_t{i}));
  // Where nobody listens a join takes seconds to give up.
  std::future<BootstrapResult> joining = server.bootstrap({own_loopback(own_port).text()});
  server.stop();
  for (auto& set : sets) {
    const SetResult result = set.get();
    ASSERT_EQ(result.status, ServerStatus::done) << describe(result.status);
    EXPECT_EQ(result.stored, 2u);
  }
  EXPECT_NE(joining.get().status, ServerStatus::stopped) << "it was cut off";
}

// Stopped before its contacts are due to be saved, and alone afterwards.
TEST(Server, KnowsItsContactsAfterAStopThatFollowsTheJoinAtOnce) {
  TemporaryDirectory directory;
  for (const uint32_t shards : {1u, 3u}) {
    const std::string data = directory.at("data" + std::to_string(shards));
    Server server;
    {
      Server other;
      ASSERT_FALSE(other.start(loopback_config(directory.at("other" + std::to_string(shards)))));
      ASSERT_FALSE(server.start(loopback_config(data, shards)));
      ASSERT_EQ(server.bootstrap({address_of(other)}).get().status, ServerStatus::done);
      server.stop();
    }
    ASSERT_FALSE(server.start(loopback_config(data, shards)));
    EXPECT_TRUE(eventually([&] { return server.stats().contacts == 1; })) << server.stats().json();
  }
}

// Of the addresses of a name the first is dead, and so is the last.
TEST(Server, JoinsThroughAnyOfTheAddressesOfAName) {
  TemporaryDirectory directory;
  const std::string hosts = directory.at("hosts");
  ServerConfig config = loopback_config(directory.at("data"));
  config.bootstrap = {"three.test:" + std::to_string(own_port)};
  ServerConfig named = loopback_config(directory.at("named"));
  named.listen.front().endpoint = own_loopback(own_port);
  const std::string alive = own_loopback().text();
  std::ofstream(hosts) << "127.63.255.254 three.test\n"
                       << alive.substr(0, alive.rfind(':'))
                       << " three.test\n127.200.1.1 three.test\n";
  Server other;
  ASSERT_FALSE(other.start(named));
  const auto join = [&] {
    Server server;
    ASSERT_FALSE(server.start(config));
    EXPECT_TRUE(eventually([&] { return server.stats().count("contacts_answerable") == 1; }));
  };
  if (!with_file_in_place(hosts, "/etc/hosts", join)) GTEST_SKIP() << no_namespace;
}

TEST(Server, StopsWithoutWaitingForCallsWhenItIsHurried) {
  TemporaryDirectory directory;
  Server server;
  ServerConfig config = loopback_config(directory.at("data"));
  config.drain_max = minutes(10);
  ASSERT_FALSE(server.start(config));
  ASSERT_TRUE(eventually([&] { return is_ready(server); }));
  // Hurried before it is stopped: a signal may come at any moment.
  server.hurry_stop();
  std::future<BootstrapResult> joining = server.bootstrap({"127.0.0.1:9"});
  server.stop();
  EXPECT_EQ(joining.get().status, ServerStatus::stopped) << "not silent for seconds first";
}

TEST(Server, GetsAndSetsRightAfterItsStartWaitForTheRecordsOfTheLastRun) {
  TemporaryDirectory directory;
  Server server;
  for (int run = 0; run < 5; ++run) {
    ASSERT_FALSE(server.start(loopback_config(directory.at("data"), 2)));
    for (int i = 0; i < run * 10; ++i) {
      EXPECT_EQ(server.get("key " + std::to_string(i)).get().value, Value(int64_t{i}));
    }
    for (int i = run * 10; i < run * 10 + 10; ++i) {
      EXPECT_EQ(server.set("key " + std::to_string(i), int64_t{i}).get().stored, 1u);
    }
    server.stop();
  }
}

TEST(Server, LosesNothingWhenTheNumberOfShardsChanges) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"), 1)));
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(server.set("key " + std::to_string(i), int64_t{i}).get().stored, 1u);
  }
  for (const uint32_t shards : {3u, 64u, 2u}) {
    server.stop();
    ASSERT_FALSE(server.start(loopback_config(directory.at("data"), shards)));
    // 64 shards take their time on a busy machine, and a get waits at most 10 s for the records.
    ASSERT_TRUE(eventually([&] { return is_ready(server); }));
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(server.get("key " + std::to_string(i)).get().value, Value(int64_t{i})) << shards;
    }
    EXPECT_EQ(server.stats().records, 100u);
  }
}

TEST(Server, HidesItsRecordsWhileItsClockIsDoubtedAndHasThemBackWithTheRightOne) {
  TemporaryDirectory directory;
  const ServerConfig config = loopback_config(directory.at("data"));
  Server server;
  ASSERT_FALSE(server.start(config));
  ASSERT_EQ(server.set("key", int64_t{1}).get().stored, 1u);
  server.stop();

  SavedClock right;
  const auto rewrite_clock = [&](Duration moved) {
    auto opened = DataDirectory::open(config.data_dir, NetworkFileSystem::refused);
    const auto& data = *std::get<std::unique_ptr<DataDirectory>>(opened);
    right = *std::get<std::optional<SavedClock>>(read_clock(data));
    ASSERT_FALSE(write_clock(data, {right.node_time, right.wall_time - moved}));
  };
  rewrite_clock(hours(24 * 30));  // By the clocks the node was away for a month.
  ASSERT_FALSE(server.start(config));
  EXPECT_EQ(server.get("key").get().status, ServerStatus::no_contacts);
  EXPECT_EQ(server.stats().records, 0u);
  server.stop();

  rewrite_clock(-hours(24 * 30));
  ASSERT_FALSE(server.start(config));
  EXPECT_EQ(server.get("key").get().value, Value(int64_t{1}));
}

// After a power cut the network has moved: every contact of the last run is gone, and the name that
// leads to the others resolves only after the node has started.
TEST(Server, AsksItsNamesAgainWhileNoContactAnswers) {
  TemporaryDirectory directory;
  const Endpoint name = own_loopback(own_port);
  ServerConfig config = loopback_config(directory.at("data"));
  config.bootstrap = {name.text()};
  Server server;
  ASSERT_FALSE(server.start(config));
  server.stop();
  {
    auto opened = DataDirectory::open(config.data_dir, NetworkFileSystem::refused);
    const auto& data = *std::get<std::unique_ptr<DataDirectory>>(opened);
    const SavedContact gone{key_digest("gone"), own_loopback(own_port + 1),
                            first_node_seconds - 3'600};
    ASSERT_FALSE(write_contacts(data, {{"rpcudp", {gone}}}));
  }
  ASSERT_FALSE(server.start(config));
  ASSERT_TRUE(eventually([&] { return server.stats().contacts == 1; }));
  EXPECT_EQ(server.stats().count("contacts_answerable"), 0u);
  // Another join that fails: from here on the node also asks that one's endpoint.
  const auto other = server.bootstrap({own_loopback(own_port + 2).text()}).get();
  EXPECT_EQ(other.status, ServerStatus::no_contacts) << describe(other.status);

  ServerConfig late = loopback_config(directory.at("late"));
  late.listen.front().endpoint = name;
  Server named;
  ASSERT_FALSE(named.start(late));
  EXPECT_TRUE(eventually([&] { return server.stats().count("contacts_answerable") == 1; }));
}

TEST(Server, SaysThatItIsDamagedWhereAnyShardCannotReadItsRecords) {
  TemporaryDirectory directory;
  const ServerConfig config = loopback_config(directory.at("data"), 3);
  Server server;
  constexpr int records = 200;
  ASSERT_FALSE(server.start(config));
  for (int i = 0; i < records; ++i) {
    std::string value;  // That is not compressed to nothing.
    while (value.size() < 4'000) value += key_digest(std::to_string(i) + value).hex();
    ASSERT_EQ(server.set("key " + std::to_string(i), Value(value)).get().status,
              ServerStatus::done);
  }
  server.stop();
  ASSERT_FALSE(server.start(config));  // Moves them from the log to a table, sorted by shard.
  ASSERT_TRUE(eventually([&] { return is_ready(server); }));
  server.stop();
  uint32_t damaged_tables = 0;
  for (const auto& each : std::filesystem::recursive_directory_iterator(directory.at("data"))) {
    if (each.path().extension() != ".sst" || each.file_size() < 100'000) continue;
    std::fstream table(each.path(), std::ios::in | std::ios::out | std::ios::binary);
    table.seekp(20'000);  // Of the first shard.
    table << std::string(100, '!');
    ++damaged_tables;
  }
  ASSERT_GT(damaged_tables, 0u);
  ASSERT_FALSE(server.start(config));
  EXPECT_TRUE(eventually([&] { return server.stats().storage_state == StorageState::damaged; }));
  EXPECT_EQ(nlohmann::json::parse(server.stats().json()).at("storage_state"), "damaged");
  EXPECT_EQ(server.set("new", Value("value")).get().status, ServerStatus::done);
  int found = 0;
  for (int i = 0; i < records; ++i) {
    found += server.get("key " + std::to_string(i)).get().status == ServerStatus::done;
  }
  EXPECT_LT(found, records);
  EXPECT_GT(found, records / 2) << "the rest is served";
}

TEST(Server, SaysThatTheHostHasNotTheMemoryThatItShallReserve) {
  TemporaryDirectory directory;
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  ServerConfig config = loopback_config(directory.at("data"));
  config.memory_max = uint64_t{1} << 40;
  Server server;
  const auto error = [&] {
    const LoweredLimit tight(RLIMIT_AS, pages * 4096 + (rlim_t{1} << 30));
    return server.start(config);
  }();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ServerErrorKind::environment);
  EXPECT_NE(error->sentence.find("memory-max"), std::string::npos) << error->sentence;
}

TEST(Server, ShowsWhatTheTableRefusedAndTheListOfWhatItPublishes) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"), 2)));
  const auto json = nlohmann::json::parse(server.stats().json());
  EXPECT_EQ(json["total"]["table"]["refused_subnet"], 0);
  EXPECT_EQ(json["total"]["published"]["records"], 0);
  EXPECT_EQ(json["shards"][1]["table"].size(), 7u);
}

TEST(Server, CountsWhatItDroppedByReasonAndServesTheNextHonestRequest) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"), 3)));
  const uint16_t port = server.endpoints().front().port;
  RawPeer peer(11);
  const std::vector<uint8_t> unknown_kind(30, 0x07);
  std::vector<uint8_t> truncated(22, 0x00);
  truncated.back() = 0x92;
  peer.send_bytes(port, unknown_kind);
  peer.send_bytes(port, truncated);
  peer.send_bytes(port, Bytes(truncated).first(5));
  std::vector<uint8_t> forged(43, 0x01);  // A reply without a request.
  peer.send_bytes(port, forged);
  ASSERT_TRUE(peer.call([&] { return peer.send_ping(port); }));
  ASSERT_TRUE(eventually([&] {
    const ServerStats stats = server.stats();
    return stats.count("unknown_kind") == 1 && stats.count("truncated") == 1 &&
           stats.count("too_short") == 1 && stats.count("replies_unknown") == 1;
  })) << server.stats().json();
  EXPECT_GE(server.stats().count("requests_ping"), 1u);
}

TEST(Server, ShowsAllItsCountersByName) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"), 2)));
  ASSERT_TRUE(eventually([&] { return is_ready(server); }));
  const ServerStats stats = server.stats();
  EXPECT_EQ(stats.id, server.id().hex());
  EXPECT_EQ(stats.io, "epoll");
  EXPECT_EQ(stats.shards.size(), 2u);
  const auto json = nlohmann::json::parse(stats.json());
  EXPECT_EQ(json["id"], server.id().hex());
  EXPECT_EQ(json["storage_state"], "ready");
  EXPECT_EQ(json["sockets"][0]["endpoint"], address_of(server));
  EXPECT_EQ(json["total"]["malformed"]["truncated"], 0);
  EXPECT_TRUE(json["total"]["io"].contains("received"));
  EXPECT_TRUE(json["total"]["storage"].contains("stored"));
  EXPECT_EQ(json["shards"].size(), 2u);
}

TEST(Server, EveryKindOfCallEndsWithStoppedWhenItDoesNotRun) {
  Server server;
  const Id key;
  const std::vector<uint8_t> wire = {0xc4, 1, 7};
  EXPECT_EQ(server.set(key, int64_t{1}).get().status, ServerStatus::stopped);
  EXPECT_EQ(server.set_wire(key, wire).get().status, ServerStatus::stopped);
  EXPECT_EQ(server.keep("key", int64_t{1}).get().status, ServerStatus::stopped);
  EXPECT_EQ(server.keep(key, int64_t{1}).get().status, ServerStatus::stopped);
  EXPECT_EQ(server.forget("key").get().status, ServerStatus::stopped);
  EXPECT_EQ(server.forget(key).get().status, ServerStatus::stopped);
  EXPECT_EQ(server.published().get().status, ServerStatus::stopped);
  EXPECT_EQ(server.get(key).get().status, ServerStatus::stopped);
  const ReloadResult reloaded = server.reload(ServerConfig{}).get();
  EXPECT_EQ(reloaded.status, ServerStatus::stopped);
  EXPECT_EQ(reloaded.refused_because, "the server is not running");
  EXPECT_EQ(server.keep(key, std::string("\xff")).get().status, ServerStatus::unacceptable);
  EXPECT_EQ(server.id(), Id{});
  EXPECT_TRUE(server.endpoints().empty());
  EXPECT_FALSE(server.is_running());
  server.hurry_stop();
  server.log_stats();
  server.reload();
}

TEST(Server, ACallbackIsCalledOnceForEachKindOfCall) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"))));
  std::atomic<int> called = 0;
  const auto once = [&called](const auto&) { ++called; };
  const Id key = key_digest("key");
  const std::vector<uint8_t> wire = {0xc4, 1, 7};
  server.set(key, int64_t{1}, once);
  server.set(key, std::string("\xff"), once);
  server.set_wire(key, wire, once);
  server.keep_wire(key, wire, once);
  server.forget(key, once);
  server.published(key, once);
  server.get(key, once);
  server.find(key, once);
  server.bootstrap({"no port"}, once);
  EXPECT_TRUE(eventually([&] { return called == 9; })) << called;
  server.stop();
  EXPECT_EQ(called, 9);
}

TEST(Server, EachStatusHasItsName) {
  const std::string_view names[] = {"done",    "not_found",    "not_stored",  "no_contacts",
                                    "refused", "unacceptable", "bad_address", "stopped"};
  for (size_t i = 0; i < std::size(names); ++i) {
    EXPECT_EQ(name_of(static_cast<ServerStatus>(i)), names[i]);
  }
}

TEST(Server, ListensWithDefaultsOnThePortThatItIsTold) {
  constexpr uint16_t port = own_port + 17;  // No other test uses it.
  TemporaryDirectory directory;
  Server server;
  const auto error = server.listen(port, directory.at("data"));
  if (error) GTEST_SKIP() << error->sentence << ": it is of the whole host";
  ASSERT_FALSE(server.endpoints().empty());
  EXPECT_EQ(server.endpoints()[0].text(), "0.0.0.0:" + std::to_string(port));
  for (const Endpoint& endpoint : server.endpoints()) EXPECT_EQ(endpoint.port, port);
  EXPECT_TRUE(std::filesystem::exists(directory.at("data/identity")));
}

}  // namespace
}  // namespace xord
