// Each operation has one outcome, even where its host goes down; and what programs count as right.
#include "tools/sim/operations.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "tests/sim/scripted_actor.h"
#include "tests/sim/small_world.h"
#include "tools/sim/workload.h"

namespace xord::sim {
namespace {

using Octets = std::vector<uint8_t>;

// One scripted program, whose operations end when the test says so.
class OperationsTest : public ::testing::Test {
 protected:
  static WorldOptions options() {
    WorldOptions options = simulated_options();
    options.xord.published_max = 4;
    return options;
  }
  OperationsTest() {
    for (uint32_t i = 0; i < 2; ++i) {
      world_.add_host(HostKind::python, Endpoint::ipv4(0x0a000001 + i, 8468), 1, 0);
      ScriptedActor::start(world_, i);
    }
  }
  void end(OperationId operation, uint32_t host, OperationResult result = {},
           const Octets& tail = {}) {
    result.operation = operation;
    world_.act(host, [&](Actor&, Instant) { world_.finished(host, result, tail); });
  }
  Operations::Done into(std::optional<Outcome>& outcome) {
    return [&outcome](const Outcome& ended) {
      EXPECT_FALSE(outcome) << "it ended before";
      outcome = ended;
    };
  }

  World world_{options()};
  Operations operations_{world_};
};

TEST_F(OperationsTest, AnOutcomeHasItsTimeItsValueAndItsContacts) {
  std::optional<Outcome> first;
  std::optional<Outcome> second;
  operations_.get(0, {}, into(first));
  operations_.find(1, {}, into(second));
  world_.run_for(seconds(3));
  OperationResult got;
  got.value_size = 2;
  end(1, 0, got, {7, 8});
  EXPECT_FALSE(first) << "told in a turn of its own";
  world_.run_for(seconds(1));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->is_done());
  EXPECT_EQ(first->took, seconds(3));
  EXPECT_EQ(first->value, (Octets{7, 8}));
  EXPECT_TRUE(first->contacts.empty());
  EXPECT_FALSE(second);
  Contact contact;
  contact.id.bytes[4] = 9;
  contact.endpoint = world_.host(0).endpoint;
  OperationResult found;
  found.contacts_count = 1;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&contact);
  end(2, 1, found, {bytes, bytes + sizeof contact});
  world_.run_for(seconds(1));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->took, seconds(4));
  ASSERT_EQ(second->contacts.size(), 1u);
  EXPECT_EQ(second->contacts[0].id, contact.id);
  EXPECT_EQ(second->contacts[0].endpoint, contact.endpoint);
  EXPECT_TRUE(second->value.empty());
}

TEST_F(OperationsTest, AHostThatGoesDownCutsOffItsOwn) {
  std::optional<Outcome> first;
  std::optional<Outcome> second;
  std::optional<Outcome> third;
  operations_.join(0, {}, into(first));
  operations_.set(1, {}, {1}, into(second));
  operations_.set(0, {}, {1}, into(third));
  world_.crash(0, Storage::kept);
  world_.run_for(seconds(1));
  ASSERT_TRUE(first && third);
  EXPECT_TRUE(first->was_cut_off && third->was_cut_off);
  EXPECT_FALSE(first->is_done());
  EXPECT_FALSE(second);
  end(2, 1);
  world_.run_for(seconds(1));
  EXPECT_TRUE(second->is_done());
}

TEST_F(OperationsTest, TheOldestIsOverdueBeyondTheLimit) {
  EXPECT_FALSE(operations_.overdue({}));
  std::optional<Outcome> outcome;
  world_.run_for(seconds(1));
  operations_.join(1, {}, into(outcome));
  world_.run_for(seconds(4));
  std::optional<Outcome> younger;
  operations_.get(0, {}, into(younger));
  world_.run_for(seconds(1));
  EXPECT_FALSE(operations_.overdue(seconds(5)));
  world_.run_for(nanoseconds(1));
  const auto overdue = operations_.overdue(seconds(5));
  ASSERT_TRUE(overdue);
  EXPECT_EQ(overdue->host, 1u);
  EXPECT_STREQ(overdue->what, "join");
  end(1, 1);
  EXPECT_FALSE(operations_.overdue(seconds(5)));
  EXPECT_STREQ(operations_.overdue(seconds(1))->what, "get");
}

