#include "node/shard_link.h"

#include "tests/node/part_fixture.h"

namespace xord::testing {
namespace {

class ShardLinkTest : public PartTest {
 protected:
  std::vector<ShardIndex> told() const {
    std::vector<ShardIndex> shards_told;
    for (const FrameOutbox::Entry& entry : messages.entries()) {
      shards_told.push_back(static_cast<ShardIndex>(entry.to));
    }
    return shards_told;
  }
  void fill_outbox() {
    while (middle.tell(turn(), 0, message)) {
    }
    EXPECT_EQ(count(NodeCounter::messages_dropped), 1u);
  }

  const ProvenMessage message{{}, contact(0x80).endpoint};
  const ShardLink middle{7, 1, 3, counters};  // The second of three.
};

TEST_F(ShardLinkTest, AMessageNamesItsKindAndTheNetworkWhateverTheSenderWrote) {
  EXPECT_TRUE(middle.tell(turn(), 2, message));
  EXPECT_EQ(told(), (std::vector<ShardIndex>{2}));
  const auto* sent = frame_header<ProvenMessage>(messages.bytes(messages.entries()[0]));
  EXPECT_EQ(sent->message.kind, ShardMessageKind::proven);
  EXPECT_EQ(sent->message.network, 7);
  EXPECT_EQ(sent->source, message.source);
}

TEST_F(ShardLinkTest, TheOthersAreAllButTheSender) {
  EXPECT_TRUE(middle.tell_others(turn(), message));
  EXPECT_EQ(told(), (std::vector<ShardIndex>{0, 2}));
  EXPECT_TRUE(middle.is_other(0));
  EXPECT_FALSE(middle.is_other(1));
  EXPECT_TRUE(middle.is_other(2));
  EXPECT_FALSE(middle.is_other(3)) << "there are three";
}

TEST_F(ShardLinkTest, WhatFindsNoRoomIsCountedAndSaid) {
  fill_outbox();
  const size_t before = messages.entries().size();
  EXPECT_FALSE(middle.tell_others(turn(), message));
  EXPECT_EQ(count(NodeCounter::messages_dropped), 3u) << "one for each of the others";
  EXPECT_EQ(messages.entries().size(), before);
  const std::array<uint8_t, 3> bytes{1, 2, 3};
  middle.forward(turn(), 0, {{message.source, {}}, bytes});
  EXPECT_EQ(count(NodeCounter::forwarded), 1u);
  EXPECT_EQ(count(NodeCounter::messages_dropped), 4u);
}

TEST_F(ShardLinkTest, AForwardedDatagramKeepsItsPathAndItsBytes) {
  const std::array<uint8_t, 3> bytes{1, 2, 3};
  middle.forward(turn(), 2, {{message.source, {}}, bytes});
  ASSERT_EQ(told(), (std::vector<ShardIndex>{2}));
  const Bytes frame = messages.bytes(messages.entries()[0]);
  EXPECT_EQ(frame_header<DatagramMessage>(frame)->message.kind, ShardMessageKind::datagram);
  EXPECT_EQ(frame_header<DatagramMessage>(frame)->path.remote, message.source);
  EXPECT_TRUE(equal(frame_tail<DatagramMessage>(frame), bytes));
  EXPECT_EQ(count(NodeCounter::forwarded), 1u);
}

}  // namespace
}  // namespace xord::testing
