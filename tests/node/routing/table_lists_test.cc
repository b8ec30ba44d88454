// The lists of a table's contacts and buckets: complete, in order, and in pages of any size.
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

TEST_F(TableListsTest, AnEmptyTableHasNeither) {
  EXPECT_TRUE(all_contacts(self, 3).empty());
  EXPECT_TRUE(all_buckets(3).empty());
}

}  // namespace
}  // namespace xord
