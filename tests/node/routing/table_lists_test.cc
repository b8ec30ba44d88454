// The lists of a table's contacts and buckets: complete, in order, and in pages of any size.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "tests/node/routing/table_fixture.h"

namespace xord {
namespace {

class TableListsTest : public RoutingTableTest {
 protected:
  // Contacts in many buckets, some of which are split.
  void fill() {
    for (uint32_t i = 0; i < 600; ++i) {
      Contact contact;
      rng.fill(contact.id.bytes);
      for (uint32_t bit = 0; bit < i % 5; ++bit) contact.id.bytes[0] >>= 1;
      contact.endpoint = Endpoint::ipv4(0x0a000000 + i, 4000);
      if (table->observe(contact, Evidence::ponged, now).kind == Kind::none)
        filed.insert(contact.id);
    }
    std::erase_if(filed, [&](const Id& id) { return !is_filed(id); });
    ASSERT_GT(filed.size(), 3 * bucket_size);
    ASSERT_GT(table->buckets_count(), 8u);
  }
  bool is_filed(const Id& id) const {
    bool is_it = false;
    table->for_each_own_contact([&](const Contact& each, Instant) { is_it |= each.id == id; });
    return is_it;
  }
  std::vector<ContactRow> all_contacts(const Id& near, size_t page) const {
    std::vector<ContactRow> all;
    std::vector<ContactRow> rows(page);
    for (std::optional<Id> from = near; from;) {
      const auto listed = table->list_contacts(near, *from, now, rows);
      all.insert(all.end(), rows.begin(), rows.begin() + static_cast<ptrdiff_t>(listed.count));
      from = listed.next;
    }
    return all;
  }
  std::vector<BucketRow> all_buckets(size_t page) const {
    std::vector<BucketRow> all;
    std::vector<BucketRow> rows(page);
    for (std::optional<Id> from = farthest_id(self); from;) {
      const auto listed = table->list_buckets(*from, now, rows);
      all.insert(all.end(), rows.begin(), rows.begin() + static_cast<ptrdiff_t>(listed.count));
      from = listed.next;
    }
    return all;
  }

  std::set<Id> filed;
};

TEST_F(TableListsTest, ContactsComeOnceAndTheNearestFirst) {
  fill();
  Id anywhere;
  rng.fill(anywhere.bytes);
  for (const Id& near : {Id{}, self, anywhere, *filed.begin(), farthest_id(self)}) {
    for (const size_t page : {1u, 7u, 128u, 1000u}) {
      const auto all = all_contacts(near, page);
      std::set<Id> ids;
      for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_TRUE(ids.insert(all[i].contact.id).second);
        EXPECT_TRUE(i == 0 || nearer(near, all[i - 1].contact.id, all[i].contact.id)) << i;
      }
      EXPECT_EQ(ids, filed) << page;
    }
  }
}

TEST_F(TableListsTest, ARowSaysWhatIsKnownOfAContact) {
  const Contact contact = far_contact(1);
  pong(contact);
  now = now + seconds(5);
  pong(contact);
  now = now + seconds(7);
  std::vector<ContactRow> rows = all_contacts({}, 10);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].contact, contact);
  EXPECT_EQ(rows[0].answered_ago, 7u);
  EXPECT_EQ(rows[0].up, 5u);
  EXPECT_EQ(rows[0].depth, 0u);
  EXPECT_EQ(rows[0].failures, 0u);
  EXPECT_EQ(rows[0].standing, static_cast<uint8_t>(Standing::awaited)) << "it is young";
  table->failed(contact, now);
  table->failed(contact, now);
  rows = all_contacts({}, 10);
  EXPECT_EQ(rows[0].failures, 2u);
  EXPECT_EQ(rows[0].standing, static_cast<uint8_t>(Standing::silent));
}

