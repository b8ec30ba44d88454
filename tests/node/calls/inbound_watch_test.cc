#include "node/calls/inbound_watch.h"

#include "tests/node/part_fixture.h"

namespace xord::testing {
namespace {

class InboundWatchTest : public PartTest {
 protected:
  // A request comes that is looked at.
  void ask(const Endpoint& source) {
    now = now + InboundWatch::pause;
    inbound.asked(turn(), source);
  }
  uint64_t counted() const { return count(NodeCounter::inbound_uncalled); }
  // Whether the other of the two shards knows the calls to `source`.
  bool is_of_other(const Endpoint& source) {
    InboundWatch fresh(node);
    fresh.called(turn(), source);
    const bool is_told = !messages.entries().empty();
    messages.clear();
    return is_told;
  }
  Endpoint source_of(bool is_other, uint8_t first = 0x80) {
    for (uint32_t number = 1; number < 100; ++number) {
      const Endpoint source = contact(first, number).endpoint;
      if (is_of_other(source) == is_other) return source;
    }
    ADD_FAILURE();
    return {};
  }
  template <class Message>
  Message only_message() {
    EXPECT_EQ(messages.entries().size(), 1u);
    const Message message = *frame_header<Message>(messages.bytes(messages.entries()[0]));
    EXPECT_EQ(message.message.kind, Message::kind);
    messages.clear();
    return message;
  }

  InboundWatch& inbound = requester.inbound();
  const Endpoint own = source_of(false);
  const Endpoint others = source_of(true);
};

TEST_F(InboundWatchTest, CountsASourceThatWasNotCalled) {
  ask(own);
  EXPECT_EQ(counted(), 1u);
  EXPECT_TRUE(messages.entries().empty());
}

TEST_F(InboundWatchTest, DoesNotCountOneThatWasCalledInTheFiveMinutesBefore) {
  ASSERT_TRUE(requester.send(turn(), {Purpose::probe, {}, 0, own, {}, {}}, {Method::ping}));
  ask(own);
  now = now + minutes(5) - InboundWatch::pause * 2;
  ask(own);
  EXPECT_EQ(counted(), 0u);
  now = now + minutes(5);
  ask(own);
  EXPECT_EQ(counted(), 1u);
}

TEST_F(InboundWatchTest, LooksAtTenRequestsASecond) {
  ask(own);
  inbound.asked(turn(), own);
  now = now + InboundWatch::pause - nanoseconds(1);
  inbound.asked(turn(), own);
  EXPECT_EQ(counted(), 1u);
  now = now + nanoseconds(1);
  inbound.asked(turn(), own);
  EXPECT_EQ(counted(), 2u);
}

TEST_F(InboundWatchTest, TellsTheShardOfASourceOfTheFirstCallInASpan) {
  inbound.called(turn(), others);
  EXPECT_EQ(only_message<SourceCalledMessage>().source, others);
  inbound.called(turn(), others);
  inbound.called(turn(), own);
  EXPECT_TRUE(messages.entries().empty());
}

TEST_F(InboundWatchTest, AsksTheShardOfASourceUnlessItKnows) {
  ask(others);
  EXPECT_EQ(only_message<SourceAskedMessage>().source, others);
  EXPECT_EQ(counted(), 0u) << "the other one counts it";
  inbound.called(turn(), others);
  messages.clear();
  ask(others);
  EXPECT_TRUE(messages.entries().empty());
}

TEST_F(InboundWatchTest, AnswersForTheSourcesOfItsShard) {
  inbound.deliver(turn(), SourceAskedMessage{{}, own});
  EXPECT_EQ(counted(), 1u);
  inbound.deliver(turn(), SourceCalledMessage{{}, own});
  inbound.deliver(turn(), SourceAskedMessage{{}, own});
  EXPECT_EQ(counted(), 1u);
  ask(own);
  EXPECT_EQ(counted(), 1u);
}

TEST_F(InboundWatchTest, CountsNoSourceThatIsNearerThanThoseWeCall) {
  inbound.called(turn(), Endpoint::ipv4(0x08080808, 53));
  ask(Endpoint::ipv4(0x7f000001, 4000));
  ask(own);  // 10.0.0.0/8
  messages.clear();
  EXPECT_EQ(counted(), 0u);
  uint32_t reached = 0;
  for (uint32_t number = 0; number < 20; ++number) {
    ask(Endpoint::ipv4(0x08080900 + number, 4000));
    reached = static_cast<uint32_t>(counted() + messages.entries().size());
  }
  EXPECT_EQ(reached, 20u);
}

}  // namespace
}  // namespace xord::testing
