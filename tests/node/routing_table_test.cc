#include "node/routing_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "node/wire/rpcudp.h"

namespace xord {
namespace {

using Kind = TableAction::Kind;

constexpr Instant start{1'000'000'000'000'000};

class RoutingTableTest : public ::testing::Test {
 protected:
  RoutingTableTest() : book(2000, rpcudp::encode_contact_tail, 1) {
    config.contacts_max = 1000;
    config.buckets_max = 200;
    config.recent_pings = 4096;
    config.client_id.bytes.fill(0xcc);
    make_table();
  }
  void make_table() { table.emplace(config, self, ShardIndex{0}, 1, book, start); }

  // A contact of the farthest range, in its first sixteenth: 80 00 .. and a number at the end.
  Contact far_contact(uint32_t number) {
    Contact contact;
    contact.id.bytes[0] = 0x80;
    store_be32(&contact.id.bytes[16], number);
    contact.endpoint = Endpoint::ipv4(0x0a000000 + number, 4000);
    return contact;
  }
  // Twenty contacts that share all the bits a bucket may be split by.
  void fill_bucket() {
    for (uint32_t i = 0; i < bucket_size; ++i) {
      table->observe(far_contact(i), Evidence::ponged, now);
    }
    ASSERT_EQ(table->count(), bucket_size);
  }
  bool hands_out(const Contact& contact) {
    std::vector<ContactHandle> found(64);
    found.resize(table->nearest(contact.id, family_of(contact.endpoint), found));
    return std::any_of(found.begin(), found.end(),
                       [&](ContactHandle handle) { return book.contact(handle) == contact; });
  }
  std::vector<TableAction> advance(Duration by) {
    std::vector<TableAction> actions;
    const Instant until = now + by;
    while (table->next_wakeup() && *table->next_wakeup() <= until) {
      now = std::max(now, *table->next_wakeup());
      table->advance(now, rng, [&](const TableAction& action) { actions.push_back(action); });
      table->clear_changes();
    }
    now = until;
    table->check_invariants();
    return actions;
  }

  Id self{};
  RoutingConfig config;
  ContactBook book;
  Rng rng{7};
  Instant now = start;
  std::optional<RoutingTable> table;
};

TEST_F(RoutingTableTest, AContactEntersByAPongOnly) {
  const Contact contact = far_contact(1);
  EXPECT_EQ(table->observe(contact, Evidence::mentioned, now).kind, Kind::none);
  EXPECT_EQ(table->observe(contact, Evidence::queried_us, now).kind, Kind::ping_newcomer);
  EXPECT_EQ(table->count(), 0u);
  EXPECT_EQ(table->observe(far_contact(2), Evidence::answered, now).kind, Kind::ping_newcomer);
  EXPECT_EQ(table->count(), 0u);
  table->observe(contact, Evidence::ponged, now);
  EXPECT_TRUE(hands_out(contact));
}

TEST_F(RoutingTableTest, ANewcomerIsPingedOnceAMinute) {
  const Contact contact = far_contact(1);
  EXPECT_EQ(table->observe(contact, Evidence::queried_us, now).kind, Kind::ping_newcomer);
  EXPECT_EQ(table->observe(contact, Evidence::queried_us, now + seconds(59)).kind, Kind::none);
  EXPECT_EQ(table->observe(contact, Evidence::queried_us, now + seconds(61)).kind,
            Kind::ping_newcomer);
}

TEST_F(RoutingTableTest, NeitherTheOwnIdNorTheSharedClientIdIsFiled) {
  table->observe({self, Endpoint::ipv4(0x0a000001, 1)}, Evidence::ponged, now);
  table->observe({config.client_id, Endpoint::ipv4(0x0a000002, 1)}, Evidence::ponged, now);
  EXPECT_EQ(table->count(), 0u);
}

TEST_F(RoutingTableTest, ALiveContactIsNeverDisplacedByANewcomer) {
  fill_bucket();
  now = now + minutes(2);
  const TableAction action = table->observe(far_contact(99), Evidence::ponged, now);
  EXPECT_EQ(action.kind, Kind::ping_oldest);
  EXPECT_EQ(action.contact, far_contact(0)) << "the least recently seen is asked";
  EXPECT_FALSE(hands_out(far_contact(99)));
  table->observe(far_contact(0), Evidence::ponged, now);
  EXPECT_TRUE(hands_out(far_contact(0)));
  EXPECT_FALSE(hands_out(far_contact(99)));
  const TableAction next = table->observe(far_contact(98), Evidence::ponged, now);
  EXPECT_EQ(next.contact, far_contact(1)) << "the one that answered is at the tail now";
}

TEST_F(RoutingTableTest, TheOldestIsDroppedForTheNewestSpareWhenPingAndRepeatStaySilent) {
  fill_bucket();
  now = now + minutes(2);
  table->observe(far_contact(98), Evidence::ponged, now);
  table->observe(far_contact(99), Evidence::ponged, now);
  table->failed(far_contact(0), now + seconds(5));
  EXPECT_FALSE(hands_out(far_contact(99))) << "one loss displaces nobody";
  table->failed(far_contact(0), now + seconds(6));
  EXPECT_FALSE(hands_out(far_contact(0)));
  EXPECT_TRUE(hands_out(far_contact(99)));
  EXPECT_FALSE(hands_out(far_contact(98)));
}

TEST_F(RoutingTableTest, AContactIsHandedOutWhileItFailedAtMostOnceSinceItAnswered) {
  const Contact contact = far_contact(1);
  table->observe(contact, Evidence::ponged, now);
  table->failed(contact, now);
  EXPECT_TRUE(hands_out(contact));
  table->failed(contact, now);
  EXPECT_FALSE(hands_out(contact));
  EXPECT_EQ(table->count(), 1u) << "only flagged: there is nobody to take its place";
  table->observe(contact, Evidence::answered, now);
  EXPECT_TRUE(hands_out(contact));
}

TEST_F(RoutingTableTest, AStaleContactIsReplacedAsSoonAsThereIsAReplacement) {
  fill_bucket();
  for (int i = 0; i < failures_max; ++i) table->failed(far_contact(3), now);
  EXPECT_EQ(table->count(), bucket_size);
  table->observe(far_contact(99), Evidence::ponged, now);
  EXPECT_TRUE(hands_out(far_contact(99)));
  EXPECT_EQ(table->count(), bucket_size);
}

TEST_F(RoutingTableTest, AQueryRefreshesThePlaceOnlyOfAContactThatAnsweredLately) {
  fill_bucket();
  now = now + minutes(2);
  table->observe(far_contact(0), Evidence::queried_us, now);
  EXPECT_EQ(table->observe(far_contact(99), Evidence::ponged, now).contact, far_contact(1));
  now = now + minutes(14);
  table->observe(far_contact(2), Evidence::queried_us, now);
  EXPECT_EQ(table->observe(far_contact(98), Evidence::ponged, now).contact, far_contact(1));
  now = now + probe_lifetime;
  EXPECT_EQ(table->observe(far_contact(97), Evidence::ponged, now).contact, far_contact(1))
      << "2 last answered 16 minutes ago: its query does not move it";
}

TEST_F(RoutingTableTest, TheHolderOfAnIdKeepsItsPlaceAgainstAnotherEndpointWhileItAnswers) {
  const Contact holder = far_contact(1);
  Contact other = holder;
  other.endpoint = Endpoint::ipv4(0x0a0000ff, 5000);
  table->observe(holder, Evidence::ponged, now);
  const TableAction action = table->observe(other, Evidence::ponged, now);
  EXPECT_EQ(action.kind, Kind::ping_oldest);
  EXPECT_EQ(action.contact, holder);
  EXPECT_TRUE(hands_out(holder));
  table->failed(holder, now + seconds(5));
  table->failed(holder, now + seconds(6));
  EXPECT_FALSE(hands_out(holder));
  EXPECT_TRUE(hands_out(other));
}

TEST_F(RoutingTableTest, AnEndpointHasOneEntryAndItsNewIdDisplacesTheOldOne) {
  const Contact before = far_contact(1);
  Contact after = far_contact(2);
  after.endpoint = before.endpoint;
  table->observe(before, Evidence::ponged, now);
  const TableAction action = table->observe(after, Evidence::ponged, now);
  EXPECT_EQ(action.kind, Kind::displaced);
  EXPECT_EQ(action.contact, before);
  table->displaced(before, now);
  EXPECT_EQ(table->count(), 1u);
  EXPECT_TRUE(hands_out(after));
}

TEST_F(RoutingTableTest, AFullBucketIsSplitByUpToFourFurtherBits) {
  for (uint32_t i = 0; i < 32; ++i) {
    for (uint32_t j = 0; j < bucket_size; ++j) {
      Contact contact = far_contact(i * 100 + j);
      contact.id.bytes[0] = static_cast<uint8_t>(0x80 | i << 2);
      table->observe(contact, Evidence::ponged, now);
      table->check_invariants();
      table->clear_changes();
    }
  }
  EXPECT_EQ(table->count(), 16 * bucket_size) << "sixteen buckets of the farthest half";
}

TEST_F(RoutingTableTest, AnOutageOfOurOwnDoesNotEmptyTheTable) {
  fill_bucket();
  for (int round = 0; round < 20; ++round) {
    for (uint32_t i = 0; i < bucket_size; ++i) table->failed(far_contact(i), now);
    table->clear_changes();
  }
  EXPECT_EQ(table->count(), bucket_size);
}

TEST_F(RoutingTableTest, ASilentContactIsLeftAloneForEverLongerIntervals) {
  const Contact contact = far_contact(1);
  table->observe(contact, Evidence::ponged, now);
  std::vector<Duration> pauses;
  table->failed(contact, now);
  Instant failed_at = now;
  while (pauses.size() < 9) {
    for (const TableAction& action : advance(seconds(1))) {
      if (action.kind != Kind::ping_upkeep) continue;
      pauses.push_back(now - failed_at);
      table->failed(contact, now);
      failed_at = now;
    }
  }
  for (size_t i = 1; i < pauses.size(); ++i) {
    EXPECT_GE(pauses[i].nanoseconds, std::min(pauses[i - 1] * 19 / 10, hours(1)).nanoseconds);
  }
}

TEST_F(RoutingTableTest, ABucketWithoutALookupForAnHourIsRefreshedWithAnIdOfItsRange) {
  fill_bucket();
  uint32_t refreshes = 0;
  for (const TableAction& action : advance(hours(3))) {
    if (action.kind == Kind::ping_upkeep) {
      table->observe(action.contact, Evidence::ponged, now);
    }
    if (action.kind != Kind::refresh) continue;
    ++refreshes;
    EXPECT_EQ(shared_prefix(self, action.target), 0u);
  }
  EXPECT_GE(refreshes, 2u);
  EXPECT_LE(refreshes, 16u * 3);
}

TEST_F(RoutingTableTest, ALookupInItsRangePostponesTheRefreshOfABucket) {
  table->observe(far_contact(1), Evidence::ponged, now);
  for (int i = 0; i < 6; ++i) {
    for (const TableAction& action : advance(minutes(30))) EXPECT_NE(action.kind, Kind::refresh);
    table->note_lookup(far_contact(1).id, now);
  }
}

TEST_F(RoutingTableTest, ARestoredContactIsHandedOutForAQuarterOfAnHourAfterItsAnswer) {
  const Contact contact = far_contact(1);
  table->restore(contact, now - minutes(10), now);
  EXPECT_TRUE(hands_out(contact));
  EXPECT_EQ(advance(seconds(2)).at(0).kind, Kind::ping_upkeep) << "asked soon";
  advance(minutes(6));
  EXPECT_FALSE(hands_out(contact));
  table->observe(contact, Evidence::ponged, now);
  advance(hours(2));
  EXPECT_TRUE(hands_out(contact)) << "it answered in this run";
}

TEST_F(RoutingTableTest, AContactRestoredLateIsNotHandedOutBeforeItAnswers) {
  const Contact contact = far_contact(1);
  table->restore(contact, now - hours(2), now);
  EXPECT_EQ(table->count(), 1u);
  EXPECT_FALSE(hands_out(contact));
  table->observe(contact, Evidence::ponged, now);
  EXPECT_TRUE(hands_out(contact));
}

TEST_F(RoutingTableTest, AFullTableRefusesNewcomers) {
  config.contacts_max = 5;
  make_table();
  for (uint32_t i = 0; i < 10; ++i) table->observe(far_contact(i), Evidence::ponged, now);
  EXPECT_EQ(table->count(), 5u);
}

// ---- All shards against the sentence that defines an answer (docs/ARCHITECTURE.md).

struct Model {
  uint32_t failures = 0;  // Since it answered last.
  bool answered_in_this_run = false;
  Instant restored_answer = Instant::never();
};

class ShardedTable {
 public:
  ShardedTable(uint64_t seed, uint32_t shards, const Id& self_id) : self(self_id), rng(seed) {
    RoutingConfig config;
    config.contacts_max = 2000;
    config.buckets_max = 200;
    config.recent_pings = 512;
    for (uint32_t i = 0; i < shards; ++i) {
      books.push_back(std::make_unique<ContactBook>(6000, rpcudp::encode_contact_tail, seed + i));
      tables.push_back(std::make_unique<RoutingTable>(config, self, static_cast<ShardIndex>(i),
                                                      shards, *books[i], now));
    }
  }
  RoutingTable& owner(const Id& id) { return *tables[tables[0]->owner_of(id)]; }

  void act(const TableAction& action) {
    if (action.kind == Kind::displaced) owner(action.contact.id).displaced(action.contact, now);
    exchange();
  }
  // What the owners changed reaches all replicas; twice now and then, which must do no harm.
  void exchange() {
    for (size_t from = 0; from < tables.size(); ++from) {
      for (const ContactChange& change : tables[from]->changes()) {
        for (size_t to = 0; to < tables.size(); ++to) {
          if (to == from) continue;
          tables[to]->apply(change);
          if (rng.chance(0.1)) tables[to]->apply(change);
        }
      }
      tables[from]->clear_changes();
    }
  }
  void advance(Duration by) {
    now = now + by;
    for (auto& table : tables) {
      for (int i = 0; i < 3; ++i) table->advance(now, rng, [](const TableAction&) {});
      table->check_invariants();
    }
    exchange();
  }
  std::vector<Contact> brute_force(const std::map<Id, Model>& model, const Id& target,
                                   const Endpoint& asker) {
    std::vector<Contact> answer;
    for (auto& table : tables) {
      table->for_each_own_contact([&](const Contact& contact, Instant) {
        const Model& known = model.at(contact.id);
        const bool is_recent =
            known.answered_in_this_run || now - known.restored_answer < minutes(15);
        if (known.failures <= 1 && is_recent && contact.endpoint != asker &&
            contact.endpoint.is_ipv4() == asker.is_ipv4()) {
          answer.push_back(contact);
        }
      });
    }
    std::sort(answer.begin(), answer.end(),
              [&](const Contact& a, const Contact& b) { return nearer(target, a.id, b.id); });
    answer.resize(std::min<size_t>(answer.size(), bucket_size));
    return answer;
  }

  Id self;
  Rng rng;
  Instant now = start;
  std::vector<std::unique_ptr<ContactBook>> books;
  std::vector<std::unique_ptr<RoutingTable>> tables;
};

std::vector<Contact> random_contacts(Rng& rng, const Id& self) {
  std::vector<Contact> contacts;
  for (uint32_t i = 0; i < 400; ++i) {
    Contact contact;
    contact.id = random_id_in_range(self, static_cast<uint32_t>(rng.bounded(12)), rng);
    contact.endpoint = rng.chance(0.7)
                           ? Endpoint::ipv4(0x0a000000 + i, 4000)
                           : *Endpoint::parse("[2001:db8::" + std::to_string(i) + "]:4000");
    contacts.push_back(contact);
  }
  return contacts;
}

TEST(ShardedRoutingTable, EveryShardAnswersExactlyTheNearestAnswerableContacts) {
  for (uint32_t shards = 1; shards <= 9; ++shards) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE("shards " + std::to_string(shards) + ", seed " + std::to_string(seed));
      Id self;
      Rng rng(seed * 100 + shards);
      rng.fill(self.bytes);
      ShardedTable sharded(seed, shards, self);
      const std::vector<Contact> contacts = random_contacts(rng, self);
      std::map<Id, Model> model;
      for (size_t i = 0; i < contacts.size(); ++i) {
        model[contacts[i].id] = {};
        if (i % 3 != 0) continue;
        // Half seconds, so that no check falls on the very instant at which an answer grows old.
        const Instant answered =
            sharded.now - milliseconds(500) - seconds(static_cast<int64_t>(rng.bounded(1800)));
        sharded.owner(contacts[i].id).restore(contacts[i], answered, sharded.now);
        sharded.exchange();
        model[contacts[i].id].restored_answer = answered;
      }
      for (int step = 0; step < 3000; ++step) {
        const Contact& contact = contacts[rng.bounded(contacts.size())];
        Model& known = model[contact.id];
        RoutingTable& owner = sharded.owner(contact.id);
        const uint64_t what = rng.bounded(10);
        if (what < 4) {
          known = {0, true, known.restored_answer};
          sharded.act(owner.observe(contact, Evidence::ponged, sharded.now));
        } else if (what < 5) {
          bool is_filed = false;
          owner.for_each_own_contact(
              [&](const Contact& filed, Instant) { is_filed = is_filed || filed == contact; });
          if (is_filed) known = {0, true, known.restored_answer};
          sharded.act(owner.observe(contact, Evidence::answered, sharded.now));
        } else if (what < 6) {
          sharded.act(owner.observe(contact, Evidence::queried_us, sharded.now));
        } else if (what < 9) {
          ++known.failures;
          sharded.act(owner.failed(contact, sharded.now));
        } else {
          sharded.advance(seconds(static_cast<int64_t>(rng.bounded(20))));
        }
        if (step % 10 != 0) continue;
        sharded.advance(seconds(3));  // Past every deadline that just came: lapses take a second.
        Id target;
        rng.fill(target.bytes);
        const Endpoint asker = contacts[rng.bounded(contacts.size())].endpoint;
        const std::vector<Contact> expected = sharded.brute_force(model, target, asker);
        for (size_t shard = 0; shard < shards; ++shard) {
          std::vector<ContactHandle> found(bucket_size);
          found.resize(sharded.tables[shard]->nearest(target, asker, found));
          std::vector<Contact> answer;
          for (const ContactHandle handle : found) {
            answer.push_back(sharded.books[shard]->contact(handle));
          }
          ASSERT_EQ(answer, expected) << "step " << step << ", shard " << shard;
        }
      }
    }
  }
}

}  // namespace
}  // namespace xord