TEST_F(TableListsTest, BucketsComeOnceAndTheFarthestFirst) {
  fill();
  for (const size_t page : {1u, 5u, 128u}) {
    const auto all = all_buckets(page);
    EXPECT_EQ(all.size(), table->buckets_count()) << page;
    uint32_t contacts = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i].depth, shared_prefix(self, all[i].first));
      EXPECT_GT(all[i].prefix_bits, all[i].depth);
      EXPECT_EQ(first_of_block(all[i].first, all[i].prefix_bits), all[i].first);
      EXPECT_TRUE(i == 0 || all[i - 1].depth <= all[i].depth);
      EXPECT_GE(all[i].refresh_in, 3000u);
      EXPECT_LE(all[i].answerable, all[i].contacts);
      const auto in_range = std::count_if(filed.begin(), filed.end(), [&](const Id& id) {
        return shared_prefix(id, all[i].first) >= all[i].prefix_bits;
      });
      EXPECT_EQ(all[i].contacts, in_range);
      contacts += all[i].contacts;
    }
    EXPECT_EQ(contacts, filed.size());
  }
}

TEST_F(TableListsTest, ARowSaysWhatIsKnownOfABucket) {
  fill_bucket();
  pong(far_contact(100));  // A spare, once all splits are made.
  table->failed(far_contact(1), now);
  table->failed(far_contact(1), now);
  const auto rows = all_buckets(10);
  const auto full = std::find_if(rows.begin(), rows.end(),
                                 [](const BucketRow& row) { return row.contacts == bucket_size; });
  ASSERT_NE(full, rows.end());
  EXPECT_EQ(full->first, first_of_block(far_contact(1).id, full->prefix_bits));
  EXPECT_EQ(full->spares, 1u);
  EXPECT_EQ(full->answerable, bucket_size - 1);
  EXPECT_EQ(full->shard, 0u);
  EXPECT_EQ(full->depth, 0u);
  const uint32_t refresh_in = full->refresh_in;
  now = now + seconds(1000);
  EXPECT_EQ(all_buckets(10)[static_cast<size_t>(full - rows.begin())].refresh_in,
            refresh_in - 1000);
  now = now + hours(3);
  EXPECT_EQ(all_buckets(10)[static_cast<size_t>(full - rows.begin())].refresh_in, 0u) << "now";
}

TEST_F(TableListsTest, ABucketOfAnotherShardIsListedAsItsOwn) {
  table.emplace(config, self, ShardIndex{1}, 2, book, start);
  pong(contact_in(0x40, 1));
  const auto rows = all_buckets(4);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].shard, 1u);
  EXPECT_EQ(rows[0].depth, 1u);
}

TEST_F(TableListsTest, TheContactsAroundAnAddressAreCounted) {
  const char* const endpoints[] = {"198.51.100.1:1", "198.51.100.2:1", "198.51.96.1:1",
                                   "198.51.7.1:1",   "203.0.113.1:1",  "[2001:db8::1]:1"};
  uint32_t number = 1;
  for (const char* endpoint : endpoints) {
    pong(far_contact_at(number, endpoint));
    ++number;
  }
  pong(far_contact(number));  // A private address.
  ASSERT_EQ(table->count(), std::size(endpoints) + 1);
  SourceHead head;
  table->describe(Endpoint::parse("198.51.100.9:1")->address, &head);
  EXPECT_EQ(head.filed_of_family, 6u);
  EXPECT_EQ(head.has_table_limits, 1u);
  EXPECT_EQ(head.filed_of_prefix[0], 2u);
  EXPECT_EQ(head.filed_of_prefix[1], 3u);
  EXPECT_EQ(head.filed_of_prefix[2], 4u);
  EXPECT_EQ(head.filed_of_prefix[3], 0u);
  head = {};
  table->describe(Endpoint::parse("[2001:db8::2]:1")->address, &head);
  EXPECT_EQ(head.filed_of_family, 1u);
  for (const uint32_t filed_count : head.filed_of_prefix) EXPECT_EQ(filed_count, 1u);
  head = {};
  table->describe(far_contact(1).endpoint.address, &head);
  EXPECT_EQ(head.has_table_limits, 0u);
}

TEST_F(TableListsTest, AnEmptyTableHasNeither) {
  EXPECT_TRUE(all_contacts(self, 3).empty());
  EXPECT_TRUE(all_buckets(3).empty());
}

}  // namespace
}  // namespace xord
