// The joins of one network: whom they ask, which of them waits for which, and how each call ends.
// Only numeric addresses, so that no name server is asked.
#include "node/server/admin/bootstrap_keeper.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "reactor/monotonic.h"
#include "tests/node/server/still_shards.h"

namespace xord {
namespace {

Endpoint numbered(uint32_t number) {
  return Endpoint::ipv4(0x7f000000 + number, 9);
}
std::vector<Endpoint> numbered_up_to(uint32_t last) {
  std::vector<Endpoint> endpoints;
  for (uint32_t number = 1; number <= last; ++number) endpoints.push_back(numbered(number));
  return endpoints;
}

class BootstrapKeeperTest : public testing::Test {
 protected:
  BootstrapKeeperTest() { calls_.open(still_.shards()); }
  ~BootstrapKeeperTest() override {
    calls_.close();
    calls_.abandon();
  }
  // A join of the program, whose result is kept.
  OperationId join(std::vector<std::string> names) {
    FinishCall finish = [this](const CallResult& result) { ended_.push_back(result); };
    const auto admitted = calls_.admit(finish, CommandKind::join);
    const OperationId operation = std::get<OperationId>(admitted);
    keeper_.join({std::move(names), {}, operation});
    return operation;
  }
  // Until names that are being resolved are.
  void advance() {
    keeper_.advance();
    while (is_resolving()) {
      still_.bell().wait(milliseconds(10));
      keeper_.advance();
    }
  }
  // The resolver is busy until its answer is taken, so what was asked changes.
  bool is_resolving() {
    const bool has_asked = keeper_.asked() != before_;
    const bool has_ended = ended_.size() > ended_before_;
    if (!has_asked && !has_ended) return true;
    before_ = keeper_.asked();
    ended_before_ = ended_.size();
    return false;
  }
  // As when shard 0 reports the end of a join.
  bool finish(OperationId operation, OperationStatus status) {
    FinishCall finish = calls_.take(operation, status_of(status)).finish;
    CallResult result;
    result.status = status_of(status);
    const bool is_ours = keeper_.finish(operation, finish, result);
    if (!is_ours && finish) finish(result);
    return is_ours;
  }
  static ServerStatus status_of(OperationStatus status) {
    return status == OperationStatus::done ? ServerStatus::done : ServerStatus::no_contacts;
  }

  StillShards still_;
  Calls calls_;
  Log log_{LogLevel::off, LogFormat::text};
  BootstrapKeeper keeper_{0, calls_, still_.shards(), log_, still_.bell()};
  std::vector<CallResult> ended_;
  Log::Fields before_ = Log::Fields::array();
  size_t ended_before_ = 0;
};
// The first call of each test.
constexpr OperationId first = 1;

TEST_F(BootstrapKeeperTest, WithNeitherNamesNorContactsNothingIsJoined) {
  keeper_.start({}, {});
  keeper_.advance();
  keeper_.retry_if_alone();
  EXPECT_EQ(calls_.count(), 0u);
  EXPECT_TRUE(keeper_.names().empty());
  EXPECT_EQ(keeper_.asked(), Log::Fields::array());
}

TEST_F(BootstrapKeeperTest, AStartJoinsThroughItsNamesAndThenThroughTheContacts) {
  keeper_.start({"127.0.0.7:9", "127.0.0.8:9"}, numbered_up_to(2));
  EXPECT_EQ(calls_.count(), 1u);
  EXPECT_EQ(calls_.program_count(), 0u) << "its own";
  advance();
  EXPECT_EQ(keeper_.asked(),
            Log::Fields({"127.0.0.7:9", "127.0.0.8:9", "127.0.0.1:9", "127.0.0.2:9"}));
  EXPECT_EQ(keeper_.names(), (std::vector<std::string>{"127.0.0.7:9", "127.0.0.8:9"}));
  EXPECT_TRUE(finish(first, OperationStatus::no_contacts));
  EXPECT_EQ(calls_.count(), 0u);
  EXPECT_FALSE(keeper_.is_settling());
}

TEST_F(BootstrapKeeperTest, ContactsOfTheLastRunAreEnough) {
  keeper_.start({}, numbered_up_to(8));
  advance();
  EXPECT_EQ(keeper_.asked().size(), 8u);
  EXPECT_EQ(keeper_.asked().back(), "127.0.0.8:9");
}

TEST_F(BootstrapKeeperTest, EightAddressesAreShownAndHowManyMoreThereAre) {
  keeper_.start({}, numbered_up_to(join_endpoints_max + 5));
  advance();
  const Log::Fields asked = keeper_.asked();
  ASSERT_EQ(asked.size(), 9u);
  EXPECT_EQ(asked[7], "127.0.0.8:9");
  EXPECT_EQ(asked[8], "and " + std::to_string(join_endpoints_max - 8) + " more")
      << "a join asks at most so many";
}

TEST_F(BootstrapKeeperTest, NamesAreRememberedOnceEachAndAtMost64) {
  keeper_.start({"127.0.0.1:9"}, {});
  advance();
  finish(first, OperationStatus::no_contacts);
  std::vector<std::string> names = {"127.0.0.1:9"};
  for (uint32_t number = 2; number <= 70; ++number) names.push_back(numbered(number).text());
  join(names);
  advance();
  ASSERT_EQ(keeper_.names().size(), 64u);
  EXPECT_EQ(keeper_.names()[0], "127.0.0.1:9");
  EXPECT_EQ(keeper_.names()[1], "127.0.0.2:9");
  EXPECT_EQ(keeper_.names()[63], "127.0.0.64:9");
}

TEST_F(BootstrapKeeperTest, AJoinWithoutAnyAddressEndsAtOnceAndSaysWhichNamesAreWrong) {
  join({"127.0.0.1"});
  advance();
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].status, ServerStatus::bad_address);
  EXPECT_NE(ended_[0].unresolved.find("127.0.0.1"), std::string::npos);
  EXPECT_EQ(calls_.count(), 0u);
}

