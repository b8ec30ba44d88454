// Each hostile host passes for a node and does the one kind of harm that it is named after.
#include "tools/sim/hostile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "tests/sim/scripted_actor.h"

namespace xord::sim {
namespace {

using Octets = std::vector<uint8_t>;

constexpr uint32_t victim = 0;
constexpr uint32_t attacker = 2;
constexpr Transaction transaction = {5};

class HostileTest : public ::testing::Test {
 protected:
  static WorldOptions options() {
    WorldOptions options;
    options.dialect = &rpcudp::dialect();
    options.network.delay_mean = {};
    return options;
  }
  static Endpoint endpoint(uint32_t host) { return Endpoint::ipv4(0x0a000001 + host, 8468); }
  // Two hosts that listen, and the attacker, which knows the first one only.
  HostileTest() {
    for (uint32_t i = 0; i < 3; ++i) world_.add_host(HostKind::hostile, endpoint(i), 1, 0);
    listener_ = &ScriptedActor::start(world_, victim);
    other_ = &ScriptedActor::start(world_, 1);
    conspiracy_.everybody = {endpoint(victim)};
    conspiracy_.tick = seconds(10);
    conspiracy_.burst = 6;
  }
  void start(Malice malice) {
    world_.start(attacker,
                 std::make_unique<HostileActor>(world_, conspiracy_, attacker, malice, Rng(9)));
  }
  // What the attacker answers to this request, if anything.
  template <class Encode>
  std::optional<Octets> ask(Encode&& encode) {
    std::array<uint8_t, 512> buffer;
    const size_t size = encode(MutableBytes(buffer));
    const size_t before = other_->heard.size();
    world_.act(
        1, [&](Actor&, Instant) { world_.send(1, endpoint(attacker), Bytes(buffer).first(size)); });
    world_.run_for(milliseconds(20));
    if (other_->heard.size() == before) return std::nullopt;
    EXPECT_EQ(other_->heard.back().from, endpoint(attacker));
    return other_->heard.back().bytes;
  }
  std::optional<Reply> reply_to(Method method, const Id& target = {}) {
    const auto bytes = ask([&](MutableBytes out) -> size_t {
      const Id sender = world_.host(1).id;
      const Octets value = {0xa1, 'x'};
      switch (method) {
        case Method::ping:
          return rpcudp::encode_ping_request(out, transaction, sender);
        case Method::stun:
          return rpcudp::encode_stun_request(out, transaction);
        case Method::store:
          return rpcudp::encode_store_request(out, transaction, sender, target, value, {});
        case Method::find_node:
          return rpcudp::encode_find_node_request(out, transaction, sender, target);
        default:
          return rpcudp::encode_find_value_request(out, transaction, sender, target);
      }
    });
    if (!bytes) return std::nullopt;
    answer_ = *bytes;
    Reply reply;
    EXPECT_EQ(rpcudp::parse_reply(answer_, method, &reply), ParseError::none);
    return reply;
  }