TEST(Outcome, OnlyAStatusOfDoneIsDone) {
  Outcome outcome;
  EXPECT_TRUE(outcome.is_done());
  outcome.result.status = OperationStatus::not_found;
  EXPECT_FALSE(outcome.is_done());
}

// ---- Statistics.

TEST(Sample, MeanAndQuantilesAreOfAllValues) {
  Sample sample;
  EXPECT_EQ(sample.mean(), 0);
  EXPECT_EQ(sample.quantile(0.5), 0);
  for (const double value : {4, 1, 3, 2}) sample.add(value);
  EXPECT_EQ(sample.count(), 4u);
  EXPECT_EQ(sample.mean(), 2.5);
  EXPECT_EQ(sample.quantile(0), 1);
  EXPECT_EQ(sample.quantile(0.33), 2);
  EXPECT_EQ(sample.quantile(0.5), 3);
  EXPECT_EQ(sample.quantile(0.8), 3);
  EXPECT_EQ(sample.quantile(1), 4);
}

TEST(OperationStats, AnOutcomeIsCountedOnce) {
  OperationStats stats;
  stats.begun = 5;
  Outcome outcome;
  outcome.took = seconds(2);
  outcome.result.asked = 9;
  outcome.result.hops = 3;
  stats.add(outcome);
  EXPECT_EQ(stats.ended(), 1u);
  EXPECT_EQ(stats.seconds.mean(), 2);
  EXPECT_EQ(stats.asked.mean(), 9);
  EXPECT_EQ(stats.hops.mean(), 3);
  outcome.result.asked = 0;
  stats.add(outcome);
  EXPECT_EQ(stats.ended(), 2u);
  EXPECT_EQ(stats.asked.count(), 1u) << "nobody had to be asked";
  EXPECT_EQ(stats.hops.count(), 1u);
  outcome.result.status = OperationStatus::refused;
  stats.add(outcome);
  EXPECT_EQ(stats.refused, 1u);
  outcome.was_cut_off = true;
  stats.add(outcome);
  EXPECT_EQ(stats.cut_off, 1u);
  EXPECT_EQ(stats.refused, 1u);
  EXPECT_EQ(stats.ended(), 2u);
}

// ---- What programs do.

class WorkloadTest : public OperationsTest {
 protected:
  void make(const WorkloadOptions& options) {
    workload_ = std::make_unique<Workload>(world_, operations_, checkers_, options);
  }
  WorkloadTest() { make({}); }
  // Ends the open operation of host 0.
  void end_one(OperationStatus status, const Octets& value = {}) {
    OperationResult result;
    result.status = status;
    result.value_size = static_cast<uint32_t>(value.size());
    end(++ended_, 0, result, value);
    world_.run_for(seconds(1));
  }
  void set_one() {
    EXPECT_TRUE(workload_->set_as(0, workload_->sets()));
    end_one(OperationStatus::done);
  }
  void get(const Octets& value, OperationStatus status = OperationStatus::done) {
    EXPECT_TRUE(workload_->get_as(0, workload_->gets()));
    end_one(status, value);
  }

  Checkers checkers_{world_, false};
  std::unique_ptr<Workload> workload_;
  OperationId ended_ = 0;
};

TEST(Workload, OurValuesAreTold) {
  const auto is_ours = [](Octets value) { return Workload::is_ours(value); };
  EXPECT_TRUE(is_ours({0xc4, 5, 'o', 'u', 'r', 's', ':'}));
  EXPECT_TRUE(is_ours({0xc5, 0, 5, 'o', 'u', 'r', 's', ':'}));
  EXPECT_FALSE(is_ours({0xc4, 5, 'O', 'u', 'r', 's', ':'}));
  EXPECT_FALSE(is_ours({0xc4, 0, 5, 'o', 'u', 'r', 's', ':'}));
  EXPECT_FALSE(is_ours({0xa6, 'p', 'o', 'i', 's', 'o', 'n'}));
  EXPECT_FALSE(is_ours({}));
  EXPECT_FALSE(is_ours({0xc5, 0}));
}

TEST_F(WorkloadTest, ThereIsNothingToGetBeforeSomethingWasSet) {
  EXPECT_FALSE(workload_->get_as(0, workload_->gets()));
  EXPECT_EQ(workload_->gets().begun, 0u);
  set_one();
  EXPECT_EQ(workload_->records().size(), 1u);
  EXPECT_EQ(workload_->sets().begun, 1u);
  EXPECT_EQ(workload_->sets().right, 1u);
  EXPECT_TRUE(workload_->get_as(0, workload_->gets()));
  EXPECT_EQ(workload_->gets().begun, 1u);
}

