// Data directories made by hand, and the commands of `xord store` run on them.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "node/server/admin/start_files.h"
#include "node/server/calls/key_digest.h"
#include "node/server/server.h"
#include "node/server/socket/control_address.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/rng.h"
#include "reactor/monotonic.h"
#include "storage/files/clock_file.h"
#include "storage/files/export_line.h"
#include "storage/rocks/rocks_database.h"
#include "storage/rocks/rocks_reader.h"
#include "tests/temporary_directory.h"
#include "tools/cli/commands.h"
#include "tools/cli/failure.h"
#include "tools/control/control_client.h"
#include "tools/control/data_dir_flags.h"
#include "tools/store/store_commands.h"

namespace xord {

using Words = std::vector<std::string>;
using StoreCommand = ExitCode (*)(Arguments, Terminal&);
using Rows = std::map<RowKey, std::string>;

struct CommandOutcome {
  ExitCode code = ExitCode::done;
  std::string out;
  std::string err;
};

class StoreCommandsTest : public testing::Test {
 protected:
  StoreCommandsTest() { make(data_dir(), instant_of(now)); }

  static constexpr NodeSeconds now = first_node_seconds + 1'000'000;

  std::string file(const std::string& name) const { return scratch_.at(name); }
  std::string data_dir() const { return file("data"); }

  // A data directory whose node time is `at`, as a node leaves it.
  static void make(const std::string& directory, Instant at) {
    ServerConfig config;
    config.data_dir = directory;
    auto started = start_files(config, {DialectName::rpcudp});
    const auto& files = std::get<StartFiles>(started);
    ASSERT_FALSE(write_clock(*files.directory, {at, wall_time()}));
  }
  // A clock that was saved at a moment still to come goes on from where it stood.
  static void stand_still(const std::string& directory, NodeSeconds at) {
    auto opened = DataDirectory::open(directory, NetworkFileSystem::forced);
    const auto& locked = std::get<std::unique_ptr<DataDirectory>>(opened);
    ASSERT_FALSE(write_clock(*locked, {instant_of(at), wall_time() + hours(1)}));
  }
  void stand_still() const { stand_still(data_dir(), now); }
  static void write(const std::string& directory, const Rows& rows) {
    RocksConfig config;
    config.directory = directory;
    config.networks = {"rpcudp"};
    RocksDatabase database(config, nullptr);
    ASSERT_FALSE(database.open(0));
    std::vector<RocksDatabase::Change> changes;
    for (const auto& [key, row] : rows) changes.push_back({0, key, row});
    ASSERT_TRUE(database.write(changes, nullptr).ok());
  }
  static Rows rows_of(const std::string& directory) {
    auto opened = RocksReader::open(directory);
    const auto& reader = std::get<std::unique_ptr<RocksReader>>(opened);
    Rows rows;
    for (NetworkIndex i = 0; i < reader->networks().size(); ++i) {
      reader->walk(i, row_range_of(0, 1), [&](const RowKey& key, Bytes row) {
        rows[key] = std::string(text_of(row));
        return true;
      });
    }
    return rows;
  }
  // A row of any bytes and times.
  static Rows::value_type any_row(const Id& key, Bytes value, const RecordTimes& times) {
    const RowKey row_key = row_key_of(key);
    std::string bytes;
    encode_row(row_key, {times, 0x1234, value}, bytes);
    return {row_key, bytes};
  }
  static std::vector<uint8_t> packed(std::string_view bytes) {
    return *encode_value(Value(std::vector<uint8_t>(bytes.begin(), bytes.end())));
  }
  static std::string unpacked(Bytes value) { return render_value(*decode_value(value)); }
  static Rows::value_type row(const Id& key, std::string_view value, NodeSeconds expiry,
                              NodeSeconds last_store = now - 10) {
    return any_row(key, packed(value), {now - 20, now - 30, last_store, expiry});
  }
  static Rows::value_type published(const Id& key, std::string_view value, NodeSeconds at,
                                    NodeSeconds last_store) {
    return any_row(key, packed(value), {at, at, last_store, at + 500'000});
  }
  static Rows many(uint32_t count) {
    Rng rng(count);
    Rows rows;
    for (uint32_t i = 0; i < count; ++i) {
      Id key;
      rng.fill(key.bytes);
      std::string value(rng.bounded(i % 50 == 0 ? 8138 : 60), '\0');
      rng.fill({reinterpret_cast<uint8_t*>(value.data()), value.size()});
      rows.insert(row(key, value, now + 10'000 + i));
    }
    return rows;
  }

  CommandOutcome run(StoreCommand command, Words words, std::string directory = "") const {
    words.insert(words.end(), {"--data-dir", directory.empty() ? data_dir() : directory});
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{out, err, {}};
    CommandOutcome outcome;
    try {
      outcome.code = command(words, terminal);
    } catch (const Failure& failure) {
      outcome.code = failure.code();
      err << failure.what();
    }
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
  }
  nlohmann::json json(StoreCommand command, Words words, const std::string& directory = "") const {
    words.push_back("--json");
    const CommandOutcome outcome = run(command, words, directory);
    EXPECT_FALSE(outcome.out.empty()) << outcome.err;
    return nlohmann::json::parse(outcome.out, nullptr, false);
  }

  TemporaryDirectory scratch_;
};

}  // namespace xord
