// What is read of a target's own counters, from a control socket that answers as a node would.
#include "tools/load/target_counters.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "node/server/socket/control_socket.h"
#include "tests/temporary_directory.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

const Id node_id = *Id::from_hex("c0ffee00112233445566778899aabbccddeeff00");

Json stats_of(uint64_t contacts, uint64_t values, uint64_t reads, uint64_t thinned) {
  return {{"id", node_id.hex()},
          {"total",
           {{"node",
             {{"limited_contacts", contacts},
              {"limited_values", values},
              {"limited_reads", reads},
              {"sources_thinned", thinned}}}}}};
}

class TargetCountersTest : public testing::Test {
 protected:
  void listen() {
    socket_.emplace(
        directory_.path(),
        [this](std::string_view line) {
          const std::lock_guard lock(mutex_);
          const bool asks_for_limits = Json::parse(line)["command"] == "limits";
          return Json{{"result", asks_for_limits ? Json{{"limits", "on"}} : stats_}}.dump();
        },
        [](const std::string& sentence) { return sentence; }, [](int socket) { close(socket); });
    ASSERT_FALSE(socket_->open());
  }
  void set_stats(const Json& stats) {
    const std::lock_guard lock(mutex_);
    stats_ = stats;
  }

  TemporaryDirectory directory_;
  std::mutex mutex_;
  Json stats_ = stats_of(10, 20, 30, 0);
  std::optional<ControlSocket> socket_;
};

TEST_F(TargetCountersTest, SayWhatWasLimitedSince) {
  listen();
  TargetCounters counters(directory_.path(), node_id);
  ASSERT_TRUE(counters.limited());
  EXPECT_EQ(counters.limited()->sum(), 0u);
  set_stats(stats_of(11, 22, 33, 4));
  counters.read();
  set_stats(stats_of(11, 22, 34, 2));
  counters.read();
  const auto limited = counters.limited();
  ASSERT_TRUE(limited);
  EXPECT_EQ(limited->limits, "on");
  EXPECT_EQ(limited->contacts, 1u);
  EXPECT_EQ(limited->values, 2u);
  EXPECT_EQ(limited->reads, 4u);
  EXPECT_EQ(limited->prefixes_thinned, 4u) << "the most there were";
}

TEST_F(TargetCountersTest, AreUnknownOnceTheNodeIsGone) {
  listen();
  TargetCounters counters(directory_.path(), node_id);
  socket_.reset();
  counters.read();
  EXPECT_FALSE(counters.limited());
}

TEST_F(TargetCountersTest, AreThoseOfTheTargetOnly) {
  listen();
  Id other = node_id;
  other.bytes[0] ^= 1;
  try {
    TargetCounters counters(directory_.path(), other);
    ADD_FAILURE();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ExitCode::usage);
    EXPECT_EQ(std::string(failure.what()),
              "--data-dir \"" + directory_.path() + "\" belongs to the node " + node_id.hex() +
                  ", and the target is " + other.hex() + "; name the directory of the target");
  }
}

}  // namespace
}  // namespace xord