TEST_F(WorkloadTest, ASetThatFailedLeavesNoRecord) {
  EXPECT_TRUE(workload_->set_as(0, workload_->sets()));
  end_one(OperationStatus::not_stored);
  EXPECT_EQ(workload_->sets().begun, 1u);
  EXPECT_EQ(workload_->sets().right, 0u);
  EXPECT_EQ(workload_->sets().ended(), 1u);
  EXPECT_TRUE(workload_->records().empty());
}

TEST_F(WorkloadTest, AGetThatFindsNothingIsNotRight) {
  set_one();
  get({}, OperationStatus::not_found);
  EXPECT_EQ(workload_->gets().begun, 1u);
  EXPECT_EQ(workload_->gets().right, 0u);
  EXPECT_EQ(workload_->gets().poisoned, 0u);
}

TEST_F(WorkloadTest, AnAttackersValueIsPoison) {
  set_one();
  get({0xa1, 'x'});
  EXPECT_EQ(workload_->gets().poisoned, 1u);
  EXPECT_EQ(workload_->gets().right, 0u);
  EXPECT_FALSE(checkers_.violation());
}

TEST_F(WorkloadTest, AValueThatLooksLikeOursAndWasNeverSetIsAViolation) {
  set_one();
  const Octets never = {0xc4, 5, 'o', 'u', 'r', 's', ':'};
  get(never);
  ASSERT_TRUE(checkers_.violation());
  EXPECT_EQ(checkers_.violation()->what, "a get returned a value that was never set");
  EXPECT_EQ(checkers_.violation()->host, 0u);
}

TEST_F(WorkloadTest, UnderAttackItMayBeACopyWithBitsFlipped) {
  WorkloadOptions options;
  options.is_attacked = true;
  make(options);
  set_one();
  get({0xc4, 5, 'o', 'u', 'r', 's', ':'});
  EXPECT_FALSE(checkers_.violation());
  EXPECT_EQ(workload_->gets().poisoned, 1u);
}

TEST_F(WorkloadTest, TheProgramIsToldOfTheEndUnlessItsHostWentDown) {
  int ended = 0;
  const auto count = [&] { ++ended; };
  workload_->set_as(0, workload_->sets(), count);
  end_one(OperationStatus::done);
  EXPECT_EQ(ended, 1);
  workload_->get_as(0, workload_->gets(), count);
  end_one(OperationStatus::not_found);
  EXPECT_EQ(ended, 2);
  workload_->get_as(0, workload_->gets(), count);
  workload_->set_as(0, workload_->sets(), count);
  world_.crash(0, Storage::kept);
  world_.run_for(seconds(1));
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(workload_->gets().cut_off, 1u);
  EXPECT_EQ(workload_->sets().cut_off, 1u);
}

// A node alone stores at itself; what it keeps is in its list, too.
TEST_F(WorkloadTest, OnlyXordNodesKeepWhatTheySet) {
  for (const double share : {0.0, 1.0}) {
    WorkloadOptions options;
    options.kept_share = share;
    make(options);
    const uint32_t xord = world_.add_host(
        HostKind::xord, Endpoint::ipv4(0x0a000101 + world_.hosts_count(), 8468), 1, 0);
    world_.start(xord);
    world_.run_for(seconds(5));
    EXPECT_TRUE(workload_->set_as(xord, workload_->sets()));
    ++ended_;
    world_.run_for(seconds(30));
    EXPECT_EQ(world_.host(xord).disk->rows_count(), share == 0 ? 1u : 2u);
    set_one();  // By a host of another kind.
  }
}

TEST_F(WorkloadTest, NoMoreThanItsRecordsAreSet) {
  WorkloadOptions options;
  options.records_max = 3;
  make(options);
  for (int i = 0; i < 60; ++i) set_one();
  EXPECT_EQ(workload_->records().size(), 3u);
  EXPECT_EQ(workload_->sets().right, 60u);
}

TEST_F(WorkloadTest, OneSetInTenIsOfAKnownKey) {
  WorkloadOptions options;
  options.records_max = 10'000;
  make(options);
  for (int i = 0; i < 600; ++i) set_one();
  EXPECT_NEAR(static_cast<double>(workload_->records().size()), 540, 30);
}

}  // namespace
}  // namespace xord::sim
