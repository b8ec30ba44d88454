#include "node/routing/bucket.h"

#include <gtest/gtest.h>

#include <vector>

namespace xord {
namespace {

class BucketTest : public ::testing::Test {
 protected:
  using Handles = std::vector<ContactHandle>;

  void append(ContactHandle handle) {
    FiledContact filed;
    filed.handle = handle;
    bucket.append(filed);
  }
  Handles contacts() const {
    Handles handles;
    for (const FiledContact& filed : bucket.contacts()) handles.push_back(filed.handle);
    return handles;
  }
  Handles spares() const {
    Handles handles;
    for (const SpareContact& spare : bucket.spares()) handles.push_back(spare.handle);
    return handles;
  }

  Bucket bucket;
};

TEST_F(BucketTest, KeepsItsContactsInTheOrderInWhichTheyWereSeen) {
  for (ContactHandle handle = 0; handle < 5; ++handle) append(handle);
  EXPECT_EQ(bucket.move_to_tail(bucket.contacts()[1]).handle, 1u);
  EXPECT_EQ(contacts(), (Handles{0, 2, 3, 4, 1}));
  EXPECT_EQ(bucket.move_to_tail(bucket.contacts()[4]).handle, 1u);
  EXPECT_EQ(contacts(), (Handles{0, 2, 3, 4, 1})) << "it is there already";
  bucket.remove(bucket.contacts()[1]);
  EXPECT_EQ(contacts(), (Handles{0, 3, 4, 1}));
  bucket.remove(bucket.contacts()[3]);
  EXPECT_EQ(contacts(), (Handles{0, 3, 4}));
}

TEST_F(BucketTest, IsFullWithTwentyContacts) {
  for (ContactHandle handle = 0; handle < 20; ++handle) {
    EXPECT_FALSE(bucket.is_full());
    append(handle);
  }
  EXPECT_TRUE(bucket.is_full());
}

TEST_F(BucketTest, KeepsItsSparesInTheOrderInWhichTheyWereSeen) {
  for (ContactHandle handle = 0; handle < 5; ++handle) {
    EXPECT_EQ(bucket.append_spare({handle, {}}), no_contact);
  }
  bucket.move_spare_to_tail(bucket.spares()[1]);
  EXPECT_EQ(spares(), (Handles{0, 2, 3, 4, 1}));
  bucket.remove_spare(bucket.spares()[1]);
  EXPECT_EQ(spares(), (Handles{0, 3, 4, 1}));
  bucket.remove_spare(bucket.spares()[3]);
  EXPECT_EQ(spares(), (Handles{0, 3, 4}));
}

TEST_F(BucketTest, ASpareForWhichThereIsNoRoomTakesThePlaceOfTheOneSeenFirst) {
  Handles expected;
  for (ContactHandle handle = 0; handle < Bucket::spares_max; ++handle) {
    EXPECT_EQ(bucket.append_spare({handle, {}}), no_contact);
    if (handle > 0) expected.push_back(handle);
  }
  expected.push_back(99);
  EXPECT_EQ(bucket.append_spare({99, {}}), 0u);
  EXPECT_EQ(spares(), expected);
}

TEST_F(BucketTest, HoldsWhatIsInItAndNoCopyNorThePlaceBehind) {
  append(1);
  append(2);
  bucket.append_spare({3, {}});
  const FiledContact copy = bucket.contacts()[0];
  EXPECT_TRUE(bucket.holds(bucket.contacts()[0]));
  EXPECT_TRUE(bucket.holds(bucket.contacts()[1]));
  EXPECT_FALSE(bucket.holds(*(bucket.contacts().data() + 2)));
  EXPECT_FALSE(bucket.holds(copy));
  const SpareContact spare_copy = bucket.spares()[0];
  EXPECT_TRUE(bucket.holds(bucket.spares()[0]));
  EXPECT_FALSE(bucket.holds(*(bucket.spares().data() + 1)));
  EXPECT_FALSE(bucket.holds(spare_copy));
}

}  // namespace
}  // namespace xord
