// `xord store` on directories made by hand: rows as they should be, and rows that are not.
#include "tools/store/store_commands.h"

#include "tests/tools/store/store_fixture.h"

namespace xord {
namespace {

// A node that holds the directory takes the request, and interrupts us instead of answering.
TEST_F(StoreCommandsTest, AnInterruptEndsTheWaitForARunningNode) {
  ServerConfig config;
  config.data_dir = data_dir();
  const auto held = start_files(config, {DialectName::rpcudp});
  ASSERT_TRUE(std::holds_alternative<StartFiles>(held));
  const ControlAddress address(data_dir());
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(listener, address.address(), address.size()), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  std::thread node([&] {
    const int connection = accept(listener, nullptr, nullptr);
    std::array<char, 1000> request;
    EXPECT_GT(recv(connection, request.data(), request.size(), 0), 0);
    kill(getpid(), SIGINT);
    EXPECT_EQ(recv(connection, request.data(), request.size(), 0), 0) << "until it hangs up";
    close(connection);
  });
  const CommandOutcome outcome = run(store_purge_command, {"--all", "--yes"});
  EXPECT_EQ(outcome.code, ExitCode::interrupted) << outcome.err;
  node.join();
  close(listener);
}

TEST_F(StoreCommandsTest, ALongListOfWhatIsPublishedComesInPagesInOrder) {
  ServerConfig config;
  config.listen = {{DialectName::rpcudp, Endpoint::ipv4(0x7f000001, 0), false}};
  config.data_dir = file("node");
  config.shards = 2;
  config.log_level = LogLevel::off;
  Server server;
  ASSERT_FALSE(server.start(config));
  EXPECT_EQ(run(published_command, {"--json"}, config.data_dir).out, "[]\n");
  std::set<std::string> kept;
  for (int i = 0; i < 700; ++i) {
    const Id key = key_digest("key " + std::to_string(i));
    ASSERT_EQ(server.keep(key, Value(int64_t{1})).get().status, ServerStatus::done);
    kept.insert(key.hex());
  }
  std::vector<std::string> listed;
  for (const auto& each : json(published_command, {}, config.data_dir))
    listed.push_back(each["id"]);
  EXPECT_EQ(listed, std::vector<std::string>(kept.begin(), kept.end()));
  const std::string text = run(published_command, {}, config.data_dir).out;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 700);