  World world_{options()};
  Conspiracy conspiracy_;
  ScriptedActor* listener_ = nullptr;
  ScriptedActor* other_ = nullptr;
  Octets answer_;
};

TEST_F(HostileTest, TheSilentOneAnswersPingsAndNothingElse) {
  start(Malice::silent);
  EXPECT_EQ(reply_to(Method::ping)->responder, world_.host(attacker).id);
  for (const Method method : {Method::stun, Method::store, Method::find_node, Method::find_value}) {
    EXPECT_FALSE(reply_to(method)) << method_names[static_cast<size_t>(method)];
  }
}

TEST_F(HostileTest, TheLiarNamesNodesNearAnyTargetAndForgetsWhatItIsGiven) {
  start(Malice::liar);
  EXPECT_EQ(reply_to(Method::ping)->responder, world_.host(attacker).id);
  EXPECT_TRUE(reply_to(Method::store)->stored);
  EXPECT_FALSE(reply_to(Method::stun));
  Id target;
  target.bytes.fill(0x5a);
  for (const Method method : {Method::find_node, Method::find_value}) {
    const auto reply = reply_to(method, target);
    ASSERT_TRUE(reply);
    EXPECT_FALSE(reply->has_value);
    EXPECT_GT(reply->contacts_count, bucket_size / 2);
    uint32_t at_victim = 0;
    for (size_t i = 0; i < reply->contacts_count; ++i) {
      const uint32_t shared = shared_prefix(reply->contacts[i].id, target);
      EXPECT_GE(shared, 32u);
      EXPECT_LT(shared, id_bits);
      at_victim += reply->contacts[i].endpoint == endpoint(victim);
    }
    EXPECT_GT(at_victim, 2u) << "half are at the address of a node";
    EXPECT_LT(at_victim, reply->contacts_count - 2) << "and half of none";
  }
}

TEST_F(HostileTest, TheEclipserNamesItsFellowsAndServesItsOwnValue) {
  for (uint8_t i = 0; i < 3; ++i) {
    Contact& fellow = conspiracy_.eclipsers.emplace_back();
    fellow.id.bytes[0] = i;
    fellow.endpoint = endpoint(100u + i);
  }
  start(Malice::eclipser);
  const auto found = reply_to(Method::find_value);
  ASSERT_TRUE(found && found->has_value);
  EXPECT_EQ(Octets(found->value.begin(), found->value.end()),
            (Octets{0xa6, 'p', 'o', 'i', 's', 'o', 'n'}));
  const auto named = reply_to(Method::find_node);
  ASSERT_EQ(named->contacts_count, bucket_size);
  for (size_t i = 0; i < named->contacts_count; ++i) {
    const Contact& fellow = conspiracy_.eclipsers[(i + attacker) % 3];
    EXPECT_EQ(named->contacts[i].id, fellow.id);
    EXPECT_EQ(named->contacts[i].endpoint, fellow.endpoint);
  }
}

TEST_F(HostileTest, EachMakesItselfKnownAtEachTick) {
  start(Malice::silent);
  world_.run_for(minutes(50));
  EXPECT_NEAR(static_cast<double>(listener_->heard.size()), 300, 60);
  for (const ScriptedActor::Heard& heard : listener_->heard) {
    EXPECT_EQ(heard.from, endpoint(attacker));
    Request request;
    ASSERT_EQ(rpcudp::parse_request(heard.bytes, &request), ParseError::none);
    EXPECT_EQ(request.method, Method::find_node);
    EXPECT_EQ(request.sender, world_.host(attacker).id);
  }
  EXPECT_TRUE(other_->heard.empty()) << "it does not know of it";
}

TEST_F(HostileTest, TheForgerWritesTheAddressesOfOthers) {
  conspiracy_.everybody = {endpoint(victim), endpoint(1)};
  start(Malice::forger);
  world_.run_for(minutes(50));
  uint32_t own = 0;
  uint32_t forged = 0;
  uint32_t pongs = 0;
  std::set<Method> methods;
  for (const ScriptedActor::Heard& heard : listener_->heard) {
    if (heard.from == endpoint(attacker)) {
      ++own;
      continue;
    }
    ++forged;
    Request request;
    if (rpcudp::is_reply(heard.bytes)) {
      ++pongs;
    } else {
      EXPECT_EQ(rpcudp::parse_request(heard.bytes, &request), ParseError::none);
      methods.insert(request.method);
      EXPECT_NE(request.sender, world_.host(attacker).id);
    }
  }
  // One request in its own name at each tick, and six others, at either of two.
  EXPECT_NEAR(own, 150, 45);
  EXPECT_NEAR(static_cast<double>(forged), 6.0 * 300 / 2, 250);
  EXPECT_NEAR(static_cast<double>(pongs) / forged, 0.2, 0.05);
  EXPECT_EQ(methods.size(), 5u) << "of each kind";
}

TEST_F(HostileTest, TheFlooderSendsNonsenseInItsOwnName) {
  start(Malice::flooder);
  world_.run_for(minutes(50));
  uint32_t intact = 0;
  std::set<std::string> different;
  for (const ScriptedActor::Heard& heard : listener_->heard) {
    EXPECT_EQ(heard.from, endpoint(attacker));
    Request request;
    intact += rpcudp::parse_request(heard.bytes, &request) == ParseError::none;
    different.insert(std::string(heard.bytes.begin(), heard.bytes.end()));
  }
  const auto all = static_cast<double>(listener_->heard.size());
  EXPECT_NEAR(all, 300 * (1 + 4 * 6), 1'500);
  EXPECT_GT(intact, all * 0.3);
  EXPECT_LT(intact, all * 0.9) << "some are damaged";
  EXPECT_GT(static_cast<double>(different.size()), all * 0.9) << "it has heard nothing to repeat";
}

TEST_F(HostileTest, TheFlooderRepeatsWhatItHeard) {
  start(Malice::flooder);
  ASSERT_TRUE(reply_to(Method::ping));
  world_.run_for(minutes(10));
  std::array<uint8_t, 64> buffer;
  const size_t size = rpcudp::encode_ping_request(buffer, transaction, world_.host(1).id);
  const Octets heard(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(size));
  const auto repeats =
      std::count_if(listener_->heard.begin(), listener_->heard.end(),
                    [&](const ScriptedActor::Heard& each) { return each.bytes == heard; });
  EXPECT_GT(static_cast<double>(repeats), 0.02 * static_cast<double>(listener_->heard.size()));
}

// Of what it repeats, half is changed in one byte, to any other value.
TEST_F(HostileTest, TheFlooderChangesOneByteOfHalfOfWhatItSends) {
  start(Malice::flooder);
  ASSERT_TRUE(reply_to(Method::ping));
  world_.run_for(hours(8));
  std::array<uint8_t, 64> buffer;
  const size_t size = rpcudp::encode_ping_request(buffer, transaction, world_.host(1).id);
  double same = 0;
  double changed = 0;
  std::set<size_t> places;
  std::set<int> changes;
  for (const ScriptedActor::Heard& heard : listener_->heard) {
    if (heard.bytes.size() != size) continue;
    std::vector<size_t> different;
    for (size_t at = 0; at < size; ++at) {
      if (heard.bytes[at] != buffer[at]) different.push_back(at);
    }
    same += different.empty();
    if (different.size() != 1) continue;  // A request of its own.
    ++changed;
    places.insert(different[0]);
    changes.insert(heard.bytes[different[0]] ^ buffer[different[0]]);
  }
  EXPECT_NEAR(changed / (changed + same), 0.5, 0.03);
  EXPECT_EQ(places.size(), size);
  EXPECT_EQ(changes.size(), 255u);
}

TEST_F(HostileTest, NoneAnswersReplies) {
  start(Malice::liar);
  EXPECT_FALSE(ask([&](MutableBytes out) {
    return rpcudp::encode_ping_reply(out, transaction, world_.host(1).id);
  }));
}

}  // namespace
}  // namespace xord::sim
