// Networks whose nodes speak another dialect (echo_dialect.h), on virtual time: the seam holds.
#include "node/wire/dialect.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "tests/echo_dialect.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

NodeConfig echo_config() {
  NodeConfig config = model_config();
  config.dialect = &echo_dialect();
  return config;
}

// With so many shards each.
class EchoNetworkTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  EchoNetworkTest() {
    for (int i = 0; i < 40; ++i) net.add(GetParam(), echo_config());
    net.join_all();
  }
  std::vector<Id> nearest_ids(const Id& target) {
    std::vector<Id> ids;
    for (size_t i = 0; i < net.size(); ++i) ids.push_back(net.node(i).id());
    std::sort(ids.begin(), ids.end(),
              [&](const Id& a, const Id& b) { return nearer(target, a, b); });
    ids.resize(bucket_size);
    return ids;
  }

  ModelNetwork net{71};
  const std::vector<uint8_t> value{'e', 'c', 'h', 'o'};
};

TEST_P(EchoNetworkTest, LooksUpTheNearestExactly) {
  for (int i = 0; i < 5; ++i) {
    const Id target = net.random_id();
    const auto found = net.find(net.node(static_cast<size_t>(i)), target);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->header.status, OperationStatus::done);
    ASSERT_EQ(found->header.contacts_count, bucket_size);
    std::vector<Id> ids;
    for (uint32_t at = 0; at < bucket_size; ++at) {
      Contact contact;
      std::memcpy(&contact, &found->tail[at * sizeof contact], sizeof contact);
      ids.push_back(contact.id);
    }
    const std::vector<Id> wanted = nearest_ids(target);
    // The asker is none of those that it finds.
    const size_t same = static_cast<size_t>(std::count_if(wanted.begin(), wanted.end(), [&](Id id) {
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    }));
    EXPECT_GE(same + 1, wanted.size());
  }
}

TEST_P(EchoNetworkTest, StoresAndGetsFromAnywhere) {
  for (int i = 0; i < 5; ++i) {
    const Id key = net.random_id();
    const auto set = net.set(net.node(static_cast<size_t>(3 * i)), key, value);
    ASSERT_TRUE(set);
    EXPECT_EQ(set->header.status, OperationStatus::done);
    EXPECT_GE(set->header.stored, bucket_size);  // And our own copy, where we are near.
    const auto got = net.get(net.node(static_cast<size_t>(39 - i)), key);
    ASSERT_TRUE(got);
    ASSERT_EQ(got->header.status, OperationStatus::done);
    EXPECT_TRUE(equal(got->value(), value));
  }
}

TEST_P(EchoNetworkTest, RepliesReachTheShardThatAsked) {
  uint64_t unknown = 0;
  uint64_t wrong = 0;
  for (size_t i = 0; i < net.size(); ++i) {
    unknown += net.node(i).count(NodeCounter::replies_unknown);
    wrong += net.node(i).count(NodeSum::replies_wrong_source);
  }
  EXPECT_EQ(unknown, 0u);
  EXPECT_EQ(wrong, 0u);
}

// Any reply proves an id here, so a node that came back under another id at its endpoint is found
// out by its answer to a find, without a ping: this one answers no ping from then on.
TEST_P(EchoNetworkTest, AnyReplyProvesAnId) {
  const Dialect& dialect = echo_dialect();
  ModelNode& node = net.node(7);
  const Endpoint stranger = Endpoint::ipv4(0x0b000001, 4000);
  Id before = node.id();
  before.bytes[19] ^= 1;  // So near that the join's lookup asks it.
  Id after = before;
  after.bytes[19] ^= 2;
  const ContactBook no_contacts(16, dialect.traits().encode_contact_tail, 0);
  bool is_back = false;
  net.on_stranger = [&](const Endpoint& from, const Endpoint&, Bytes bytes) {
    Request request;
    if (dialect.read_request(bytes, &request) != ParseError::none) return;
    std::array<uint8_t, 100> buffer;
    size_t size = 0;
    if (request.method == Method::ping && !is_back) {
      size = dialect.encode_pong(buffer, request.transaction, before);
    } else if (request.method == Method::find_node) {
      is_back = true;
      size = dialect.encode_contacts(buffer, request.transaction, after, {}, no_contacts);
    }
    if (size > 0) net.send_from(stranger, from, Bytes(buffer).first(size));
  };
  node.run(0, net.now(), [&](Node& shard, Outputs& out) {
    shard.join(net.now(), 98, std::span(&stranger, 1), out);
  });
  net.run_for(seconds(30));
  EXPECT_TRUE(is_back);
  std::vector<Id> filed;
  for (uint32_t shard = 0; shard < GetParam(); ++shard) {
    node.shard(shard).for_each_own_contact([&](const Contact& known, Instant) {
      if (known.endpoint == stranger) filed.push_back(known.id);
    });
  }
  EXPECT_EQ(filed, std::vector<Id>{after});
}