  ControlClient node(config.data_dir);
  const auto page = node.ask({{"command", "published"}});
  EXPECT_GE(page.at("keys").size(), published_keys_max);
  EXPECT_LE(page.at("keys").size(), 2 * published_keys_max);
  const std::string next = page.at("next");
  EXPECT_GT(next, page.at("keys").back().at("id").get<std::string>());
  const auto rest = node.ask({{"command", "published"}, {"from", next}}).at("keys");
  EXPECT_EQ(rest.at(0).at("id"), listed[page.at("keys").size()]);
  EXPECT_THROW(node.ask({{"command", "published"}, {"from", "12"}}), Failure);
}

TEST_F(StoreCommandsTest, WithoutADirectoryItIsTheOneThatRunWouldUse) {
  const auto found_in = [](const Environment& environment) {
    std::ostringstream out;
    std::ostringstream err;
    return data_dir_of({}, Terminal{out, err, environment});
  };
  std::ofstream(file("xord.toml")) << "shards = 2\ndata-dir = \"/of/the/file\"\n";
  const std::string config = file("xord.toml");
  EXPECT_EQ(found_in({{"HOME", "/h"}}), "/h/.local/share/xord");
  EXPECT_EQ(found_in({{"HOME", "/h"}, {"XDG_DATA_HOME", "/x"}}), "/x/xord");
  EXPECT_EQ(found_in({{"HOME", "/h"}, {"XORD_CONFIG", config}}), "/of/the/file");
  EXPECT_EQ(found_in({{"XORD_CONFIG", config}, {"XORD_DATA_DIR", "/of/the/variable"}}),
            "/of/the/variable");
  std::ostringstream out;
  std::ostringstream err;
  const Terminal terminal{out, err, {{"XORD_CONFIG", file("nowhere.toml")}}};
  EXPECT_THROW(data_dir_of({}, terminal), Failure);
  EXPECT_EQ(data_dir_of({{"/of/the/flag"}}, terminal), "/of/the/flag");
}

TEST_F(StoreCommandsTest, ExportAndImportBackGiveEveryRowByteForByte) {
  const Rows rows = many(3000);
  write(data_dir(), rows);
  EXPECT_EQ(run(store_export_command, {file("all")}).code, ExitCode::done);
  EXPECT_EQ(json(store_import_command, {file("all")}, file("new")).at("imported"), 3000);
  EXPECT_EQ(rows_of(file("new")), rows);
  // Into the directory that it came from, both whole and with records missing.
  EXPECT_EQ(run(store_purge_command, {"--prefix", "3"}).code, ExitCode::done);
  EXPECT_LT(rows_of(data_dir()).size(), rows.size());
  EXPECT_EQ(json(store_import_command, {file("all")}).at("imported"), 3000);
  EXPECT_EQ(rows_of(data_dir()), rows);
  EXPECT_TRUE(json(store_check_command, {}, file("new")).at("sound"));
}

TEST_F(StoreCommandsTest, IntoAnotherNodeRecordsKeepWhatIsLeftOfTheirLives) {
  const Id key = key_digest("k");
  write(data_dir(), {row(key, "value", now + 5'000)});
  ASSERT_EQ(run(store_export_command, {file("all")}).code, ExitCode::done);
  make(file("other"), instant_of(now + 700'000));
  const CommandOutcome outcome = run(store_import_command, {file("all")}, file("other"));
  EXPECT_EQ(outcome.code, ExitCode::done) << outcome.err;
  EXPECT_NE(outcome.err.find("times were moved by "), std::string::npos);
  const Rows moved = rows_of(file("other"));
  const auto parsed = parse_row(row_key_of(key), bytes_of(moved.at(row_key_of(key))));
  ASSERT_TRUE(parsed);
  EXPECT_NEAR(parsed->times.expiry, now + 705'000, 60);
  EXPECT_EQ(parsed->times.expiry - parsed->times.published, 5'030u);
  EXPECT_EQ(unpacked(parsed->value), "value");
}

TEST_F(StoreCommandsTest, OfTwoRecordsOfAKeyTheOneStoredLaterStays) {
  const Id older = key_digest("older here");
  const Id newer = key_digest("newer here");
  const Id same = key_digest("of one second");
  write(data_dir(),
        {row(older, "imported", now + 9, now - 5), row(newer, "imported", now + 9, now - 5),
         row(same, "imported", now + 9, now - 5)});
  ASSERT_EQ(run(store_export_command, {file("all")}).code, ExitCode::done);
  write(data_dir(), {row(older, "held", now + 9, now - 6), row(newer, "held", now + 9, now - 4),
                     row(same, "held", now + 9, now - 5)});
  const nlohmann::json report = json(store_import_command, {file("all")});
  EXPECT_EQ(report.at("imported"), 1);
  EXPECT_EQ(report.at("kept"), 2);
  const Rows rows = rows_of(data_dir());
  const auto value_of = [&](const Id& key) {
    const RowKey row_key = row_key_of(key);
    return unpacked(parse_row(row_key, bytes_of(rows.at(row_key)))->value);
  };
  EXPECT_EQ(value_of(older), "imported");
  EXPECT_EQ(value_of(newer), "held");
  EXPECT_EQ(value_of(same), "held");
}

TEST_F(StoreCommandsTest, AnImportNeverReplacesAValueThatWasPublishedLater) {
  const Id older = key_digest("published later in the export");
  const Id newer = key_digest("published later here");
  const Id equal_value = key_digest("of one value");
  const Id expired = key_digest("expired here");
  write(data_dir(), {published(older, "imported", now - 50, now - 40),
                     published(newer, "imported", now - 70, now - 10),  // Republished since.
                     published(equal_value, "same", now - 70, now - 10),
                     published(expired, "imported", now - 70, now - 70)});
  ASSERT_EQ(run(store_export_command, {file("all")}).code, ExitCode::done);
  write(data_dir(),
        {published(older, "held", now - 60, now - 5), published(newer, "held", now - 60, now - 50),
         published(equal_value, "same", now - 60, now - 50), row(expired, "held", now - 1)});
  const nlohmann::json report = json(store_import_command, {file("all")});
  EXPECT_EQ(report.at("imported"), 3);
  EXPECT_EQ(report.at("kept"), 1);
  const Rows rows = rows_of(data_dir());
  const auto held = [&](const Id& key) {
    return *parse_row(row_key_of(key), bytes_of(rows.at(row_key_of(key))));
  };
  EXPECT_EQ(unpacked(held(older).value), "imported");
  EXPECT_EQ(unpacked(held(newer).value), "held");
  EXPECT_EQ(unpacked(held(expired).value), "imported");
  EXPECT_EQ(held(equal_value).times, (RecordTimes{now - 60, now - 60, now - 10, now + 499'940}));
}

// By another program, or by an xord that did not check: it is input like a datagram.
TEST_F(StoreCommandsTest, WhatNoPeerCanHaveStoredIsNamedByACheckAndLeftOutOfAnImport) {
  const RecordTimes times{now - 20, now - 30, now - 10, now + 5'000};
  const std::vector<uint8_t> good = packed("value");
  const std::vector<uint8_t> largest = packed(std::string(8'137, 'x'));
  const std::vector<uint8_t> large = packed(std::string(8'138, 'x'));
  const std::vector<std::vector<uint8_t>> no_values = {
      {}, {0xc0}, {0x90}, {0x80}, {0xd4, 1, 2}, {0xc4, 9, 1}, {1, 2}, {0xa2, 0xff, 0xfe}};
  Rows rows;
  rows.insert(any_row(key_digest("good"), good, times));
  rows.insert(any_row(key_digest("largest"), largest, times));
  uint32_t number = 0;
  const auto add = [&](Bytes value, const RecordTimes& at) {
    rows.insert(any_row(key_digest(std::to_string(++number)), value, at));
  };
  add(large, times);
  for (const auto& value : no_values) add(value, times);
  const uint32_t of_values = number;
  add(good, {now, now, now - 1, now + 5'000});              // Published after it was stored.
  add(good, {now, now - 10, now, now - 10});                // Expired when it was published.
  add(good, {now, now - 10, now, now - 10 + ttl_max + 1});  // Lives longer than any record may.
  add(good, {0, 0, now, now + 5'000});                      // Published before time began.
  write(data_dir(), rows);

  const nlohmann::json check = json(store_check_command, {});
  EXPECT_EQ(check.at("sound"), false);
  EXPECT_EQ(check.at("faulty"), number);
  EXPECT_EQ(check.at("records"), 2);
  EXPECT_EQ(check.at("findings_count"), number);
  const std::string said = run(store_check_command, {}).out;
  EXPECT_NE(said.find("record " + key_digest("1").hex() +
                      " of rpcudp is not one that a peer can have stored: its value is larger than "
                      "any that peers store"),
            std::string::npos)
      << said;

  ASSERT_EQ(run(store_export_command, {file("all")}).code, ExitCode::done);
  const nlohmann::json report = json(store_import_command, {file("all")}, file("new"));
  EXPECT_EQ(report.at("imported"), 2);
  EXPECT_EQ(report.at("damaged"), number);
  EXPECT_EQ(rows_of(file("new")).size(), 2u);
  const std::string err = run(store_import_command, {file("all")}, file("third")).err;
  for (const char* fault :
       {"its value is larger than any that peers store",
        "its value is not of a type that peers store", "its times contradict each other"}) {
    EXPECT_NE(err.find(fault), std::string::npos) << err;
  }
  EXPECT_GT(number, of_values);
  EXPECT_EQ(json(store_purge_command, {"1"}).at("purged"), 1);
}

TEST_F(StoreCommandsTest, TimesStillToComeAreImportedAsNow) {
  write(data_dir(), {any_row(key_digest("k"), packed("value"),
                             {now + 90'000, now + 90'000, now + 90'000, now + 95'000})});
  ASSERT_EQ(run(store_export_command, {file("all")}).code, ExitCode::done);
  EXPECT_EQ(json(store_import_command, {file("all")}, file("new")).at("imported"), 1);
  const Rows rows = rows_of(file("new"));
  const auto held = parse_row(rows.begin()->first, bytes_of(rows.begin()->second));
  EXPECT_NEAR(held->times.published, now, 60);
  EXPECT_NEAR(held->times.last_store, now, 60);
  EXPECT_EQ(held->times.expiry, now + 95'000);
}

TEST_F(StoreCommandsTest, ADamagedRowIsNamedLeftOutOfAnExportAndPurgedLikeAnother) {
  const Id key = key_digest("k");
  Rows rows = many(100);
  const size_t whole = rows.size();
  const auto damage = [&](auto&& how) {
    auto [row_key, bytes] = row(key, "value", now + 9'000);
    how(bytes);
    rows[row_key] = bytes;
    write(data_dir(), rows);
    const CommandOutcome check = run(store_check_command, {});
    EXPECT_EQ(check.code, ExitCode::not_found);
    EXPECT_NE(check.out.find("record " + key.hex() + " of rpcudp is damaged: "), std::string::npos)
        << check.out;
    EXPECT_EQ(json(store_stats_command, {}).at("networks").at(0).at("damaged"), 1);
    const CommandOutcome exported = run(store_export_command, {});
    EXPECT_EQ(exported.code, ExitCode::not_found);
    EXPECT_EQ(exported.out.find(key.hex()), std::string::npos);
    EXPECT_NE(exported.out.find("\nend " + std::to_string(whole) + " "), std::string::npos);
    const CommandOutcome got = run(store_get_command, {"k"});
    EXPECT_EQ(got.code, ExitCode::environment);
    EXPECT_NE(got.err.find("is damaged: "), std::string::npos);
    return check.out;
  };
  const std::string flipped = damage([](std::string& bytes) { bytes[24] = '\0'; });
  EXPECT_NE(flipped.find("does not match its checksum"), std::string::npos);
  const std::string other = damage([](std::string& bytes) { bytes[0] = 9; });
  EXPECT_NE(other.find("its row has version 9"), std::string::npos);
  const std::string cut = damage([](std::string& bytes) { bytes.resize(5); });
  EXPECT_NE(cut.find("its row has 5 bytes"), std::string::npos);
  EXPECT_EQ(json(store_purge_command, {"k"}).at("purged"), 1);
  EXPECT_EQ(run(store_check_command, {}).code, ExitCode::done);
}

TEST_F(StoreCommandsTest, StatsTellWhatIsLeftOfTheLivesOfRecords) {
  Rows rows;
  uint32_t number = 0;
  for (const NodeSeconds left : {600u, 3'500u, 20'000u, 80'000u, 300'000u, 604'700u, 2'000'000u}) {
    rows.insert(row(key_digest(std::to_string(++number)), "1234", now + left));
  }
  rows.insert(row(key_digest("expired"), "12345", now - 1));
  write(data_dir(), rows);
  const nlohmann::json network = json(store_stats_command, {}).at("networks").at(0);
  EXPECT_EQ(network.at("records"), 7);
  EXPECT_EQ(network.at("expired"), 1);
  EXPECT_EQ(network.at("value_bytes"), 42);
  EXPECT_EQ(network.at("expiring"),
            (nlohmann::json{
                {"1h", 2}, {"6h", 1}, {"1d", 1}, {"3d", 0}, {"7d", 2}, {"30d", 1}, {"longer", 0}}));
  EXPECT_EQ(run(store_get_command, {"expired"}).code, ExitCode::not_found);
  EXPECT_EQ(json(store_purge_command, {"--expired"}).at("purged"), 1);
  EXPECT_EQ(rows_of(data_dir()).size(), 7u);
  EXPECT_EQ(json(store_check_command, {}).at("indexed"), 7);
}

TEST_F(StoreCommandsTest, AStoppedNodesDirectoryIsRefusedWhileAnybodyHoldsIt) {
  write(data_dir(), many(3));
  const auto held = DataDirectory::open(data_dir(), NetworkFileSystem::forced);
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<DataDirectory>>(held));
  for (const StoreCommand command :
       {store_check_command, store_export_command, store_stats_command}) {
    EXPECT_EQ(run(command, {}).code, ExitCode::environment);
  }
  EXPECT_EQ(run(store_get_command, {"k"}).code, ExitCode::environment);
  EXPECT_EQ(run(store_purge_command, {"k"}).code, ExitCode::environment);
  std::string exported;
  append_export_line(exported, ExportHeader{instant_of(now), wall_time()});
  append_export_line(exported, ExportEnd{0});
  std::ofstream(file("export")) << exported;
  EXPECT_EQ(run(store_import_command, {file("export")}).code, ExitCode::environment);
}

TEST_F(StoreCommandsTest, ReadersGoTogetherAndKeepANodeOut) {
  write(data_dir(), many(3));
  const auto reading = DataDirectory::open_to_read(data_dir());
  EXPECT_EQ(run(store_check_command, {}).code, ExitCode::done);
  const auto node = DataDirectory::open(data_dir(), NetworkFileSystem::forced);
  EXPECT_TRUE(std::holds_alternative<IoError>(node));
}

TEST_F(StoreCommandsTest, WhatIsMissingOrTooMuchIsAUsageError) {
  EXPECT_EQ(run(store_purge_command, {"k", "--prefix", "00"}).code, ExitCode::usage);
  EXPECT_EQ(run(store_purge_command, {"--all"}).code, ExitCode::usage);
  EXPECT_EQ(run(store_import_command, {}).code, ExitCode::usage);
}

TEST_F(StoreCommandsTest, ACheckTellsWhatItSawInNumbers) {
  // Each opening of the database writes what it finds in the log to a table of its own.
  write(data_dir(), {row(key_digest("a"), "v", now + 9'000)});
  write(data_dir(), {row(key_digest("b"), "v", now + 9'000)});
  write(data_dir(), {row(key_digest("c"), "v", now - 1)});
  const auto is_table = [](const auto& entry) { return entry.path().extension() == ".sst"; };
  const std::filesystem::directory_iterator files(data_dir() + "/db");
  const auto tables = std::count_if(begin(files), end(files), is_table);
  const nlohmann::json expected = {{"sound", true},       {"findings", nlohmann::json::array()},
                                   {"findings_count", 0}, {"files", 4},
                                   {"tables", tables},    {"records", 3},
                                   {"expired", 1},        {"indexed", 2},
                                   {"faulty", 0}};
  EXPECT_EQ(json(store_check_command, {}), expected);  // identity, contacts, clock and format.
  EXPECT_EQ(run(store_check_command, {}).out,
            "intact: 4 small files, " + std::to_string(tables) + " table" +
                (tables == 1 ? "" : "s") +
                ", 3 records (1 of them expired), 2 in the index and found by it\n");
}

// The greatest ids of a range, and those that follow them.
TEST_F(StoreCommandsTest, ACheckFindsEveryKeyAlsoBehindOneThatEndsInOnes) {
  const std::string ones(36, 'f');
  Rows rows;
  for (const std::string& digits : {"10ff" + ones, "1100" + ones, "11ff" + ones, "ffff" + ones}) {
    rows.insert(row(*Id::from_hex(digits), "v", now + 9'000));
  }
  rows.insert(row(Id{}, "v", now + 9'000));
  write(data_dir(), rows);
  const nlohmann::json check = json(store_check_command, {});
  EXPECT_EQ(check.at("indexed"), 5);
  EXPECT_EQ(check.at("sound"), true);
}

TEST_F(StoreCommandsTest, WhatANodePublishedIsCountedAndCheckedOnceItHasStopped) {
  ServerConfig config;
  config.listen = {{DialectName::rpcudp, Endpoint::ipv4(0x7f000001, 0), false}};
  config.data_dir = file("node");
  config.log_level = LogLevel::off;
  config.shards = 1;
  {
    Server server;
    ASSERT_FALSE(server.start(config));
    for (const std::string key : {"k", "l", "m"}) {
      ASSERT_EQ(server.keep(key_digest(key), Value(int64_t{1})).get().status, ServerStatus::done);
    }
    server.stop();
  }
  const nlohmann::json stats = json(store_stats_command, {}, config.data_dir);
  EXPECT_EQ(stats.at("networks").at(0).at("records"), 3);
  EXPECT_EQ(stats.at("networks").at(0).at("published"), 3);
  EXPECT_NE(run(store_stats_command, {}, config.data_dir)
                .out.find("\n  published    3 keys that the node publishes itself\n"),
            std::string::npos);
  const nlohmann::json check = json(store_check_command, {}, config.data_dir);
  EXPECT_EQ(check.at("sound"), true);
  EXPECT_EQ(check.at("records"), 6) << "those of the list too";
  EXPECT_EQ(check.at("indexed"), 6);
}

TEST_F(StoreCommandsTest, ADatabaseThatCannotBeReadIsTheEnvironments) {
  write(data_dir(), many(10));
  write(data_dir(), many(20));
  for (const auto& each : std::filesystem::directory_iterator(data_dir() + "/db")) {
    if (each.path().extension() == ".sst") std::filesystem::remove(each.path());
  }
  EXPECT_EQ(run(store_check_command, {}).code, ExitCode::not_found);
  for (const StoreCommand command : {store_stats_command, store_export_command}) {
    EXPECT_EQ(run(command, {}).code, ExitCode::environment);
  }
  EXPECT_EQ(run(store_get_command, {"k"}).code, ExitCode::environment);
  EXPECT_EQ(run(store_purge_command, {"k"}).code, ExitCode::environment);
  EXPECT_EQ(run(store_snapshot_command, {file("copy")}).code, ExitCode::environment);
}

TEST_F(StoreCommandsTest, OfMoreThanAHundredFindingsTheRestIsCounted) {
  const auto damaged = [&](uint32_t count) {
    Rows rows;
    for (uint32_t i = 0; i < count; ++i) {
      auto [key, bytes] = row(key_digest(std::to_string(i)), "v", now + 9'000);
      bytes.back() ^= 1;
      rows[key] = bytes;
    }
    write(data_dir(), rows);
    return run(store_check_command, {}).out;
  };
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  std::string said = damaged(100);
  EXPECT_EQ(lines(said), 101);
  EXPECT_EQ(said.find("\nand "), std::string::npos);
  EXPECT_NE(said.find("\n100 damaged: 4 small files"), std::string::npos);
  said = damaged(102);
  EXPECT_EQ(lines(said), 102);
  EXPECT_NE(said.find("\nand 2 more\n102 damaged: 4 small files"), std::string::npos) << said;
  const nlohmann::json report = json(store_check_command, {});
  EXPECT_EQ(report.at("findings").size(), 100u);
  EXPECT_EQ(report.at("findings_count"), 102);
}

TEST_F(StoreCommandsTest, StatsAreToldInWordsAsWell) {
  EXPECT_NE(
      run(store_stats_command, {}).out.find("\nno records: the node has stored nothing yet\n"),
      std::string::npos);
  auto [damaged, bytes] = row(key_digest("damaged"), "v", now + 9);
  bytes.back() ^= 1;
  // On the wire a value has two bytes before its own.
  write(data_dir(), {row(key_digest("a"), "12", now + 9),
                     row(key_digest("b"), "12345", now + 9),
                     row(key_digest("expired"), "v", now),
                     {damaged, bytes}});
  uint64_t on_disk = 0;
  for (const auto& each : std::filesystem::recursive_directory_iterator(data_dir())) {
    if (each.is_regular_file()) on_disk += each.file_size();
  }
  const nlohmann::json stats = json(store_stats_command, {});
  EXPECT_EQ(stats.at("running"), false);
  EXPECT_EQ(stats.at("disk_bytes"), on_disk);
  EXPECT_EQ(stats.at("unreadable_ranges"), 0);
  const nlohmann::json& network = stats.at("networks").at(0);
  EXPECT_EQ(network.at("network"), "rpcudp");
  EXPECT_EQ(network.at("value_bytes"), 11);
  EXPECT_EQ(network.at("value_size_most"), 7);
  EXPECT_EQ(network.at("damaged"), 1);
  EXPECT_EQ(network.at("published"), 0);
  const auto tables = network.at("table_bytes").get<uint64_t>();
  EXPECT_EQ(run(store_stats_command, {})
                .out.rfind("disk           " + std::to_string(on_disk) +
                               " bytes\n"
                               "network rpcudp\n"
                               "  records      2\n"
                               "  value bytes  11, 5 on average, 7 at most\n"
                               "  tables       " +
                               std::to_string(tables) +
                               " on disk\n"
                               "  expired      1 rows still to be reclaimed\n"
                               "  published    0 keys that the node publishes itself\n"
                               "  damaged      1 rows\n",
                           0),
            0u)
      << run(store_stats_command, {}).out;
  EXPECT_EQ(run(store_stats_command, {}).out.find("cannot be read"), std::string::npos);
  EXPECT_EQ(run(store_purge_command, {"--all", "--yes"}).code, ExitCode::done);
  EXPECT_NE(run(store_stats_command, {}).out.find("\n  value bytes  0, 0 on average, 0 at most\n"),
            std::string::npos);
}

TEST_F(StoreCommandsTest, ALifeIsCountedUpToItsBoundAndNotBeyond) {
  const NodeSeconds lives[] = {1,       3'600,   3'601,   21'600,  21'601,    86'400,   86'401,
                               259'200, 259'201, 604'800, 604'801, 2'592'000, 2'592'001};
  Rows rows;
  for (const NodeSeconds left : lives) {
    rows.insert(row(key_digest(std::to_string(left)), "v", now + left));
  }
  rows.insert(row(key_digest("expired"), "v", now));
  stand_still();
  write(data_dir(), rows);
  const nlohmann::json network = json(store_stats_command, {}).at("networks").at(0);
  EXPECT_EQ(network.at("expiring"),
            (nlohmann::json{
                {"1h", 2}, {"6h", 2}, {"1d", 2}, {"3d", 2}, {"7d", 2}, {"30d", 2}, {"longer", 1}}));
  const std::string said = run(store_stats_command, {}).out;
  EXPECT_TRUE(
      said.ends_with("\n  expire in 1h  2\n  expire in 6h  2\n  expire in 1d  2\n"
                     "  expire in 3d  2\n  expire in 7d  2\n  expire in 30d 2\n"
                     "  expire later  1\n"))
      << said;
  EXPECT_EQ(network.at("expired"), 1);
  const nlohmann::json check = json(store_check_command, {});
  EXPECT_EQ(check.at("expired"), 1);
  EXPECT_EQ(check.at("indexed"), std::size(lives));
  EXPECT_EQ(check.at("sound"), true);
  EXPECT_EQ(run(store_get_command, {"expired"}).code, ExitCode::not_found);
  EXPECT_EQ(run(store_get_command, {"1"}).code, ExitCode::done);
  EXPECT_EQ(json(store_purge_command, {"--expired"}).at("purged"), 1);
}

TEST_F(StoreCommandsTest, GetSaysWhyThereIsNoValue) {
  write(data_dir(), {row(key_digest("expired"), "v", now - 1), row(key_digest("k"), "v", now + 9)});
  CommandOutcome got = run(store_get_command, {"k"});
  EXPECT_EQ(got.code, ExitCode::done);
  EXPECT_EQ(got.out, "v");
  EXPECT_EQ(json(store_get_command, {"--id", key_digest("k").hex()}),
            (nlohmann::json{{"id", key_digest("k").hex()}, {"type", "bytes"}, {"value", "76"}}));
  got = run(store_get_command, {"expired"});
  EXPECT_EQ(got.code, ExitCode::not_found);
  EXPECT_EQ(got.err, "the record of \"expired\" has expired; ask the network with `xord get`");
  got = run(store_get_command, {"nothing"});
  EXPECT_EQ(got.code, ExitCode::not_found);
  EXPECT_EQ(got.err, "the node keeps no record of \"nothing\"; ask the network with `xord get`");
}

TEST_F(StoreCommandsTest, APurgeTakesExactlyTheKeysThatBeginAsItSays) {
  const auto id = [](const std::string& digits) {
    return *Id::from_hex(digits + std::string(40 - digits.size(), '5'));
  };
  const std::vector<std::string> all = {"a", "ab", "abc", "ac", "b"};
  const auto left_after = [&](const Words& words) {
    Rows rows;
    for (const std::string& digits : all) rows.insert(row(id(digits), "v", now + 9'000));
    write(data_dir(), rows);
    const CommandOutcome outcome = run(store_purge_command, words);
    EXPECT_EQ(outcome.code, ExitCode::done) << outcome.err;
    std::string left;
    const Rows now_there = rows_of(data_dir());
    for (const std::string& digits : all) {
      if (now_there.count(row_key_of(id(digits))) == 1) left += (left.empty() ? "" : " ") + digits;
    }
    EXPECT_EQ(outcome.out, "purged " + std::to_string(all.size() - now_there.size()) + " record" +
                               (all.size() - now_there.size() == 1 ? "" : "s") + "\n");
    return left;
  };
  EXPECT_EQ(left_after({"--prefix", "a"}), "b");
  EXPECT_EQ(left_after({"--prefix", "AB"}), "a ac b");
  EXPECT_EQ(left_after({"--prefix", "abc"}), "a ab ac b");
  EXPECT_EQ(left_after({"--prefix", "a5"}), "ab abc ac b");
  EXPECT_EQ(left_after({"--prefix", id("ab").hex()}), "a abc ac b");
  EXPECT_EQ(left_after({"--id", id("b").hex()}), "a ab abc ac");
  EXPECT_EQ(left_after({id("ac").hex()}), "a ab abc b") << "an id is known as one";
  EXPECT_EQ(left_after({"--all", "--yes"}), "");
  EXPECT_EQ(left_after({"--expired"}), "a ab abc ac b");

  for (const std::string& prefix : Words{"", "g", "0x", id("a").hex() + "5"}) {
    const CommandOutcome refused = run(store_purge_command, {"--prefix", prefix});
    EXPECT_EQ(refused.code, ExitCode::usage) << prefix;
    EXPECT_EQ(refused.err,
              "--prefix \"" + prefix +
                  "\" is not the beginning of an id: write 1 to 40 hexadecimal digits");
  }
  const CommandOutcome missing = run(store_purge_command, {"nothing"});
  EXPECT_EQ(missing.code, ExitCode::not_found);
  EXPECT_EQ(missing.out, "purged 0 records\n");
  EXPECT_EQ(run(store_purge_command, {"--prefix", "ffff"}).code, ExitCode::done)
      << "only a key can be missing";
  const std::string which =
      "name what to purge, and only one: a KEY, --id HEX, --prefix HEX, --expired or --all; see "
      "`xord store purge --help`";
  for (const Words& words : std::vector<Words>{{},
                                               {"k", "--expired"},
                                               {"--id", id("a").hex(), "--prefix", "a"},
                                               {"--all", "--yes", "--prefix", "a"},
                                               {"--all", "--yes", "--expired"},
                                               {"--prefix", "a", "--prefix", "b"},
                                               {"--yes"}}) {
    const CommandOutcome refused = run(store_purge_command, words);
    EXPECT_EQ(refused.code, ExitCode::usage);
    EXPECT_EQ(refused.err, which);
  }
  EXPECT_EQ(run(store_purge_command, {"--all"}).err,
            "--all erases every record: add --yes if you mean it");
}

TEST_F(StoreCommandsTest, ANodeThatRunsIsAskedForWhatConcernsIt) {
  ServerConfig config;
  config.listen = {{DialectName::rpcudp, Endpoint::ipv4(0x7f000001, 0), false}};
  config.data_dir = file("node");
  config.log_level = LogLevel::off;
  config.shards = 1;
  Server server;
  ASSERT_FALSE(server.start(config));
  for (const std::string key : {"k", "l", "m"}) {
    ASSERT_EQ(server.keep(key_digest(key), Value(int64_t{1})).get().status, ServerStatus::done);
  }
  const nlohmann::json stats = json(store_stats_command, {}, config.data_dir);
  EXPECT_EQ(stats.at("running"), true);
  const std::string id = stats.at("stats").at("id");
  const std::string text = run(store_stats_command, {}, config.data_dir).out;
  EXPECT_EQ(text.rfind("a node is running\nid             " + id + "\nup for         ", 0), 0u);
  const std::string value_bytes = "\nvalue bytes    ";
  EXPECT_NE(text.find("\nrecords        3" + value_bytes + "3 (cache uses "), std::string::npos)
      << text;
  EXPECT_NE(text.find("\ncontacts       0\n"), std::string::npos) << text;

  const CommandOutcome expired = run(store_purge_command, {"--expired"}, config.data_dir);
  EXPECT_EQ(expired.code, ExitCode::environment);
  EXPECT_EQ(expired.err, "a node is running on " + config.data_dir +
                             "; it serves nothing expired and frees the space by itself: stop it "
                             "to do so at once");
  EXPECT_EQ(json(store_purge_command, {"k"}, config.data_dir).at("purged"), 1);
  EXPECT_EQ(run(store_purge_command, {"nothing"}, config.data_dir).code, ExitCode::not_found);
  const std::string digit = key_digest("l").hex().substr(0, 1);
  const bool is_shared = key_digest("m").hex().substr(0, 1) == digit;
  EXPECT_EQ(json(store_purge_command, {"--prefix", digit}, config.data_dir).at("purged"),
            is_shared ? 2 : 1);
  EXPECT_EQ(json(store_purge_command, {"--all", "--yes"}, config.data_dir).at("purged"),
            is_shared ? 0 : 1);

  EXPECT_EQ(run(store_snapshot_command, {file("copy/../copy")}, config.data_dir).out,
            file("copy") + "\n");
  EXPECT_TRUE(std::filesystem::exists(file("copy/identity")));
  const CommandOutcome again = run(store_snapshot_command, {file("copy")}, config.data_dir);
  EXPECT_EQ(again.code, ExitCode::environment);
}

TEST_F(StoreCommandsTest, ASnapshotOfAStoppedNodeHasAllThatItKept) {
  write(data_dir(), many(20));
  const CommandOutcome copied = run(store_snapshot_command, {file("a/../copy")});
  EXPECT_EQ(copied.code, ExitCode::done) << copied.err;
  EXPECT_EQ(copied.out, file("copy") + "\n");
  EXPECT_EQ(rows_of(file("copy")), many(20));
  EXPECT_TRUE(json(store_check_command, {}, file("copy")).at("sound"));
  EXPECT_EQ(run(store_snapshot_command, {file("copy")}).code, ExitCode::environment)
      << "it is there";
  EXPECT_EQ(rows_of(file("copy")).size(), 20u);
  EXPECT_EQ(run(store_snapshot_command, {}).code, ExitCode::usage);
}

TEST_F(StoreCommandsTest, AnExportGoesToStdoutPieceByPieceAndWhole) {
  write(data_dir(), many(3'000));  // More than two pieces of 256 KiB.
  const CommandOutcome exported = run(store_export_command, {"-"});
  EXPECT_EQ(exported.code, ExitCode::done);
  EXPECT_EQ(exported.err, "exported 3000 records\n");
  EXPECT_GT(exported.out.size(), size_t{600} << 10);
  EXPECT_EQ(std::count(exported.out.begin(), exported.out.end(), '\n'), 3'002);
  ASSERT_EQ(run(store_export_command, {file("all")}).code, ExitCode::done);
  std::ostringstream written;
  written << std::ifstream(file("all")).rdbuf();
  const auto without_header = [](const std::string& text) { return text.substr(text.find('\n')); };
  EXPECT_EQ(without_header(written.str()), without_header(exported.out));
  EXPECT_EQ(std::filesystem::status(file("all")).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(run(store_export_command, {}).out.size(), exported.out.size());

  std::ostringstream full;
  std::ostringstream err;
  full.setstate(std::ios::badbit);
  Terminal terminal{full, err, {}};
  const Words words = {"--data-dir", data_dir()};
  EXPECT_THROW(store_export_command(words, terminal), Failure);
}

TEST_F(StoreCommandsTest, AnExportCountsWhatItLeavesOut) {
  Rows rows;
  for (const std::string key : {"a", "b"}) {
    auto [row_key, bytes] = row(key_digest(key), "v", now + 9);
    bytes.back() ^= 1;
    rows[row_key] = bytes;
  }
  rows.insert(row(key_digest("c"), "v", now + 9));
  write(data_dir(), rows);
  EXPECT_EQ(run(store_export_command, {}).err,
            "exported 1 record\n2 damaged records and 0 ranges of keys that cannot be read are "
            "left out; `xord store check` names them");
}

TEST_F(StoreCommandsTest, ATerminalSeesHowFarEachOfThemIs) {
  write(data_dir(), many(1'100));
  ASSERT_EQ(run(store_export_command, {file("all")}).code, ExitCode::done);
  const auto shown = [&](StoreCommand command, Words words) {
    words.insert(words.end(), {"--data-dir", data_dir()});
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{out, err, {}, true};
    EXPECT_EQ(command(words, terminal), ExitCode::done);
    return err.str();
  };
  EXPECT_NE(shown(store_stats_command, {}).find("\rcounted 64 of about "), std::string::npos);
  EXPECT_NE(shown(store_check_command, {}).find("\rchecked 64 of about "), std::string::npos);
  EXPECT_NE(shown(store_export_command, {}).find("\rexported 64 of about "), std::string::npos);
  EXPECT_NE(shown(store_import_command, {file("all")}).find("\rimported 1024 records, "),
            std::string::npos);
  EXPECT_NE(shown(store_purge_command, {"--expired"}).find("\rlooked at 64 of about "),
            std::string::npos);
}

// Clocks of one node that differ by less than a minute are one clock.
// With 1,024 records a batch is full: what comes after it is compared with what it wrote.
// Lines without end, and an interrupt after some of them.

}  // namespace
}  // namespace xord
