// What a node takes over of its last run at a start, and what it leaves at its end for the next.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "node/server/admin/admin.h"
#include "node/server/node_doors.h"
#include "storage/files/clock_file.h"
#include "storage/files/contacts_file.h"
#include "storage/files/data_directory.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

class AdminStartTest : public testing::Test {
 protected:
  AdminStartTest() { testing::internal::CaptureStderr(); }
  ~AdminStartTest() override {
    admin_.reset();
    testing::internal::GetCapturedStderr();
  }
  void start() {
    ServerConfig config = loopback_config(directory_.at("data"));
    config.log_level = LogLevel::debug;
    admin_ = std::make_unique<Admin>(config, node_doors());
    const auto error = admin_->start();
    ASSERT_FALSE(error) << error->sentence;
  }
  void run_once() {
    start();
    admin_->stop();
  }
  // The fields of the first line with that message, which may be still to come.
  Json line(std::string_view message) const {
    Json fields;
    EXPECT_TRUE(eventually([&] {
      for (const LogLine& line : admin_->log_lines().lines(LogLevel::debug, 0, log_ring_lines)) {
        if (fields.is_null() && line.message == message) fields = Json::parse(line.fields);
      }
      return !fields.is_null();
    })) << message;
    return fields;
  }
  // The data directory of a node that does not run.
  std::unique_ptr<DataDirectory> data() const {
    auto opened = DataDirectory::open(directory_.at("data"), NetworkFileSystem::refused);
    return std::get<std::unique_ptr<DataDirectory>>(std::move(opened));
  }
  SavedClock saved_clock() const {
    return *std::get<std::optional<SavedClock>>(read_clock(*data()));
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Admin> admin_;
};

TEST_F(AdminStartTest, AJoinAsksThe32ContactsThatAnsweredLast) {
  run_once();
  std::vector<SavedContact> contacts(40);
  for (uint32_t i = 0; i < contacts.size(); ++i) {
    contacts[i].id.bytes[0] = static_cast<uint8_t>(i);
    contacts[i].last_answered = 1 + i * 7 % 40;  // Each of 1 to 40.
    contacts[i].endpoint = own_loopback(static_cast<uint16_t>(100 + contacts[i].last_answered));
  }
  ASSERT_FALSE(write_contacts(*data(), {{"rpcudp", contacts}}));
  start();
  Json asked = Json::array();
  for (uint16_t answered = 40; answered > 32; --answered) {
    asked.push_back(own_loopback(static_cast<uint16_t>(100 + answered)).text());
  }
  asked.push_back("and 24 more");
  EXPECT_EQ(line("joining"), (Json{{"names", Json::array()}, {"asked", asked}}));
}

TEST_F(AdminStartTest, ContactsOfAnotherNetworkAreNotTakenOver) {
  run_once();
  SavedContact contact;
  contact.last_answered = 1;
  contact.endpoint = own_loopback(101);
  ASSERT_FALSE(write_contacts(*data(), {{"other", {contact}}}));
  start();
  line("ready");
  EXPECT_EQ(admin_->stats().contacts, 0u);
}

TEST_F(AdminStartTest, TheClockIsSavedAtTheEnd) {
  run_once();
  const SavedClock first = saved_clock();
  const Duration before = wall_time();
  run_once();
  const SavedClock second = saved_clock();
  EXPECT_GE(second.wall_time, before);
  EXPECT_LE(second.wall_time, wall_time());
  EXPECT_GE(second.node_time, first.node_time);
}

TEST_F(AdminStartTest, AClockThatIsDoubtedIsNamedAndLeftAsItWasSaved) {
  run_once();
  SavedClock moved = saved_clock();
  moved.wall_time = moved.wall_time - hours(24 * 30);
  ASSERT_FALSE(write_clock(*data(), moved));
  start();
  const Json doubtful = line("clock doubtful");
  EXPECT_GE(doubtful.at("away_s"), 24 * 30 * 3600);
  EXPECT_LE(doubtful.at("away_s"), 24 * 30 * 3600 + 3600);
  EXPECT_TRUE(doubtful.contains("hint"));
  admin_->stop();
  EXPECT_EQ(saved_clock().wall_time, moved.wall_time);
  EXPECT_EQ(saved_clock().node_time, moved.node_time);
}

}  // namespace
}  // namespace xord
