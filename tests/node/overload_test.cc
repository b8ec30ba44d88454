// A node that its shard says is behind: what counts as work, and for whom
// (node/admission/work_shares.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "node/node.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

const Transaction transaction{7, 7, 7};
const Id sender_id = *Id::from_hex("00112233445566778899aabbccddeeff00112233");
const std::vector<uint8_t> text_value{0xa4, 't', 'e', 'x', 't'};

// Sources in regions of their own.
Endpoint source(uint32_t number) {
  return Endpoint::ipv4(0x0b000001 + (number << 16), 4000);
}

class Overload : public ::testing::Test {
 protected:
  Overload() {
    net.on_stranger = [this](const Endpoint& from, const Endpoint& to, Bytes bytes) {
      Request request;
      if (rpcudp::is_reply(bytes)) return;
      ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
      if (request.method != Method::ping) return;
      net.send_from(to, from, datagram([&](MutableBytes out) {
                      return rpcudp::encode_ping_reply(out, request.transaction, sender_id);
                    }));
    };
  }

  // Each millisecond twelve of each, while every turn finds a full batch: 12,000 a second.
  void flood(const std::vector<std::vector<uint8_t>>& questions, Duration length) {
    const Instant began = net.now();
    for (Instant now = began; now < began + length; now = now + milliseconds(1)) {
      net.run_for(milliseconds(1));
      for (uint32_t i = 0; i < questions.size(); ++i) {
        for (int n = 0; n < 12; ++n) {
          node.receive(net.now(), {{source(i), {}}, questions[i]});
        }
      }
      node.sent.clear();
      node.shard(0).set_backlog(net.now(), began);
      node.advance(net.now());
    }
  }
  std::vector<std::string> thinned() {
    std::vector<std::string> nets;
    for (const SourceShare& share : node.shard(0).work_shares().shares()) {
      nets.push_back(share.net.text());
    }
    std::sort(nets.begin(), nets.end());
    return nets;
  }
  static std::vector<uint8_t> ping() {
    return datagram(
        [](MutableBytes out) { return rpcudp::encode_ping_request(out, transaction, sender_id); });
  }

  ModelNetwork net{1};
  ModelNode& node = net.add();
};

TEST_F(Overload, NoiseAndUnknownRepliesAreWorkLikeRequests) {
  const std::vector<uint8_t> reply = datagram(
      [](MutableBytes out) { return rpcudp::encode_ping_reply(out, transaction, sender_id); });
  flood({ping(), {0x55, 0x55, 0x55}, reply}, milliseconds(200));
  EXPECT_EQ(thinned(), (std::vector<std::string>{"11.0.0.1/32", "11.1.0.1/32", "11.2.0.1/32"}));
  EXPECT_EQ(node.count(NodeCounter::sources_thinned), 3u);
}

TEST_F(Overload, AStoreThatIsServedIsThreeTimesTheWork) {
  const std::vector<uint8_t> store = datagram([&](MutableBytes out) {
    return rpcudp::encode_store_request(out, transaction, sender_id, net.random_id(), text_value,
                                        std::nullopt);
  });
  net.send_from(source(3), node.endpoint(), store);
  net.run_for(seconds(1));
  ASSERT_EQ(node.count(NodeCounter::stores_acknowledged), 1u) << "the source is proven";
  flood({ping(), ping(), ping(), store}, milliseconds(130));
  EXPECT_EQ(thinned(), std::vector<std::string>{"11.3.0.1/32"});
}

// Of two /24s, since one may not have as many wait as make a backlog.
TEST_F(Overload, StoresThatTheDiskCannotFollowAreABacklog) {
  NodeConfig config = model_config();
  config.pending_answers = NodeConfig{}.pending_answers;
  net.options.records_max = 20'000;
  net.options.writes_max = 4096;
  ModelNode& real = net.add(1, config);
  const auto store = [&](uint32_t from) {
    net.send_from(source(from), real.endpoint(), datagram([&](MutableBytes out) {
                    return rpcudp::encode_store_request(out, transaction, sender_id,
                                                        net.random_id(), text_value, std::nullopt);
                  }));
  };
  store(0);
  store(1);
  net.run_for(seconds(1));
  ASSERT_EQ(real.count(NodeCounter::stores_acknowledged), 2u) << "both are proven";
  real.disk_is_frozen = true;
  for (int i = 0; i < 400; ++i) {
    for (int n = 0; n < 10; ++n) {
      store(0);
      store(1);
    }
    net.run_for(milliseconds(1));
    real.shard(0).set_backlog(net.now(), std::nullopt);
  }
  std::vector<std::string> nets;
  for (const SourceShare& share : real.shard(0).work_shares().shares()) {
    nets.push_back(share.net.text());
  }
  std::sort(nets.begin(), nets.end());
  EXPECT_EQ(nets, (std::vector<std::string>{"11.0.0.1/32", "11.1.0.1/32"}));
}

TEST_F(Overload, WithoutABacklogNothingIsMeasured) {
  for (int i = 0; i < 1000; ++i) node.receive(net.now(), {{source(0), {}}, ping()});
  node.shard(0).set_backlog(net.now(), std::nullopt);
  net.run_for(seconds(1));
  EXPECT_EQ(node.shard(0).work_shares().next_wakeup(), std::nullopt);
  EXPECT_TRUE(thinned().empty());
}

}  // namespace
}  // namespace xord::testing
