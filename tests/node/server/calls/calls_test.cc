// Rules of the calls in progress: which are refused, which wait, and that each ends once.
#include "node/server/calls/calls.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "reactor/monotonic.h"
#include "tests/node/server/still_shards.h"

namespace xord {
namespace {

uint64_t times_ended(const Calls& calls, CommandKind kind, ServerStatus status) {
  return calls.counters()
      .durations(kind, status)
      .count(OperationHistogram::operation_duration_seconds);
}

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
  EXPECT_EQ(times_ended(calls, CommandKind::find, ServerStatus::stopped), 1u);
  EXPECT_EQ(times_ended(calls, CommandKind::join, ServerStatus::stopped), 1u);
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
  EXPECT_FALSE(calls.take(own[0], ServerStatus::done).finish) << "it has ended";
  calls.abandon();
  EXPECT_EQ(ended, 1 + own_calls_max);
  EXPECT_EQ(calls.count(), 0u);
  EXPECT_EQ(calls.program_count(), 0u);
}

TEST(CallsTest, EachEndIsCountedByKindAndStatusAndMeasured) {
  Calls calls;
  const auto begin = [&](CommandKind kind) {
    return calls.begin_own([](const CallResult&) {}, kind).value_or(0);
  };
  const MonotonicTime before = monotonic_time();
  const OperationId get = begin(CommandKind::get);
  EXPECT_EQ(times_ended(calls, CommandKind::get, ServerStatus::not_found), 0u)
      << "it is in progress";
  calls.take(get, ServerStatus::not_found);
  EXPECT_EQ(times_ended(calls, CommandKind::get, ServerStatus::not_found), 1u);
  const auto& measured = calls.counters().durations(CommandKind::get, ServerStatus::not_found);
  EXPECT_GT(measured.sum(OperationHistogram::operation_duration_seconds), 0u);
  EXPECT_LE(measured.sum(OperationHistogram::operation_duration_seconds),
            static_cast<uint64_t>((monotonic_time() - before).nanoseconds));

  calls.fail(begin(CommandKind::join), ServerStatus::bad_address, "");
  EXPECT_EQ(times_ended(calls, CommandKind::join, ServerStatus::bad_address), 1u);
  begin(CommandKind::forget);
  calls.abandon();
  EXPECT_EQ(times_ended(calls, CommandKind::forget, ServerStatus::stopped), 1u);
}

TEST(CallsTest, HowManyNodesStoredAValueIsCountedForEachSetThatWasCarriedOut) {
  Calls calls;
  const auto end = [&](CommandKind kind, ServerStatus status, uint32_t stored) {
    calls.take(calls.begin_own([](const CallResult&) {}, kind).value_or(0), status, stored);
  };
  end(CommandKind::set, ServerStatus::done, 20);
  end(CommandKind::keep, ServerStatus::done, 19);
  end(CommandKind::set, ServerStatus::not_stored, 0);
  end(CommandKind::set, ServerStatus::no_contacts, 0);
  end(CommandKind::set, ServerStatus::refused, 0);
  end(CommandKind::get, ServerStatus::done, 0);
  const Histograms<SetHistogram>& replicas = calls.counters().replicas();
  EXPECT_EQ(replicas.count(SetHistogram::set_replicas), 3u);
  EXPECT_EQ(replicas.sum(SetHistogram::set_replicas), 39u);
  EXPECT_EQ(replicas.count_in(SetHistogram::set_replicas, 0), 1u) << "0";
  EXPECT_EQ(replicas.count_in(SetHistogram::set_replicas, 5), 1u) << "19";
  EXPECT_EQ(replicas.count_in(SetHistogram::set_replicas, 6), 1u) << "20";
}

class CallsOfAShard : public testing::Test {
 protected:
  CallsOfAShard() { calls_.open(still_.shards()); }
  ~CallsOfAShard() override {
    calls_.close();
    calls_.abandon();
  }
  // How it ended, if it has.
  std::optional<ServerStatus> call(CommandKind kind) {
    const auto ended = std::make_shared<std::optional<ServerStatus>>();
    calls_.call(0, command_of(kind, Id{}), {},
                [ended](const CallResult& result) { *ended = result.status; });
    return *ended;
  }

