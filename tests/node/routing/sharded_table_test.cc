// All shards of one table, without threads, against the definition of an answer: exactly the k
// nearest contacts that are in a bucket, failed at most once since they last answered, answered in
// this run or, if restored, less than 15 minutes ago, are of the asker's family, and are not the
// asker's own endpoint.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "node/routing/routing_table.h"
#include "node/wire/rpcudp/rpcudp.h"

namespace xord {
namespace {

constexpr Instant start{1'000'000'000'000'000};

// What is true of a contact, whatever the table recorded.
struct Truth {
  uint32_t failures = 0;  // Since its last answer.
  bool answered_in_this_run = false;
  Instant restored_answer = Instant::min();
};

struct ByContact {
  bool operator()(const Contact& a, const Contact& b) const {
    return a.id != b.id ? a.id < b.id : a.endpoint < b.endpoint;
  }
};

class ShardedTable {
 public:
  ShardedTable(uint64_t seed, uint32_t shards) : rng(seed) {
    rng.fill(self.bytes);
    RoutingConfig config;
    config.contacts_max = 2000;
    config.buckets_max = 300;
    config.recent_pings = 512;
    for (uint32_t i = 0; i < shards; ++i) {
      books.push_back(std::make_unique<ContactBook>(6000, rpcudp::encode_contact_tail, seed + i));
      tables.push_back(std::make_unique<RoutingTable>(config, self, static_cast<ShardIndex>(i),
                                                      shards, *books[i], now));
    }
    queues.resize(shards * shards);
  }
  RoutingTable& owner(const Id& id) { return *tables[tables[0]->owner_of(id)]; }

  void post() {
    for (size_t from = 0; from < tables.size(); ++from) {
      for (const ContactChange& change : tables[from]->changes()) {
        for (size_t to = 0; to < tables.size(); ++to) {
          if (to != from) queues[from * tables.size() + to].push_back(change);
        }
      }
      tables[from]->changes_sent(tables[from]->changes().size());
    }
  }
  // Delivers some messages in flight, in order between any two shards; occasionally twice.
  void deliver_some(double share) {
    for (size_t at = 0; at < queues.size(); ++at) {
      while (!queues[at].empty() && rng.chance(share)) {
        const ContactChange change = queues[at].front();
        queues[at].pop_front();
        RoutingTable& to = *tables[at % tables.size()];
        to.apply(change, now);
        if (rng.chance(0.1)) to.apply(change, now);
      }
    }
    post();
  }
  void settle() {
    post();
    const auto is_empty = [](const auto& queue) { return queue.empty(); };
    while (!std::all_of(queues.begin(), queues.end(), is_empty)) deliver_some(1);
  }
  void advance(Duration by) {
    now = now + by;
    for (auto& table : tables) {
      table->advance(now, rng, [](const TableAction&) {});
    }
    post();
  }

  void restore(const Contact& contact, Duration age) {
    owner(contact.id).restore(contact, now - age, now);
    truth[contact].restored_answer = now - age;
    post();
  }
  void observe(const Contact& contact, Evidence evidence) {
    Truth& known = truth[contact];
    if (evidence != Evidence::queried_us) known = {0, true, known.restored_answer};
    owner(contact.id).observe(contact, evidence, now);
    post();
  }
  void fail(const Contact& contact) {
    ++truth[contact].failures;
    owner(contact.id).failed(contact, now);
    post();
  }

  std::vector<Contact> filed() const {
    std::vector<Contact> contacts;
    for (const auto& table : tables) {
      table->for_each_own_contact(
          [&](const Contact& contact, Instant) { contacts.push_back(contact); });
    }
    return contacts;
  }
  std::vector<Contact> brute_force(const Id& target, const Contact& asker) const {
    std::vector<Contact> answer;
    for (const Contact& contact : filed()) {
      const Truth& known = truth.at(contact);
      const bool is_recent =
          known.answered_in_this_run || now - known.restored_answer < minutes(15);
      if (known.failures <= 1 && is_recent && contact.endpoint != asker.endpoint &&
          contact.id != asker.id && contact.endpoint.is_ipv4() == asker.endpoint.is_ipv4()) {
        answer.push_back(contact);
      }
    }
    std::sort(answer.begin(), answer.end(),
              [&](const Contact& a, const Contact& b) { return nearer(target, a.id, b.id); });
    answer.resize(std::min<size_t>(answer.size(), bucket_size));
    return answer;
  }
  std::vector<Contact> answer(size_t shard, const Id& target, const Contact& asker) const {
    std::array<ContactHandle, bucket_size> found;
    const Nearest nearest = tables[shard]->nearest(target, asker, Awaited::included, {}, found);
    std::vector<Contact> contacts(nearest.count);
    for (size_t i = 0; i < contacts.size(); ++i) contacts[i] = books[shard]->contact(found[i]);
    return contacts;
  }

  Id self;
  Rng rng;
  Instant now = start;
  std::vector<std::unique_ptr<ContactBook>> books;
  std::vector<std::unique_ptr<RoutingTable>> tables;
  std::vector<std::deque<ContactChange>> queues;
  std::map<Contact, Truth, ByContact> truth;
};

Endpoint random_endpoint(Rng& rng) {
  const auto number = static_cast<uint32_t>(rng.bounded(400));
  if (number % 10 == 0) return Endpoint::ipv4(0xc6336400 + number, 4000);  // All in one /24.
  if (number % 3 > 0) return Endpoint::ipv4(0x0a000000 + number, 4000);
  return *Endpoint::parse("[2001:db8:0:" + std::to_string(number) + "::1]:4000");
}

// Including several ids of one endpoint and several endpoints of one id.
std::vector<Contact> random_contacts(const ShardedTable& sharded, Rng& rng) {
  std::vector<Contact> contacts;
  for (uint32_t i = 0; i < 500; ++i) {
    Contact contact;
    contact.id = random_id_in_range(sharded.self, static_cast<uint32_t>(rng.bounded(12)), rng);
    contact.endpoint = random_endpoint(rng);
    contacts.push_back(contact);
    if (rng.chance(0.1)) contacts.push_back({contact.id, random_endpoint(rng)});
  }
  return contacts;
}

void check_answers(const ShardedTable& sharded, const std::vector<Contact>& contacts, Rng& rng) {
  for (const auto& table : sharded.tables) table->check_invariants();
  std::set<Endpoint> endpoints;
  for (const Contact& contact : sharded.filed()) {
    ASSERT_TRUE(endpoints.insert(contact.endpoint).second)
        << "two ids of " << contact.endpoint.text();
  }
  Id target;
  rng.fill(target.bytes);
  if (rng.chance(0.3)) target = contacts[rng.bounded(contacts.size())].id;
  const Contact asker{contacts[rng.bounded(contacts.size())].id,
                      contacts[rng.bounded(contacts.size())].endpoint};
  const std::vector<Contact> expected = sharded.brute_force(target, asker);
  for (size_t shard = 0; shard < sharded.tables.size(); ++shard) {
    ASSERT_EQ(sharded.answer(shard, target, asker), expected) << "shard " << shard;
    ASSERT_EQ(sharded.tables[shard]->count(), endpoints.size()) << "shard " << shard;
  }
}

void random_step(ShardedTable& sharded, const std::vector<Contact>& contacts, Rng& rng) {
  const Contact& contact = contacts[rng.bounded(contacts.size())];
  const uint64_t what = rng.bounded(100);
  if (what < 40) {
    sharded.observe(contact, Evidence::ponged);
  } else if (what < 50) {
    sharded.observe(contact, Evidence::answered);
  } else if (what < 55) {
    sharded.observe(contact, Evidence::queried_us);
  } else if (what < 88) {
    sharded.fail(contact);
  } else if (what < 90) {
    sharded.owner(contact.id).displaced(contact, sharded.now);
    sharded.post();
  } else {
    sharded.advance(seconds(static_cast<int64_t>(rng.bounded(20))));
  }
  sharded.deliver_some(0.5);
}

void run(uint32_t shards, uint64_t seed) {
  SCOPED_TRACE("shards " + std::to_string(shards) + ", seed " + std::to_string(seed));
  Rng rng(seed * 100 + shards);
  ShardedTable sharded(seed, shards);
  const std::vector<Contact> contacts = random_contacts(sharded, rng);
  for (size_t i = 0; i < contacts.size(); i += 3) {
    // Half seconds, so that no check falls on the very instant at which an answer expires.
    sharded.restore(contacts[i],
                    milliseconds(500) + seconds(static_cast<int64_t>(rng.bounded(1800))));
  }
  for (int step = 0; step < 2000; ++step) {
    random_step(sharded, contacts, rng);
    if (step % 20 != 0) continue;
    sharded.settle();
    check_answers(sharded, contacts, rng);
    if (::testing::Test::HasFatalFailure()) {
      std::printf("shards %u, seed %lu, step %d\n", shards, static_cast<unsigned long>(seed), step);
      return;
    }
  }
}

TEST(ShardedRoutingTable, EveryShardAnswersExactlyTheNearestAnswerableContacts) {
  for (uint32_t shards = 1; shards <= 9; ++shards) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      run(shards, seed);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ShardedRoutingTable, TheOwnerOfABucketIsTheLengthOfThePrefixItShares) {
  ShardedTable sharded(1, 5);
  for (uint32_t range = 0; range < id_bits; ++range) {
    const Id id = random_id_in_range(sharded.self, range, sharded.rng);
    EXPECT_EQ(sharded.tables[0]->owner_of(id), range % 5);
  }
}

TEST(ShardedRoutingTable, ANewIdAtAnEndpointMakesAnotherShardDropTheOldOne) {
  ShardedTable sharded(1, 3);
  const Endpoint endpoint = Endpoint::ipv4(0x0a000001, 1);
  const Contact before{random_id_in_range(sharded.self, 0, sharded.rng), endpoint};
  const Contact after{random_id_in_range(sharded.self, 1, sharded.rng), endpoint};
  sharded.observe(before, Evidence::ponged);
  sharded.settle();
  sharded.observe(after, Evidence::ponged);
  sharded.settle();
  EXPECT_EQ(sharded.filed(), std::vector<Contact>{after});
}

TEST(ShardedRoutingTable, OfTwoIdsFiledAtOneEndpointAtOnceTheGreaterGoesEverywhere) {
  ShardedTable sharded(1, 3);
  const Endpoint endpoint = Endpoint::ipv4(0x0a000001, 1);
  const Contact a{random_id_in_range(sharded.self, 0, sharded.rng), endpoint};
  const Contact b{random_id_in_range(sharded.self, 1, sharded.rng), endpoint};
  sharded.observe(a, Evidence::ponged);
  sharded.observe(b, Evidence::ponged);
  EXPECT_EQ(sharded.filed().size(), 2u);
  sharded.settle();
  EXPECT_EQ(sharded.filed(), std::vector<Contact>{a.id < b.id ? a : b});
  for (const auto& table : sharded.tables) EXPECT_EQ(table->count(), 1u);
}

// 1,600 contacts of one shard fail while its changes are not taken: more than may wait.
TEST(ShardedRoutingTable, ChangesThatFindNoRoomAreToldLater) {
  ShardedTable sharded(1, 2);
  std::vector<Contact> contacts;
  for (uint32_t i = 0; i < 1600; ++i) {
    Contact contact;
    contact.id = random_id_in_range(sharded.self, 2 * (i % 60), sharded.rng);
    contact.endpoint = Endpoint::ipv4(0x0a000000 + i, 4000);
    sharded.observe(contact, Evidence::ponged);
    contacts.push_back(contact);
  }
  sharded.settle();
  ASSERT_GT(sharded.tables[1]->answerable_count(), 1200u);
  for (const Contact& contact : contacts) {
    for (int i = 0; i < 3; ++i) {
      ++sharded.truth[contact].failures;
      sharded.tables[0]->failed(contact, sharded.now);
    }
  }
  sharded.tables[0]->check_invariants();
  EXPECT_EQ(sharded.tables[0]->answerable_count(), 0u);
  for (int i = 0; i < 10; ++i) {
    sharded.settle();
    sharded.advance(milliseconds(2));
  }
  sharded.settle();
  EXPECT_EQ(sharded.tables[1]->answerable_count(), 0u);
  check_answers(sharded, contacts, sharded.rng);
}

}  // namespace
}  // namespace xord
