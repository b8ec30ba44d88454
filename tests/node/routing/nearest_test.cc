#include "node/routing/nearest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

// Ids that share prefixes of every length, so that the trie is deep as well as wide.
Id clustered_id(Rng& rng, const std::vector<Id>& others) {
  Id id;
  rng.fill(id.bytes);
  if (!others.empty() && rng.chance(0.7)) {
    const Id& other = others[rng.bounded(others.size())];
    const auto shared = static_cast<uint32_t>(rng.bounded(id_bits));
    for (uint32_t bit = 0; bit < shared; ++bit) {
      const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
      id.bytes[bit / 8] =
          static_cast<uint8_t>((id.bytes[bit / 8] & ~mask) | (other.bytes[bit / 8] & mask));
    }
  }
  return id;
}

constexpr Standing standings[] = {Standing::awaited, Standing::doubted, Standing::trusted};

TEST(NearestIndex, EqualsAFullSortByDistanceOverRandomAddsAndRemoves) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    ContactBook book(512, rpcudp::encode_contact_tail, seed);
    TrieBranches branches(512);
    NearestIndex index(branches, book);
    std::vector<ContactHandle> in_index;
    std::vector<Id> ids;
    for (int step = 0; step < 600; ++step) {
      if (in_index.empty() || (in_index.size() < 400 && rng.chance(0.6))) {
        const Contact contact{clustered_id(rng, ids),
                              Endpoint::ipv4(static_cast<uint32_t>(rng.next()), 1)};
        const ContactHandle handle = book.acquire(contact);
        const bool is_new = index.find(contact.id) == no_contact;
        ASSERT_EQ(index.add(handle, standings[rng.bounded(3)]), is_new);
        if (is_new) in_index.push_back(handle);
        if (is_new) ids.push_back(contact.id);
      } else {
        const size_t at = rng.bounded(in_index.size());
        ASSERT_TRUE(index.remove(in_index[at]));
        ASSERT_FALSE(index.remove(in_index[at]));
        std::swap(in_index[at], in_index.back());
        in_index.pop_back();
      }
      ASSERT_EQ(index.count(), in_index.size());
      if (step % 50 == 0) index.check_invariants();
      const Id target = clustered_id(rng, ids);
      Contact asker;
      if (!in_index.empty()) {
        const ContactHandle changed = in_index[rng.bounded(in_index.size())];
        const Standing standing = standings[rng.bounded(3)];
        ASSERT_TRUE(index.set_standing(changed, standing));
        ASSERT_EQ(index.standing(changed), standing);
        asker.endpoint = book.endpoint(in_index[rng.bounded(in_index.size())]);
        asker.id = book.id(in_index[rng.bounded(in_index.size())]);
      }
      const auto awaited = rng.chance(0.5) ? Awaited::included : Awaited::left_out;
      std::vector<ContactHandle> arrived;
      std::vector<ContactHandle> expected;
      for (const ContactHandle handle : in_index) {
        const bool has_arrived = rng.chance(0.1);
        if (has_arrived) arrived.push_back(handle);
        if (book.endpoint(handle) == asker.endpoint || book.id(handle) == asker.id) continue;
        if (awaited == Awaited::left_out && !has_arrived &&
            index.standing(handle) == Standing::awaited) {
          continue;
        }
        expected.push_back(handle);
      }
      std::sort(expected.begin(), expected.end(), [&](ContactHandle a, ContactHandle b) {
        return distance(target, book.id(a)) < distance(target, book.id(b));
      });
      std::vector<ContactHandle> found(1 + rng.bounded(20));
      const size_t size = found.size();
      const Nearest nearest = index.nearest(target, asker, awaited, arrived, found);
      found.resize(nearest.count);
      expected.resize(std::min(expected.size(), size));
      ASSERT_EQ(found, expected);
      const bool all_trusted = std::all_of(found.begin(), found.end(), [&](ContactHandle handle) {
        return index.standing(handle) == Standing::trusted;
      });
      ASSERT_TRUE(all_trusted || !nearest.all_trusted);
    }
  }
}

TEST(NearestIndex, FindsTheTargetItselfFirst) {
  ContactBook book(4, rpcudp::encode_contact_tail, 1);
  TrieBranches branches(4);
  NearestIndex index(branches, book);
  Id target;
  target.bytes[19] = 1;
  const ContactHandle exact = book.acquire({target, Endpoint::ipv4(1, 1)});
  ASSERT_TRUE(index.add(book.acquire({Id{}, Endpoint::ipv4(2, 1)}), Standing::trusted));
  ASSERT_TRUE(index.add(exact, Standing::trusted));
  Contact nobody;
  nobody.id.bytes[0] = 0xff;
  ContactHandle found[2];
  ASSERT_EQ(index.nearest(target, nobody, Awaited::included, {}, found).count, 2u);
  EXPECT_EQ(found[0], exact);
}

TEST(NearestIndex, SharesItsRoomWithAnotherAndRefusesWhatFindsNone) {
  ContactBook book(8, rpcudp::encode_contact_tail, 1);
  TrieBranches branches(2);
  NearestIndex ipv4(branches, book);
  NearestIndex ipv6(branches, book);
  std::vector<ContactHandle> handles;
  for (uint8_t i = 0; i < 6; ++i) {
    Contact contact{Id{}, Endpoint::ipv4(i, 1)};
    contact.id.bytes[0] = i;
    handles.push_back(book.acquire(contact));
  }
  EXPECT_TRUE(ipv4.add(handles[0], Standing::trusted) && ipv4.add(handles[1], Standing::trusted));
  EXPECT_TRUE(ipv6.add(handles[2], Standing::trusted) && ipv6.add(handles[3], Standing::trusted));
  EXPECT_FALSE(ipv4.add(handles[4], Standing::trusted)) << "both branches are taken";
  EXPECT_EQ(ipv4.count(), 2u);
  EXPECT_TRUE(ipv6.remove(handles[2]));
  EXPECT_TRUE(ipv4.add(handles[4], Standing::trusted));
  ipv4.check_invariants();
  ipv6.check_invariants();
}

TEST(NearestIndex, RefusesASecondEntryOfOneId) {
  ContactBook book(4, rpcudp::encode_contact_tail, 1);
  TrieBranches branches(4);
  NearestIndex index(branches, book);
  EXPECT_TRUE(index.add(book.acquire({Id{}, Endpoint::ipv4(1, 1)}), Standing::trusted));
  EXPECT_FALSE(index.add(book.acquire({Id{}, Endpoint::ipv4(2, 1)}), Standing::trusted));
}

}  // namespace
}  // namespace xord
