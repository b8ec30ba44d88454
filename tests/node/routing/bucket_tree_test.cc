#include "node/routing/bucket_tree.h"

#include <gtest/gtest.h>

#include <vector>

#include "node/wire/rpcudp/rpcudp.h"

namespace xord {
namespace {

TEST(BucketTree, HasNoBucketForTheOwnIdAndOneOfARangeForAllOthers) {
  Rng rng(1);
  Id self;
  rng.fill(self.bytes);
  BucketTree tree(self, 200);
  EXPECT_EQ(tree.find(self), nullptr);
  for (uint32_t range = 0; range < id_bits; ++range) {
    const Id id = random_id_in_range(self, range, rng);
    EXPECT_EQ(tree.find(id), nullptr);
    Bucket* bucket = tree.make(range);
    EXPECT_EQ(tree.find(id), bucket);
  }
  EXPECT_EQ(tree.count(), id_bits);
}

TEST(BucketTree, SplitsARangeInSixteenWithoutLosingAnybodyAndDrawsIdsOfEachPart) {
  for (const uint32_t range : {0u, 7u, 150u, 156u}) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE("range " + std::to_string(range) + ", seed " + std::to_string(seed));
      Rng rng(seed);
      Id self;
      rng.fill(self.bytes);
      ContactBook book(100, rpcudp::encode_contact_tail, seed);
      BucketTree tree(self, 200);
      Bucket& first = *tree.make(range);
      std::vector<ContactHandle> handles;
      while (!first.is_full()) {
        const auto number = static_cast<uint32_t>(handles.size());
        handles.push_back(
            book.acquire({random_id_in_range(self, range, rng), Endpoint::ipv4(number, 1)}));
        FiledContact filed;
        filed.handle = handles.back();
        first.append(filed);
        first.append_spare({handles.back(), Instant{}});
      }
      for (uint32_t i = 0; i < tree.count(); ++i) {
        while (tree.can_split(tree.at(i))) tree.split(tree.at(i), book);
      }
      EXPECT_EQ(tree.count(), range <= 155 ? 16u : 1u << (159 - range));
      size_t filed_count = 0;
      size_t spares_count = 0;
      for (uint32_t i = 0; i < tree.count(); ++i) {
        const Bucket& bucket = tree.at(i);
        for (const FiledContact& filed : bucket.contacts()) {
          EXPECT_EQ(tree.find(book.id(filed.handle)), &bucket);
        }
        filed_count += bucket.contacts().size();
        spares_count += bucket.spares().size();
        EXPECT_EQ(tree.find(tree.random_id_in(bucket, rng)), &bucket);
      }
      EXPECT_EQ(filed_count, bucket_size);
      EXPECT_EQ(spares_count, bucket_size);
    }
  }
}

TEST(BucketTree, SplitsNoFurtherThanItHasBuckets) {
  BucketTree tree(Id{}, 2);
  Bucket& bucket = *tree.make(0);
  ContactBook book(1, rpcudp::encode_contact_tail, 1);
  ASSERT_TRUE(tree.can_split(bucket));
  tree.split(bucket, book);
  EXPECT_FALSE(tree.can_split(bucket));
  EXPECT_EQ(tree.make(1), nullptr);
}

}  // namespace
}  // namespace xord
