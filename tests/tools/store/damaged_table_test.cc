// What `xord store` says of a table of which some blocks cannot be read.
#include <regex>

#include "tests/storage/file_content.h"
#include "tests/tools/store/store_fixture.h"

namespace xord {
namespace {

class DamagedTableTest : public StoreCommandsTest {
 protected:
  static constexpr uint32_t count = 3000;

  void SetUp() override {
    write(data_dir(), many(count));
    {
      RocksConfig config;
      config.directory = data_dir();
      config.networks = {"rpcudp"};
      RocksDatabase database(config, nullptr);
      ASSERT_FALSE(database.open(0));
      ASSERT_TRUE(database.compact().ok());
    }
    uint64_t largest = 0;
    for (const auto& at : std::filesystem::directory_iterator(data_dir() + "/db")) {
      if (at.path().extension() != ".sst" || at.file_size() <= largest) continue;
      largest = at.file_size();
      table_ = at.path().string();
    }
    std::string bytes = content_of(table_);
    ASSERT_GT(bytes.size(), 100'000u);
    for (size_t i = 0; i < 40; ++i) bytes[50'000 + i] = static_cast<char>(~bytes[50'000 + i]);
    overwrite(table_, bytes);
  }

  std::string table_;
};

TEST_F(DamagedTableTest, ACheckNamesTheTableAndTheRangesOfKeys) {
  const CommandOutcome check = run(store_check_command, {});
  EXPECT_EQ(check.code, ExitCode::not_found) << check.err;
  EXPECT_NE(check.out.find("the table " + table_ + " is damaged: "), std::string::npos)
      << check.out;
  const std::regex line(
      "([0-9]+) key ranges from ([0-9a-f]{4}) to ([0-9a-f]{4}) \\(last two bytes of the key\\) of "
      "rpcudp cannot be read: ");
  uint64_t ranges = 0;
  for (std::sregex_iterator at(check.out.begin(), check.out.end(), line), end; at != end; ++at) {
    const uint64_t first = std::stoull((*at)[2], nullptr, 16);
    const uint64_t last = std::stoull((*at)[3], nullptr, 16);
    EXPECT_EQ(first % 1024, 0u) << "one of 64 parts";
    EXPECT_EQ(last, first + 1023);
    ranges += std::stoull((*at)[1]);
  }
  EXPECT_GT(ranges, 0u) << check.out;
}

TEST_F(DamagedTableTest, TheRestIsExportedAndWhatIsLeftOutIsCounted) {
  const CommandOutcome exported = run(store_export_command, {});
  EXPECT_EQ(exported.code, ExitCode::not_found) << exported.err;
  const std::regex line(
      "exported ([0-9]+) records\n0 damaged records and [1-9][0-9]* ranges? of keys that cannot be "
      "read are left out; `xord store check` names them");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(exported.err, found, line)) << exported.err;
  const uint64_t exported_count = std::stoull(found[1]);
  EXPECT_GT(exported_count, count / 2);
  EXPECT_LT(exported_count, count);
  EXPECT_NE(exported.out.find("\nend " + std::to_string(exported_count) + " "), std::string::npos);
  const std::string stats = run(store_stats_command, {}).out;
  EXPECT_NE(stats.find("`xord store check` says more"), std::string::npos) << stats;
}

}  // namespace
}  // namespace xord