TEST_P(EchoNetworkTest, HoldersHandNothingOver) {
  const Id key = net.random_id();
  ASSERT_TRUE(net.set(net.node(0), key, value));
  net.run_for(minutes(5));  // Then who arrives is new to the network.
  ModelNode& newcomer = net.add(GetParam(), echo_config());
  const Endpoint known = net.node(0).endpoint();
  newcomer.run(0, net.now(), [&](Node& node, Outputs& out) {
    node.join(net.now(), 99, std::span(&known, 1), out);
  });
  net.run_for(minutes(5));
  uint64_t handed_over = 0;
  for (size_t i = 0; i < net.size(); ++i) {
    handed_over += net.node(i).count(NodeCounter::hand_overs) +
                   net.node(i).count(NodeCounter::records_handed_over);
  }
  EXPECT_EQ(handed_over, 0u);
  EXPECT_GE(newcomer.shard(0).answerable_count(), bucket_size);
}

INSTANTIATE_TEST_SUITE_P(Shards, EchoNetworkTest, ::testing::Values(1u, 3u));

TEST(Dialects, NodesOfTwoDialectsUnderstandNothingOfEachOtherAndCountIt) {
  ModelNetwork net(72);
  ModelNode& echo = net.add(1, echo_config());
  ModelNode& rpcudp_node = net.add();
  echo.run(0, net.now(), [&](Node& node, Outputs& out) {
    const Endpoint other = rpcudp_node.endpoint();
    node.join(net.now(), 1, std::span(&other, 1), out);
  });
  net.run_for(seconds(60));
  EXPECT_EQ(echo.shard(0).contacts_count(), 0u);
  EXPECT_EQ(rpcudp_node.shard(0).contacts_count(), 0u);
  uint64_t malformed = 0;
  for (size_t why = 0; why < Counters<ParseError>::size; ++why) {
    malformed += rpcudp_node.malformed(static_cast<ParseError>(why));
  }
  EXPECT_GT(malformed, 0u);
}

TEST(Dialects, EncodedRequestsAreReadAgain) {
  const Transaction transaction{1, 2, 3, 4};
  Id sender;
  sender.bytes[0] = 0x51;
  Id target;
  target.bytes[0] = 0xa7;
  const std::array<uint8_t, 3> value{0xa2, 'h', 'i'};
  for (const Dialect* dialect : {&rpcudp::dialect(), &echo_dialect()}) {
    const Bytes ours = Bytes(transaction).first(dialect->traits().transaction_bytes);
    for (const Method method :
         {Method::ping, Method::find_node, Method::find_value, Method::store}) {
      const Ask ask{method, target, method == Method::store ? Bytes(value) : Bytes(), {}};
      std::array<uint8_t, 256> bytes;
      const size_t size = dialect->encode_request(bytes, ours, sender, ask);
      ASSERT_GT(size, 0u);
      EXPECT_LE(size, dialect->request_size_max(ask));
      const Bytes datagram = Bytes(bytes).first(size);
      EXPECT_FALSE(dialect->is_reply(datagram));
      EXPECT_TRUE(equal(dialect->transaction_of(datagram), ours));
      Request request;
      ASSERT_EQ(dialect->read_request(datagram, &request), ParseError::none);
      EXPECT_EQ(request.method, method);
      EXPECT_EQ(request.sender, sender);
      if (method != Method::ping) {
        EXPECT_EQ(request.target, target);
      }
      const bool is_for_a_record = method == Method::store || method == Method::find_value;
      EXPECT_EQ(dialect->record_key(datagram).has_value(), is_for_a_record);
    }
  }
}

}  // namespace
}  // namespace xord::testing
