#include "node/operations/operations.h"

#include "tests/node/part_fixture.h"

namespace xord::testing {
namespace {

class OperationsTest : public PartTest {
 protected:
  // A key of shard 0, which is tested.
  Id key() const {
    for (uint32_t number = 1;; ++number) {
      const Id id = contact(0x33, number).id;
      if (shard_of(id, shards) == 0) return id;
    }
  }
  const std::array<uint8_t, 3> value{0xa2, 'h', 'i'};

  // Handles events as the Node does.
  void handle_events() {
    while (const auto event = events.pop()) {
      if (event->kind == Event::Kind::lookup_finished) {
        const PoolHandle owner = lookups.owner_handle(event->handle);
        operations.lookup_finished(turn(), owner, lookups[event->handle]);
        lookups.release(event->handle);
      } else if (event->kind == Event::Kind::round_finished) {
        operations.round_finished(turn(), event->handle);
      }
    }
  }
  OperationResult only_result() {
    const auto ended = take_results();
    EXPECT_EQ(ended.size(), 1u);
    return ended.empty() ? OperationResult{} : ended[0];
  }
};

TEST_F(OperationsTest, WithoutContactsEachEndsAtOnce) {
  operations.find(turn(), 1, key(), LookupPurpose::find);
  handle_events();
  EXPECT_EQ(only_result().status, OperationStatus::no_contacts);
  operations.get(turn(), 2, key());
  handle_events();
  EXPECT_EQ(only_result().status, OperationStatus::no_contacts);
  EXPECT_EQ(operations.count(), 0u);
  EXPECT_EQ(lookups.count(), 0u);
}

TEST_F(OperationsTest, ASetLooksUpThenStoresAndSaysHowOftenItLanded) {
  const Contact peer = contact(0x80);
  file(peer);
  take_asked();
  operations.set(turn(), 7, key(), value);
  auto asked = take_asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].method, Method::find_node);
  lookups.take(turn(), *names_nobody(asked[0]));
  handle_events();
  EXPECT_TRUE(take_results().empty());
  asked = take_asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].method, Method::store);
  rounds.take(turn(), *stored(asked[0], true));
  handle_events();
  EXPECT_TRUE(take_results().empty()) << "our own copy is not on disk yet";
  const auto wait =
      waits.take({frame_header<Operation>(storage.bytes(storage.entries()[0]))->ticket});
  ASSERT_TRUE(wait);
  rounds.own_copy_decided(turn(), PoolHandle::of(wait->owner), true);
  handle_events();
  const OperationResult result = only_result();
  EXPECT_EQ(result.operation, 7u);
  EXPECT_EQ(result.status, OperationStatus::done);
  EXPECT_EQ(result.stored, 2u);
  EXPECT_EQ(operations.count(), 0u);
}

TEST_F(OperationsTest, TheLookupsOfEachAreCountedApart) {
  const auto ended = [&](LookupPurpose purpose) {
    return counters.lookups.read(purpose, LookupOutcome::no_contacts);
  };
  operations.find(turn(), 1, key(), LookupPurpose::canary);
  handle_events();
  EXPECT_EQ(only_result().status, OperationStatus::no_contacts) << "as of any other find";
  EXPECT_EQ(ended(LookupPurpose::canary), 1u);
  EXPECT_EQ(ended(LookupPurpose::find), 0u);
  operations.find(turn(), 2, key(), LookupPurpose::find);
  operations.get(turn(), 3, key());
  operations.set(turn(), 4, key(), value);
  handle_events();
  EXPECT_EQ(ended(LookupPurpose::canary), 1u);
  EXPECT_EQ(ended(LookupPurpose::find), 1u);
  EXPECT_EQ(ended(LookupPurpose::get), 1u);
  EXPECT_EQ(ended(LookupPurpose::set), 1u);
}

TEST_F(OperationsTest, AllTakenIsRefusedAndCounted) {
  file(contact(0x80));
  for (uint32_t i = 0; i < node_config.budget.lookups; ++i) {
    operations.find(turn(), i, key(), LookupPurpose::find);
  }
  operations.find(turn(), 99, key(), LookupPurpose::find);
  EXPECT_EQ(only_result().status, OperationStatus::refused);
  EXPECT_EQ(count(NodeSum::lookups_refused), 1u);
  EXPECT_EQ(operations.count(), node_config.budget.lookups);
}

struct PathCopyLife {
  uint32_t nearer;  // Contacts that are nearer to the key than the copy's holder.
  Duration lifetime;
};

class PathCopyTest : public OperationsTest, public ::testing::WithParamInterface<PathCopyLife> {};

TEST_P(PathCopyTest, LivesTheLessTheMoreNodesAreNearer) {
  const Contact holder = contact(0x80);
  const Contact with_value = contact(0xf0);
  file(holder);
  file(with_value);
  take_asked();
  operations.get(turn(), 3, key());
  const auto asked = take_asked();
  ASSERT_EQ(asked.size(), 2u);
  for (uint32_t i = 0; i < GetParam().nearer; ++i) {  // Too late to be asked.
    contacts.deliver(
        turn(), ContactChangedMessage{
                    {}, {ContactChange::Kind::filed, Standing::trusted, contact(0x40, i + 1)}});
  }
  for (const Asked& each : asked) {
    if (each.to == holder.endpoint) lookups.take(turn(), *names_nobody(each));
  }
  for (const Asked& each : asked) {
    if (each.to != with_value.endpoint) continue;
    const auto found = answer(each, [&](MutableBytes to, Bytes transaction) {
      return rpcudp::encode_value_reply(to, transaction, value);
    });
    lookups.take(turn(), *found);
  }
  handle_events();
  EXPECT_EQ(only_result().status, OperationStatus::done);
  const auto copies = take_asked();
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(copies[0].method, Method::store);
  EXPECT_EQ(copies[0].to, holder.endpoint);
  EXPECT_EQ(copies[0].target, key());
  EXPECT_EQ(copies[0].age, (node_config.ttl - GetParam().lifetime).whole_seconds());
  EXPECT_EQ(count(NodeCounter::path_copies_sent), 1u);
  EXPECT_EQ(operations.count(), 1u) << "the value is kept for a second attempt";
  rounds.take(turn(), *stored(copies[0], true));
  handle_events();
  EXPECT_EQ(operations.count(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Nearer, PathCopyTest,
                         ::testing::Values(PathCopyLife{0, hours(24)}, PathCopyLife{20, hours(24)},
                                           PathCopyLife{21, hours(12)}, PathCopyLife{22, hours(6)},
                                           PathCopyLife{23, hours(3)},
                                           PathCopyLife{24, minutes(90)},
                                           PathCopyLife{25, hours(1)}, PathCopyLife{40, hours(1)}),
                         [](const auto& each) { return std::to_string(each.param.nearer); });

TEST_F(OperationsTest, WithoutAListNothingCanBeKeptOrForgotten) {
  operations.keep(turn(), 1, key(), value);
  EXPECT_EQ(only_result().status, OperationStatus::refused);
  operations.forget(turn(), 2, key());
  EXPECT_EQ(only_result().status, OperationStatus::not_found);
  operations.list_published(turn(), 3, Id{});
  EXPECT_EQ(only_result().value_size, 0u);
  EXPECT_EQ(operations.count(), 0u);
}

TEST_F(OperationsTest, APurgeOfNothingIsDone) {
  operations.purge(turn(), 5, Id{}, 0);
  const OperationResult result = only_result();
  EXPECT_EQ(result.status, OperationStatus::done);
  EXPECT_EQ(result.erased, 0u);
}

}  // namespace
}  // namespace xord::testing