TEST_F(BootstrapKeeperTest, NamesThatAreWrongAreToldAtTheEndOfAJoinThroughTheOthers) {
  const OperationId operation = join({"127.0.0.1", "127.0.0.2:9"});
  advance();
  EXPECT_TRUE(ended_.empty());
  EXPECT_TRUE(finish(operation, OperationStatus::no_contacts));
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].status, ServerStatus::no_contacts);
  EXPECT_NE(ended_[0].unresolved.find("127.0.0.1"), std::string::npos);
  EXPECT_FALSE(finish(operation, OperationStatus::done)) << "it has ended";
}

TEST_F(BootstrapKeeperTest, WhereTheShardTakesNoCommandTheJoinIsRefused) {
  StillShards::fill(calls_);
  join({"127.0.0.1:9"});
  advance();
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].status, ServerStatus::refused);
}

TEST_F(BootstrapKeeperTest, JoinsOfTheProgramComeOneAfterTheOther) {
  const OperationId one = join({"127.0.0.1:9"});
  const OperationId other = join({"127.0.0.2:9"});
  advance();
  EXPECT_EQ(keeper_.asked(), Log::Fields({"127.0.0.1:9"}));
  keeper_.advance();
  keeper_.advance();
  EXPECT_EQ(keeper_.asked(), Log::Fields({"127.0.0.1:9"})) << "the other waits";
  FinishCall unused = [](const CallResult&) { ADD_FAILURE(); };
  CallResult result;
  EXPECT_FALSE(keeper_.finish(other, unused, result)) << "it has not begun";
  EXPECT_TRUE(finish(one, OperationStatus::no_contacts));
  ended_before_ = ended_.size();
  advance();
  EXPECT_EQ(keeper_.asked(), Log::Fields({"127.0.0.2:9"}));
}

TEST_F(BootstrapKeeperTest, ItsOwnJoinGivesWayToThatOfTheProgram) {
  keeper_.start({"127.0.0.1:9"}, {});
  advance();
  join({"127.0.0.2:9"});
  advance();
  EXPECT_EQ(keeper_.asked(), Log::Fields({"127.0.0.2:9"}));
}

TEST_F(BootstrapKeeperTest, OtherNamesReplaceTheConfiguredOnesAndThoseOfJoinsStay) {
  keeper_.start({"127.0.0.1:9", "127.0.0.2:9"}, {});
  advance();
  finish(first, OperationStatus::no_contacts);
  join({"127.0.0.3:9"});
  advance();
  keeper_.replace_names({"127.0.0.1:9", "127.0.0.2:9"}, {"127.0.0.4:9", "127.0.0.2:9"});
  EXPECT_EQ(keeper_.names(),
            (std::vector<std::string>{"127.0.0.4:9", "127.0.0.2:9", "127.0.0.3:9"}));
  keeper_.replace_names({"127.0.0.4:9", "127.0.0.2:9"}, {});
  EXPECT_EQ(keeper_.names(), std::vector<std::string>{"127.0.0.3:9"});
}

TEST_F(BootstrapKeeperTest, OtherNamesAreTriedAtOnceWhileNobodyAnswers) {
  keeper_.start({"127.0.0.1:9"}, {});
  advance();
  finish(first, OperationStatus::no_contacts);
  keeper_.replace_names({"127.0.0.1:9"}, {"127.0.0.2:9"});
  EXPECT_EQ(calls_.count(), 0u);
  keeper_.retry_if_alone();
  EXPECT_EQ(calls_.count(), 1u);
  EXPECT_EQ(calls_.program_count(), 0u) << "its own";
  keeper_.retry_if_alone();
  EXPECT_EQ(calls_.count(), 1u) << "one at a time";
  advance();
  EXPECT_EQ(keeper_.asked(), Log::Fields({"127.0.0.2:9"}));
}

TEST_F(BootstrapKeeperTest, NamesOfJoinsFindRoomUpTo64AfterTheNewOnes) {
  keeper_.start({}, {});
  std::vector<std::string> names;
  for (uint32_t number = 1; number <= 64; ++number) names.push_back(numbered(number).text());
  join(names);
  advance();
  ASSERT_EQ(keeper_.names().size(), 64u);
  keeper_.replace_names({}, {"127.0.1.1:9", "127.0.1.2:9"});
  ASSERT_EQ(keeper_.names().size(), 64u);
  EXPECT_EQ(keeper_.names()[1], "127.0.1.2:9");
  EXPECT_EQ(keeper_.names()[63], "127.0.0.62:9");
}

// Every shard must know a contact that answers before the program goes on; here none ever does.
TEST_F(BootstrapKeeperTest, AJoinThatIsDoneIsToldOnceAllShardsKnowAContactOrTheServerStops) {
  const OperationId operation = join({"127.0.0.1:9"});
  advance();
  const MonotonicTime before = monotonic_time();
  EXPECT_TRUE(finish(operation, OperationStatus::done));
  if (monotonic_time() - before < seconds(1)) {  // Else it has given up waiting.
    EXPECT_TRUE(keeper_.is_settling());
    EXPECT_TRUE(ended_.empty());
  }
  keeper_.abandon();
  EXPECT_FALSE(keeper_.is_settling());
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].status, ServerStatus::done);
  keeper_.abandon();
  EXPECT_EQ(ended_.size(), 1u);
}

}  // namespace
}  // namespace xord
