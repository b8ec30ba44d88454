#include "node/nearest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "node/wire/rpcudp.h"
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

TEST(NearestIndex, EqualsAFullSortByDistanceOverRandomAddsAndRemoves) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    ContactBook book(512, rpcudp::encode_contact_tail, seed);
    NearestIndex index(512, book);
    std::vector<ContactHandle> in_index;
    std::vector<Id> ids;
    for (int step = 0; step < 600; ++step) {
      if (in_index.empty() || (in_index.size() < 400 && rng.chance(0.6))) {
        const Contact contact{clustered_id(rng, ids),
                              Endpoint::ipv4(static_cast<uint32_t>(rng.next()), 1)};
        const ContactHandle handle = book.acquire(contact);
        const bool is_new = index.find(contact.id) == no_contact;
        ASSERT_EQ(index.add(handle), is_new);
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
      const Id target = clustered_id(rng, ids);
      const Endpoint asker =
          in_index.empty() ? Endpoint{} : book.endpoint(in_index[rng.bounded(in_index.size())]);
      std::vector<ContactHandle> expected;
      for (const ContactHandle handle : in_index) {
        if (book.endpoint(handle) != asker) expected.push_back(handle);
      }
      std::sort(expected.begin(), expected.end(), [&](ContactHandle a, ContactHandle b) {
        return distance(target, book.id(a)) < distance(target, book.id(b));
      });
      std::vector<ContactHandle> found(1 + rng.bounded(20));
      found.resize(index.nearest(target, asker, found));
      expected.resize(std::min(expected.size(), std::max<size_t>(found.size(), 1)));
      ASSERT_EQ(found, expected);
    }
  }
}

TEST(NearestIndex, FindsTheTargetItselfFirst) {
  ContactBook book(4, rpcudp::encode_contact_tail, 1);
  NearestIndex index(4, book);
  Id target;
  target.bytes[19] = 1;
  const ContactHandle exact = book.acquire({target, Endpoint::ipv4(1, 1)});
  index.add(book.acquire({Id{}, Endpoint::ipv4(2, 1)}));
  index.add(exact);
  ContactHandle found[2];
  ASSERT_EQ(index.nearest(target, {}, found), 2u);
  EXPECT_EQ(found[0], exact);
}

TEST(NearestIndex, RefusesASecondEntryOfOneId) {
  ContactBook book(4, rpcudp::encode_contact_tail, 1);
  NearestIndex index(4, book);
  EXPECT_TRUE(index.add(book.acquire({Id{}, Endpoint::ipv4(1, 1)})));
  EXPECT_FALSE(index.add(book.acquire({Id{}, Endpoint::ipv4(2, 1)})));
}

}  // namespace
}  // namespace xord