  StillShards still_;
  Calls calls_;
};

TEST_F(CallsOfAShard, WhatNeedsTheRecordsWaitsForThemAndNothingElseDoes) {
  EXPECT_GT(StillShards::fill(calls_), 1'000u);
  EXPECT_TRUE(calls_.is_holding());
  uint32_t waiting = 0;
  for (const CommandKind kind :
       {CommandKind::get, CommandKind::set, CommandKind::keep, CommandKind::forget,
        CommandKind::list_published, CommandKind::list_records, CommandKind::purge}) {
    EXPECT_EQ(call(kind), std::nullopt) << name_of(kind);
    ++waiting;
  }
  for (const CommandKind kind :
       {CommandKind::find, CommandKind::trace, CommandKind::canary, CommandKind::list_charges,
        CommandKind::explain, CommandKind::list_contacts, CommandKind::list_buckets}) {
    EXPECT_EQ(call(kind), ServerStatus::refused) << name_of(kind) << " is sent at once";
    EXPECT_EQ(times_ended(calls_, kind, ServerStatus::refused), 1u);
  }
  EXPECT_EQ(calls_.count(), waiting);
  EXPECT_EQ(calls_.program_count(), waiting);
  calls_.release();
  EXPECT_TRUE(calls_.is_holding()) << "the mailbox has no room for them";
  EXPECT_EQ(calls_.count(), waiting);
}

TEST_F(CallsOfAShard, OnceThereIsRoomForAllNoneWaitsAnyMore) {
  EXPECT_EQ(call(CommandKind::get), std::nullopt);
  calls_.release();
  EXPECT_FALSE(calls_.is_holding());
  EXPECT_EQ(calls_.count(), 1u) << "in progress";
  StillShards::fill(calls_);
  EXPECT_EQ(call(CommandKind::get), ServerStatus::refused);
  EXPECT_EQ(calls_.count(), 1u);
}

TEST_F(CallsOfAShard, AProgramHasAtMostSoManyCallsAndTheServersOwnAreNotAmongThem) {
  ASSERT_TRUE(calls_.begin_own([](const CallResult&) {}, CommandKind::canary));
  FinishCall finish = [](const CallResult&) {};
  const auto join = calls_.admit(finish, CommandKind::join);
  for (uint32_t i = 1; i < Server::operations_max; ++i) {
    ASSERT_EQ(call(CommandKind::get), std::nullopt) << i;
  }
  EXPECT_EQ(call(CommandKind::get), ServerStatus::refused);
  FinishCall other = [](const CallResult&) {};
  EXPECT_EQ(std::get<ServerStatus>(calls_.admit(other, CommandKind::join)), ServerStatus::refused);
  EXPECT_TRUE(calls_.begin_own([](const CallResult&) {}, CommandKind::canary));
  EXPECT_EQ(calls_.program_count(), Server::operations_max);
  EXPECT_EQ(calls_.count(), Server::operations_max + 2);
  calls_.fail(std::get<OperationId>(join), ServerStatus::bad_address, "");
  EXPECT_EQ(call(CommandKind::get), std::nullopt) << "one has ended";
}

TEST_F(CallsOfAShard, WhatWaitsEndsOnceWhenTheServerStops) {
  uint32_t ended = 0;
  for (int i = 0; i < 3; ++i) {
    calls_.call(0, command_of(CommandKind::set, Id{}), {}, [&](const CallResult& result) {
      EXPECT_EQ(result.status, ServerStatus::stopped);
      ++ended;
    });
  }
  calls_.close();
  EXPECT_EQ(ended, 0u);
  calls_.abandon();
  EXPECT_EQ(ended, 3u);
  EXPECT_EQ(times_ended(calls_, CommandKind::set, ServerStatus::stopped), 3u);
}

TEST(CallsTest, AFailedCallSaysWhichNamesWereNotResolved) {
  Calls calls;
  CallResult result;
  const auto operation =
      calls.begin_own([&](const CallResult& each) { result = each; }, CommandKind::join);
  calls.fail(operation.value_or(0), ServerStatus::bad_address, "a.example");
  EXPECT_EQ(result.status, ServerStatus::bad_address);
  EXPECT_EQ(result.unresolved, "a.example");
}

}  // namespace
}  // namespace xord
