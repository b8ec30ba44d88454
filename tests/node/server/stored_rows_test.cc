// What is in the database when a server starts is input, and what the server writes there outlives
// it: rows that no store can have produced, and the hash of a source, across restarts.
#include <gtest/gtest.h>

#include <set>

#include "node/server/server.h"
#include "node/wire/rpcudp/value.h"
#include "storage/rocks/rocks_database.h"
#include "storage/rocks/rocks_reader.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

class StoredRowsTest : public ::testing::Test {
 protected:
  std::string data_dir() const { return directory_.at("data"); }
  void start(uint32_t shards = 2) {
    ServerConfig config = loopback_config(data_dir(), shards);
    config.limits.limits_loopback = true;  // Otherwise no source here has a hash.
    ASSERT_FALSE(server_.start(config));
    ASSERT_TRUE(eventually([&] { return is_ready(server_); }));
  }
  // Into the records, and into the list of what is published.
  void write(const std::string& name, Bytes value, const RecordTimes& times) {
    RocksConfig config;
    config.directory = data_dir();
    config.networks = {"rpcudp"};
    RocksDatabase database(config, nullptr);
    ASSERT_FALSE(database.open(0));
    std::vector<RocksDatabase::Change> changes;
    for (const StoreList list : {StoreList::records, StoreList::published}) {
      RocksDatabase::Change change{{0, list}, row_key_of(key_digest(name)), std::string()};
      encode_row(change.key, {times, 0, value}, *change.row);
      changes.push_back(change);
    }
    ASSERT_TRUE(database.write(changes, nullptr).ok());
  }
  std::optional<uint16_t> source_prefix(const Id& key) {
    auto opened = RocksReader::open(data_dir());
    const auto& reader = std::get<std::unique_ptr<RocksReader>>(opened);
    const RowKey row_key = row_key_of(key);
    auto read = reader->read(0, row_key);
    const auto* bytes = std::get_if<std::string>(&read);
    if (bytes == nullptr) return std::nullopt;
    return parse_row(row_key, bytes_of(*bytes))->source_prefix;
  }
  void store(RawPeer& peer, const Id& key) {
    const auto reply = peer.call([&] {
      return peer.send_store(server_.endpoints().front().port, key, *encode_value(Value("v")));
    });
    ASSERT_TRUE(reply);
  }

  TemporaryDirectory directory_;
  Server server_;
};

TEST_F(StoredRowsTest, WhatNoPeerCanHaveStoredIsCountedAndNotServed) {
  start();
  server_.stop();
  constexpr NodeSeconds now = first_node_seconds;
  // Due for republish at once, with a day to live.
  const RecordTimes due{now, now, now, now + 86'400};
  const std::vector<uint8_t> good = *encode_value(Value("value"));
  const std::vector<uint8_t> large = *encode_value(Value(std::string(9'000, 'x')));
  write("good", good, due);
  write("large", large, due);
  write("far too large", *encode_value(Value(std::string(100'000, 'x'))), due);
  write("no value", std::vector<uint8_t>{0xc0}, due);
  write("nothing", {}, due);
  write("times", good, {now, now, now, now});
  start();
  const ServerStats stats = server_.stats();
  EXPECT_EQ(stats.count("rows_faulty"), 10u);
  EXPECT_EQ(stats.records, 1u);
  for (const char* name : {"large", "far too large", "no value", "nothing", "times"}) {
    EXPECT_NE(server_.get(name).get().status, ServerStatus::done) << name;
  }
  EXPECT_EQ(server_.get("good").get().status, ServerStatus::done);
  ASSERT_EQ(server_.published().get().keys.size(), 1u);
  // A store replaces such a row.
  EXPECT_EQ(server_.set("large", Value("small")).get().status, ServerStatus::done);
}

TEST_F(StoredRowsTest, ASourceHasTheSameHashInEachRunAndOnEveryShard) {
  RawPeer peer(3);
  std::set<uint16_t> hashes;
  Rng rng(7);
  for (const uint32_t shards : {1u, 3u}) {
    start(shards);
    std::vector<Id> keys(6);
    for (Id& key : keys) {
      rng.fill(key.bytes);
      store(peer, key);
    }
    server_.stop();
    for (const Id& key : keys) hashes.insert(source_prefix(key).value());
  }
  EXPECT_EQ(hashes.size(), 1u);
}

TEST_F(StoredRowsTest, AnotherNodeHasAnotherHashOfTheSameSource) {
  RawPeer peer(3);
  std::set<uint16_t> hashes;
  for (int node = 0; node < 4; ++node) {  // Of 16 bits: two may be equal, four will not be.
    std::filesystem::remove_all(data_dir());
    start(1);
    store(peer, key_digest("k"));
    server_.stop();
    hashes.insert(source_prefix(key_digest("k")).value());
  }
  EXPECT_GT(hashes.size(), 1u);
}

}  // namespace
}  // namespace xord
