// What `xord store import` takes from exports, whole and damaged, and how it moves their times.
#include "tools/store/record_import.h"

#include "tests/tools/store/store_fixture.h"
#include "tools/cli/interrupt.h"

namespace xord {
namespace {

class ImportInputTest : public StoreCommandsTest {
 protected:
  std::string exported(const Rows& rows, const std::string& directory) const {
    make(file(directory), instant_of(now));
    write(file(directory), rows);
    return run(store_export_command, {}, file(directory)).out;
  }
  // The sentence with which a file of this content is refused.
  std::string refused(const std::string& content) const {
    std::ofstream(file("input"), std::ios::binary) << content;
    const CommandOutcome outcome = run(store_import_command, {file("input")}, file("into"));
    EXPECT_EQ(outcome.code, ExitCode::usage) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(file("into")));
    return outcome.err.substr(0, outcome.err.find(": name a file"));
  }
  nlohmann::json imported(const std::string& content) const {
    std::ofstream(file("input"), std::ios::binary) << content;
    return json(store_import_command, {file("input")}, file("into"));
  }
};

TEST_F(ImportInputTest, ExportsThatFollowEachOtherAreAllTaken) {
  const std::string first = exported(many(30), "first");
  const std::string second = exported(
      {row(key_digest("k"), "old", now + 9), row(key_digest("l"), "l", now + 9)}, "second");
  const std::string third = exported({row(key_digest("k"), "new", now + 9, now - 5)}, "third");
  EXPECT_EQ(imported(first + second + "\n" + third),
            (nlohmann::json{{"imported", 33}, {"kept", 0}, {"damaged", 0}, {"whole", true}}));
  const Rows rows = rows_of(file("into"));
  EXPECT_EQ(rows.size(), 32u);
  const RowKey key = row_key_of(key_digest("k"));
  EXPECT_EQ(unpacked(parse_row(key, bytes_of(rows.at(key)))->value), "new");
  // The other way round, the newer record comes first and stays.
  EXPECT_EQ(imported(third + second).at("kept"), 1);
}

TEST_F(ImportInputTest, AnExportThatIsCutBeforeTheNextIsNotWhole) {
  const std::string first = exported(many(3), "first");
  const std::string second = exported({row(key_digest("k"), "v", now + 9)}, "second");
  const std::string cut = first.substr(0, first.find("\nend ") + 1);
  nlohmann::json report = imported(cut + second);
  EXPECT_EQ(report.at("imported"), 4);
  EXPECT_EQ(report.at("whole"), false);
  report = imported(second + cut);
  EXPECT_EQ(report.at("whole"), false);
  report = imported(second + "junk\n" + first);
  EXPECT_EQ(report.at("whole"), false);
  EXPECT_EQ(report.at("damaged"), 1);
  EXPECT_EQ(report.at("imported"), 4);
}

TEST_F(ImportInputTest, OfManyExportsThatAreCutTheFirstHundredAreNamed) {
  const std::string whole = exported({row(key_digest("k"), "v", now + 9)}, "first");
  const std::string header = whole.substr(0, whole.find('\n') + 1);
  std::string cut;
  for (size_t i = 0; i < damaged_lines_max + 50; ++i) cut += header;
  std::ofstream(file("input"), std::ios::binary) << cut;
  const CommandOutcome outcome = run(store_import_command, {file("input")}, file("into"));
  EXPECT_EQ(outcome.code, ExitCode::not_found);
  size_t named = 0;
  for (size_t at = 0; (at = outcome.err.find("is truncated\n", at)) != std::string::npos; ++at) {
    ++named;
  }
  EXPECT_EQ(named, damaged_lines_max) << outcome.err;
}

TEST_F(ImportInputTest, WhatIsNoExportIsCalledWhatItIs) {
  const std::string whole = exported({row(key_digest("k"), "v", now + 9)}, "first");
  const std::string name = file("input");
  std::string crlf;
  for (const char c : whole) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(refused(""), name + " is empty");
  EXPECT_EQ(refused(crlf),
            name +
                " has lines that end with CR LF, as some editors and mail "
                "programs make them (`dos2unix` or `tr -d '\\r'` converts them back)");
  EXPECT_NE(refused("\xef\xbb\xbf" + whole).find(" begins with a byte-order mark"),
            std::string::npos);
  EXPECT_NE(refused(std::string("\xff\xfex\0", 4)).find(" is UTF-16 text"), std::string::npos);
  EXPECT_EQ(refused("\x1f\x8b\x08 and so on"),
            name + " is compressed by gzip (`gunzip -c FILE | xord store import -`)");
  EXPECT_NE(refused("PK\x03\x04").find(" is a zip archive"), std::string::npos);
  EXPECT_EQ(refused("\nhello\n"), name +
                                      " is not an export of records, whose first line begins "
                                      "with xord-export");
  EXPECT_EQ(refused("xord-export version=1 node_time=1 cut\n"),
            "the first line of " + name + ", which holds the clock of the records, is damaged");
  std::string header;
  append_export_line(header, ExportHeader{Instant{INT64_MAX}, seconds(1'700'000'000)});
  EXPECT_EQ(refused(header), "the times in the header of " + name +
                                 " are impossible: export again from the original");
  const CommandOutcome directory = run(store_import_command, {data_dir()}, file("into"));
  EXPECT_EQ(directory.code, ExitCode::usage);
  EXPECT_EQ(directory.err, data_dir() +
                               " is a directory: name a file that `xord store export` "
                               "wrote, or give a data directory by --data-dir");
}

class ImportTimesTest : public ImportInputTest {
 protected:
  // As of a node whose time stands still, since its clock says that the moment is still to come.
  static std::string export_of(NodeSeconds at, const std::vector<ExportRecord>& records) {
    std::string text;
    append_export_line(text, ExportHeader{instant_of(at), wall_time() + hours(1)});
    for (const ExportRecord& record : records) append_export_line(text, record);
    append_export_line(text, ExportEnd{records.size()});
    return text;
  }
  static ExportRecord record(const std::string& key, const RecordTimes& times,
                             const std::string& network = "rpcudp") {
    return {network, key_digest(key), times, 0x1234, packed("v")};
  }
  // Imports the record of "k" into a node whose time is `at`.
  Row taken_at(NodeSeconds at, const std::string& content) {
    std::filesystem::remove_all(file("into"));
    make(file("into"), instant_of(at));
    stand_still(file("into"), at);
    const nlohmann::json report = imported(content);
    EXPECT_EQ(report.at("imported"), 1) << report;
    row_ = rows_of(file("into")).begin()->second;
    return *parse_row(row_key_of(key_digest("k")), bytes_of(row_));
  }

  std::string row_;
};

TEST_F(ImportTimesTest, AreMovedToTheClockOfTheNodeUnlessItDiffersByLessThanAMinute) {
  const std::string content =
      export_of(now, {record("k", {now - 400, now - 300, now - 200, now + 5'000})});
  for (const int ahead : {-3'600, -60, -59, 0, 59, 60, 3'600}) {
    const auto at = [&](int64_t time) { return static_cast<NodeSeconds>(time); };
    const Row held = taken_at(at(int64_t{now} + ahead), content);
    const int64_t moved = std::abs(ahead) < 60 ? int64_t{now} : int64_t{now} + ahead;
    EXPECT_EQ(held.times,
              (RecordTimes{at(moved - 400), at(moved - 300), at(moved - 200), at(moved + 5'000)}))
        << ahead;
    EXPECT_EQ(held.source_prefix, 0x1234);
    const std::string err = run(store_import_command, {file("input")}, file("into")).err;
    EXPECT_EQ(err, std::abs(ahead) < 60 ? ""
                                        : "times were moved by " + std::to_string(ahead) +
                                              " s, to the clock of this node\n");
  }
}

TEST_F(ImportTimesTest, AreNoneBeforeTheFirstAndNoneStillToCome) {
  const NodeSeconds late = UINT32_MAX - 4 * ttl_max;  // No clock may be later.
  Row held = taken_at(now, export_of(late, {record("k", {5, late - 9, late - 8, late + 7})}));
  EXPECT_EQ(held.times, (RecordTimes{0, now - 9, now - 8, now + 7}));
  held = taken_at(late, export_of(now, {record("k", {now + 1, now + 2, now + 3, UINT32_MAX})}));
  EXPECT_EQ(held.times, (RecordTimes{late, late, late, late + ttl_max}));
  held =
      taken_at(now, export_of(now, {record("k", {now + 1, now + 2, now + 3, now + ttl_max + 1})}));
  EXPECT_EQ(held.times, (RecordTimes{now, now, now, now + ttl_max}));
}

TEST_F(ImportTimesTest, ADirectoryThatIsMissingIsMadeWithTheClockOfTheExport) {
  EXPECT_EQ(imported(export_of(now + 7'777, {record("k", {now, now, now, now + 9'000})})),
            (nlohmann::json{{"imported", 1}, {"kept", 0}, {"damaged", 0}, {"whole", true}}));
  auto opened = DataDirectory::open_to_read(file("into"));
  const auto& directory = std::get<std::unique_ptr<DataDirectory>>(opened);
  const auto clock = read_clock(*directory);
  EXPECT_EQ(std::get<std::optional<SavedClock>>(clock)->node_time, instant_of(now + 7'777));
}

TEST_F(ImportTimesTest, ARecordOfAnUnknownNetworkIsNamedAndLeftOut) {
  const std::string content = export_of(now, {record("k", {now, now, now, now + 9}, "gnutella"),
                                              record("k", {now, now, now, now + 9}, "mainline"),
                                              record("l", {now, now, now, now + 9}, "rpcudp")});
  const nlohmann::json report = imported(content);
  EXPECT_EQ(report.at("imported"), 2);
  EXPECT_EQ(report.at("damaged"), 1);
  EXPECT_EQ(report.at("whole"), true);
  std::filesystem::remove_all(file("into"));
  const CommandOutcome outcome = run(store_import_command, {file("input")}, file("into"));
  EXPECT_EQ(outcome.code, ExitCode::not_found);
  EXPECT_EQ(outcome.out, "imported 2 records\n");
  EXPECT_EQ(outcome.err,
            "line 2: it is of the network \"gnutella\"\n"
            "a part of the export is damaged; the rest was imported");
}

TEST_F(ImportTimesTest, ManyRecordsAreTakenInBatchesAndEachKeyByItsLatest) {
  std::vector<ExportRecord> records;
  for (int i = 0; i < 1'500; ++i) {
    records.push_back(record(std::to_string(i), {now, now - 9, now - 9, now + 9'000}));
  }
  records.push_back(record("3", {now, now - 8, now - 8, now + 9'001}));
  records.push_back(record("3", {now, now - 8, now - 8, now + 9'001}));
  const nlohmann::json report = imported(export_of(now, records));
  EXPECT_EQ(report.at("imported"), 1'502);
  EXPECT_EQ(report.at("kept"), 0);
  const Rows rows = rows_of(file("into"));
  EXPECT_EQ(rows.size(), 1'500u);
  const RowKey key = row_key_of(key_digest("3"));
  EXPECT_EQ(parse_row(key, bytes_of(rows.at(key)))->times.expiry, now + 9'001);
}

// Of values as large as may be, 128 make a batch of a mebibyte, which the progress shows.
TEST_F(ImportTimesTest, LargeRecordsAreWrittenByTheMebibyte) {
  std::vector<ExportRecord> records;
  for (int i = 0; i < 200; ++i) {
    ExportRecord large = record(std::to_string(i), {now, now - 9, now - 9, now + 9'000});
    large.value = packed(std::string(8'137, 'x'));
    records.push_back(large);
  }
  std::ofstream(file("input"), std::ios::binary) << export_of(now, records);
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}, true};
  const Words words = {file("input"), "--data-dir", file("into")};
  EXPECT_EQ(store_import_command(words, terminal), ExitCode::done);
  EXPECT_EQ(out.str(), "imported 200 records\n");
  const std::string shown = "\rimported ";
  const size_t at = err.str().find(shown);
  ASSERT_NE(at, std::string::npos) << err.str();
  EXPECT_NEAR(std::stoi(err.str().substr(at + shown.size())), 128, 2) << err.str();
}

TEST_F(ImportTimesTest, OfOneValueTheLaterOfEachTimeIsTaken) {
  const std::string first = export_of(now, {record("k", {now - 90, now - 50, now - 20, now + 10})});
  const auto second = [&](const RecordTimes& times) {
    std::filesystem::remove_all(file("into"));
    return imported(first + export_of(now, {record("k", times)}));
  };
  const auto held = [&] {
    const Rows rows = rows_of(file("into"));
    return parse_row(rows.begin()->first, bytes_of(rows.begin()->second))->times;
  };
  EXPECT_EQ(second({now - 80, now - 60, now - 30, now + 9}).at("kept"), 1) << "nothing is later";
  EXPECT_EQ(held(), (RecordTimes{now - 90, now - 50, now - 20, now + 10}));
  EXPECT_EQ(second({now - 80, now - 40, now - 30, now + 9}).at("imported"), 2);
  EXPECT_EQ(held(), (RecordTimes{now - 90, now - 40, now - 20, now + 10}));
  EXPECT_EQ(second({now - 80, now - 60, now - 10, now + 9}).at("imported"), 2);
  EXPECT_EQ(held(), (RecordTimes{now - 90, now - 50, now - 10, now + 10}));
  EXPECT_EQ(second({now - 80, now - 60, now - 30, now + 11}).at("imported"), 2);
  EXPECT_EQ(held(), (RecordTimes{now - 90, now - 50, now - 20, now + 11}));
}

TEST_F(ImportTimesTest, DamageIsNamedByItsLineUpToAHundredTimes) {
  std::string content = export_of(now, {});
  content = content.substr(0, content.find('\n') + 1);
  for (int i = 0; i < 103; ++i) content += "junk\n";
  append_export_line(content, ExportEnd{0});
  std::ofstream(file("input"), std::ios::binary) << content;
  const CommandOutcome outcome = run(store_import_command, {file("input")}, file("into"));
  EXPECT_EQ(outcome.code, ExitCode::not_found);
  EXPECT_EQ(outcome.out, "imported 0 records\n");
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 100);
  EXPECT_EQ(outcome.err.rfind("line 2: ", 0), 0u);
  EXPECT_NE(outcome.err.find("\nline 101: "), std::string::npos);
  EXPECT_EQ(imported(content).at("damaged"), 103);
}

TEST_F(ImportTimesTest, WhatIsMissingFromAnExportIsSaid) {
  const std::string whole = export_of(
      now, {record("k", {now, now, now, now + 9}), record("l", {now, now, now, now + 9})});
  const auto said = [&](const std::string& content) {
    std::ofstream(file("input"), std::ios::binary) << content;
    const CommandOutcome outcome = run(store_import_command, {file("input")}, file("into"));
    EXPECT_EQ(outcome.code, ExitCode::not_found);
    return outcome.err;
  };
  const size_t second = whole.find('\n') + 1;
  const size_t third = whole.find('\n', second) + 1;
  const size_t end = whole.find("end ");
  EXPECT_EQ(said(whole.substr(0, second) + whole.substr(third)),
            "line 3: the export had 2 records, of which 1 are present\n"
            "a part of the export is damaged; the rest was imported");
  EXPECT_EQ(imported(whole.substr(0, second) + whole.substr(third)).at("whole"), false);
  EXPECT_EQ(said(whole.substr(0, end)),
            "before line 4: the export is truncated\n"
            "the export is truncated; the part that is present was imported");
  EXPECT_EQ(said(whole.substr(0, end) + whole),
            "before line 5: the export is truncated\n"
            "the export is truncated; the part that is present was imported");
  EXPECT_EQ(said(whole + "more\n"),
            "line 5: it follows the end of an export and does not begin another\n"
            "a part of the export is damaged; the rest was imported");
  EXPECT_EQ(said(whole.substr(0, third - 1) + "\r\n" + whole.substr(third)),
            "line 2: it ends with CR LF\n"
            "line 4: the export had 2 records, of which 1 are present\n"
            "a part of the export is damaged; the rest was imported");
}

TEST_F(ImportTimesTest, ALineThatIsTooLongIsDamagedAndTheNextOneIsNot) {
  const std::string whole = export_of(now, {record("k", {now, now, now, now + 9})});
  const size_t second = whole.find('\n') + 1;
  for (const size_t length :
       {export_line_max, export_line_max + 1, export_line_max + 2, 3 * export_line_max}) {
    std::filesystem::remove_all(file("into"));
    const nlohmann::json report =
        imported(whole.substr(0, second) + std::string(length, 'x') + "\n" + whole.substr(second));
    EXPECT_EQ(report,
              (nlohmann::json{{"imported", 1}, {"kept", 0}, {"damaged", 1}, {"whole", true}}))
        << length;
  }
  std::filesystem::remove_all(file("into"));
  EXPECT_EQ(imported(whole.substr(0, whole.size() - 1)).at("whole"), true) << "no last newline";
}

class Endless : public std::streambuf {
 public:
  explicit Endless(std::string header) : line_(std::move(header)) {}
  int lines() const { return lines_; }

 private:
  int_type underflow() override {
    if (++lines_ == 50) kill(getpid(), SIGINT);
    if (lines_ > 1'000) return traits_type::eof();  // Nobody has listened.
    if (lines_ > 1) line_ = "junk\n";
    setg(line_.data(), line_.data(), line_.data() + line_.size());
    return traits_type::to_int_type(line_[0]);
  }

  std::string line_;
  int lines_ = 0;
};

TEST_F(ImportTimesTest, AnInterruptEndsTheReadingWithTheLineThatItCameIn) {
  std::string header = export_of(now, {});
  Endless lines(header.substr(0, header.find('\n') + 1));
  std::istream in(&lines);
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}};
  ImportTarget target(file("into"));
  {
    const Interrupt interrupt;
    try {
      RecordImport(in, "lines", target, terminal).run();
      ADD_FAILURE() << "it went on to the end";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ExitCode::interrupted);
    }
  }
  EXPECT_EQ(lines.lines(), 50);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

TEST_F(ImportInputTest, WhatIsCompressedIsNamedByItsProgram) {
  const std::pair<std::string, std::string> beginnings[] = {
      {"\x28\xb5\x2f\xfd", " is compressed by zstd (`zstd -dc FILE | xord store import -`)"},
      {"\xfd\x37zXZ", " is compressed by xz (`xz -dc FILE | xord store import -`)"},
      {"BZh9", " is compressed by bzip2 (`bunzip2 -c FILE | xord store import -`)"},
      {"\xfe\xff",
       " is UTF-16 text, as an editor saved it (`iconv -f utf-16 -t utf-8` converts "
       "it back)"}};
  for (const auto& [begin, is] : beginnings) {
    EXPECT_EQ(refused(begin + "..."), file("input") + is);
  }
}

TEST_F(ImportInputTest, AFileThatCannotBeReadIsTheEnvironments) {
  const CommandOutcome missing = run(store_import_command, {file("nowhere")}, file("into"));
  EXPECT_EQ(missing.code, ExitCode::environment);
  EXPECT_EQ(missing.err,
            "cannot read " + file("nowhere") + " (name an export): No such file or directory");
}

TEST_F(ImportInputTest, WhatIsNewerHereIsCountedInWords) {
  const std::string old = exported({row(key_digest("k"), "old", now + 9)}, "first");
  const std::string newer = exported({row(key_digest("k"), "new", now + 9, now - 5)}, "second");
  imported(newer);
  std::ofstream(file("input"), std::ios::binary) << old;
  EXPECT_EQ(run(store_import_command, {file("input")}, file("into")).out,
            "imported 0 records, kept 1 that are newer here\n");
}

}  // namespace
}  // namespace xord
