// What a server reads and writes in its data directory before anything else of it runs.
#include "node/server/admin/start_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "reactor/monotonic.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

class StartFilesTest : public testing::Test {
 protected:
  StartFilesTest() : config_(loopback_config(directory_.at("data"))) {}

  std::variant<StartFiles, ServerError> start() const {
    return start_files(config_, {DialectName::rpcudp});
  }
  StartFiles started() const {
    auto files = start();
    if (const auto* error = std::get_if<ServerError>(&files)) {
      ADD_FAILURE() << error->sentence;
      return {};
    }
    return std::move(std::get<StartFiles>(files));
  }
  std::string refusal() const {
    const auto files = start();
    const auto* error = std::get_if<ServerError>(&files);
    if (error == nullptr) return "";
    EXPECT_EQ(error->kind, ServerErrorKind::environment);
    return error->sentence;
  }

  TemporaryDirectory directory_;
  const ServerConfig config_;
};

TEST_F(StartFilesTest, AFirstStartDrawsAnIdentityThatTheNextOneHas) {
  NetworkIdentity drawn;
  {
    const StartFiles first = started();
    ASSERT_EQ(first.identities.size(), 1u);
    drawn = first.identities[0];
    EXPECT_EQ(drawn.network, "rpcudp");
    EXPECT_NE(drawn.id, Id{});
    EXPECT_NE(drawn.secret, Secret{});
    EXPECT_TRUE(first.contacts.empty());
    EXPECT_EQ(first.warning, "");
    EXPECT_FALSE(first.clock.is_doubtful);
  }
  const StartFiles second = started();
  ASSERT_EQ(second.identities.size(), 1u);
  EXPECT_EQ(second.identities[0], drawn);
}

TEST_F(StartFilesTest, TheDirectoryIsLockedWhileTheyAreHeld) {
  const StartFiles held = started();
  EXPECT_NE(refusal().find(directory_.at("data")), std::string::npos);
}

TEST_F(StartFilesTest, AnIdentityFileThatIsFullIsNotOverwritten) {
  std::vector<NetworkIdentity> known(networks_max);
  for (size_t i = 0; i < known.size(); ++i) {
    known[i].network = "network" + std::to_string(i);
    known[i].id.bytes[0] = static_cast<uint8_t>(i + 1);
  }
  {
    const StartFiles held = started();
    ASSERT_FALSE(write_identity(*held.directory, known));
  }
  EXPECT_EQ(refusal(), directory_.at("data") +
                           "/identity holds the ids of 16 networks, as many as it can, and none "
                           "of rpcudp: choose another --data-dir");
  known.pop_back();
  {
    auto opened = DataDirectory::open(config_.data_dir, NetworkFileSystem::refused);
    const auto& data = *std::get<std::unique_ptr<DataDirectory>>(opened);
    ASSERT_FALSE(write_identity(data, known));
  }
  const StartFiles last = started();
  ASSERT_EQ(last.identities.size(), 1u);
  EXPECT_EQ(last.identities[0].network, "rpcudp");
  const auto all = std::get<std::vector<NetworkIdentity>>(read_identity(*last.directory));
  ASSERT_EQ(all.size(), networks_max) << "those of other networks stay";
  EXPECT_EQ(all[0], known[0]);
  EXPECT_EQ(all.back(), last.identities[0]);
}

TEST_F(StartFilesTest, ContactsAreReadAndDamagedOnesCostNoStart) {
  const SavedContact contact{Id{}, own_loopback(own_port), first_node_seconds};
  {
    const StartFiles held = started();
    ASSERT_FALSE(write_contacts(*held.directory, {{"rpcudp", {contact}}}));
  }
  {
    const StartFiles next = started();
    ASSERT_EQ(next.contacts.size(), 1u);
    EXPECT_EQ(next.contacts[0].network, "rpcudp");
    ASSERT_EQ(next.contacts[0].contacts.size(), 1u);
    EXPECT_EQ(next.contacts[0].contacts[0].endpoint, contact.endpoint);
  }
  std::ofstream(directory_.at("data/contacts"), std::ios::trunc) << "nonsense";
  const StartFiles last = started();
  EXPECT_TRUE(last.contacts.empty());
  EXPECT_TRUE(last.warning.ends_with("; starting without the contacts of the last run"))
      << last.warning;
  EXPECT_EQ(last.identities.size(), 1u);
}

TEST_F(StartFilesTest, TheClockIsSavedUnlessItIsDoubted) {
  const auto saved_in = [](const StartFiles& files) {
    return *std::get<std::optional<SavedClock>>(read_clock(*files.directory));
  };
  SavedClock doubted;
  {
    const StartFiles first = started();
    const SavedClock saved = saved_in(first);
    EXPECT_EQ(saved.node_time, first.clock.now);
    doubted = {saved.node_time, saved.wall_time - hours(24 * 30)};
    ASSERT_FALSE(write_clock(*first.directory, doubted));
  }
  const StartFiles next = started();
  EXPECT_TRUE(next.clock.is_doubtful) << "away for longer than the ttl";
  EXPECT_EQ(saved_in(next).node_time, doubted.node_time) << "for a restart with the right one";
  EXPECT_EQ(saved_in(next).wall_time, doubted.wall_time);
}

TEST(DialectName, EachIsWrittenAsInFiles) {
  EXPECT_EQ(name_of(DialectName::rpcudp), "rpcudp");
  EXPECT_EQ(name_of(DialectName::mainline), "mainline");
}

}  // namespace
}  // namespace xord
