// Rules of the calls in progress that need no shard: who is refused, and that each ends once.
#include "node/server/calls.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

TEST(CallsTest, BeforeOpenAndAfterCloseACallEndsAtOnce) {
  Calls calls;
  std::vector<ServerStatus> ended;
  const FinishCall finish = [&](const CallResult& result) { ended.push_back(result.status); };
  calls.call(0, command_of(CommandKind::find, Id{}), {}, finish);
  EXPECT_EQ(ended, std::vector{ServerStatus::stopped});
  FinishCall kept = finish;
  const auto admitted = calls.admit(kept, CommandKind::join);
  ASSERT_TRUE(std::holds_alternative<ServerStatus>(admitted));
  EXPECT_EQ(std::get<ServerStatus>(admitted), ServerStatus::stopped);
  EXPECT_TRUE(kept) << "the caller still has it";
  EXPECT_EQ(calls.count(), 0u);
}

TEST(CallsTest, TheServersOwnCallsAreBoundedAndCountedApart) {
  Calls calls;
  uint32_t ended = 0;
  const FinishCall finish = [&](const CallResult&) { ++ended; };
  std::vector<OperationId> own;
  for (uint32_t i = 0; i < own_calls_max; ++i) {
    const auto operation = calls.begin_own(finish, CommandKind::join);
    ASSERT_TRUE(operation);
    own.push_back(*operation);
  }
  EXPECT_FALSE(calls.begin_own(finish, CommandKind::join));
  EXPECT_EQ(calls.count(), own_calls_max);
  EXPECT_EQ(calls.program_count(), 0u);
  calls.fail(own[0], ServerStatus::bad_address, "");
  EXPECT_EQ(ended, 1u);
  EXPECT_TRUE(calls.begin_own(finish, CommandKind::join)) << "there is room again";
  EXPECT_FALSE(calls.take(own[0]).finish) << "it has ended";
  calls.abandon();
  EXPECT_EQ(ended, 1 + own_calls_max);
  EXPECT_EQ(calls.count(), 0u);
}

}  // namespace
}  // namespace xord
