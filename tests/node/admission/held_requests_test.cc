// Rules of held requests, and their agreement with plain lists under random use.
#include "node/admission/held_requests.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "reactor/base/rng.h"

namespace xord {
namespace {

constexpr Instant start = Instant{} + hours(1);
constexpr size_t ping_size = 50;

Endpoint endpoint(uint32_t number) {
  return Endpoint::ipv4(0x0a000000 + number, 8468);
}

class HeldRequestsTest : public testing::Test {
 protected:
  static Budget small_budget() {
    Budget budget;
    budget.held_sources = 4;
    budget.held_small = 8;
    budget.held_large = 2;
    budget.held_prefixes = 16;
    budget.held_pings_a_second = 100;
    return budget;
  }

  HoldResult hold(const Endpoint& from, const std::string& text, Instant now = start) {
    ReplyBudget reply = ReplyBudget::unproven(text.size(), 1.0);
    Path path{from, {}};
    path.local.interface = 9;
    return held.hold(now, {path, bytes_of(text)}, reply);
  }
  std::vector<std::string> release(const Endpoint& source) {
    std::vector<std::string> served;
    const uint32_t count = held.release(source, [&](const Datagram& datagram, Instant came) {
      EXPECT_EQ(datagram.path.remote, source);
      released_came = came;
      EXPECT_EQ(datagram.path.local.interface, 9u) << "the reply must leave where it was asked";
      served.emplace_back(text_of(datagram.bytes));
    });
    EXPECT_EQ(count, served.size());
    return served;
  }
  static std::string request(char fill, size_t size = 78) { return std::string(size, fill); }

  HeldRequests held{small_budget(), ping_size, 1};
  Instant released_came;
};

TEST_F(HeldRequestsTest, TheFirstRequestOfASourceAsksForAPingAndLaterOnesDoNot) {
  EXPECT_EQ(hold(endpoint(1), request('a')), HoldResult::held_and_ping);
  EXPECT_EQ(hold(endpoint(1), request('b')), HoldResult::held_already_pinged);
  EXPECT_EQ(hold(endpoint(2), request('c')), HoldResult::held_and_ping);
  EXPECT_EQ(held.sources_count(), 2u);
  EXPECT_EQ(held.held_count(), 3u);
}

TEST_F(HeldRequestsTest, ASourceThatAnswersGetsItsRequestsServedInOrderAndOnce) {
  hold(endpoint(1), request('a'));
  hold(endpoint(2), request('x'));
  hold(endpoint(1), request('b', held_large_size));
  EXPECT_EQ(release(endpoint(1)),
            (std::vector<std::string>{request('a'), request('b', held_large_size)}));
  EXPECT_TRUE(release(endpoint(1)).empty());
  EXPECT_EQ(release(endpoint(2)), (std::vector<std::string>{request('x')}));
  EXPECT_EQ(held.held_count(), 0u);
  EXPECT_EQ(held.next_wakeup(), std::nullopt);
}

TEST_F(HeldRequestsTest, AfterFourSecondsWithoutAnAnswerRequestsAreDropped) {
  hold(endpoint(1), request('a'));
  hold(endpoint(2), request('b'), start + seconds(1));
  EXPECT_EQ(held.next_wakeup(), start + seconds(4));
  EXPECT_EQ(held.advance(start + seconds(4) - nanoseconds(1)), 0u);
  EXPECT_EQ(held.advance(start + seconds(4)), 1u);
  EXPECT_TRUE(release(endpoint(1)).empty());
  EXPECT_EQ(held.next_wakeup(), start + seconds(5));
  EXPECT_EQ(held.advance(start + seconds(9)), 1u);
  EXPECT_EQ(hold(endpoint(1), request('a'), start + seconds(9)), HoldResult::held_and_ping);
}

TEST_F(HeldRequestsTest, OneSourceCannotHoldMoreThanItsShare) {
  Budget budget = small_budget();
  budget.held_small = 100;
  held = HeldRequests(budget, ping_size, 1);
  for (uint32_t i = 0; i < held_per_source_max; ++i) hold(endpoint(1), request('a'));
  EXPECT_EQ(hold(endpoint(1), request('b')), HoldResult::refused_full);
  EXPECT_EQ(hold(endpoint(2), request('c')), HoldResult::held_and_ping);
}

TEST_F(HeldRequestsTest, AFullPoolRefusesWithoutAPing) {
  for (uint32_t i = 0; i < 4; ++i) hold(endpoint(i), request('a'));
  ReplyBudget reply = ReplyBudget::unproven(78, 1.0);
  const std::string text = request('b');
  EXPECT_EQ(held.hold(start, {{endpoint(9), {}}, bytes_of(text)}, reply), HoldResult::refused_full);
  EXPECT_EQ(reply.left(), 78u) << "what a refusal may send is not spent";
}

TEST_F(HeldRequestsTest, LargeRequestsHaveFewSlotsOfTheirOwn) {
  EXPECT_EQ(hold(endpoint(1), request('a', 257)), HoldResult::held_and_ping);
  EXPECT_EQ(hold(endpoint(2), request('b', held_large_size)), HoldResult::held_and_ping);
  EXPECT_EQ(hold(endpoint(3), request('c', 257)), HoldResult::refused_full);
  EXPECT_EQ(held.sources_count(), 2u) << "a refused request must not leave its source behind";
  EXPECT_EQ(hold(endpoint(3), request('c', 256)), HoldResult::held_and_ping);
}

TEST_F(HeldRequestsTest, WhatIsLongerThanTheLargestLegalRequestIsNotHeld) {
  EXPECT_EQ(hold(endpoint(1), request('a', held_large_size + 1)), HoldResult::refused_full);
  EXPECT_EQ(hold(endpoint(1), request('a', held_large_size)), HoldResult::held_and_ping);
}

TEST_F(HeldRequestsTest, ThePingIsPaidFromTheRequestsOwnBytes) {
  EXPECT_EQ(hold(endpoint(1), request('a', 49)), HoldResult::refused_unpayable);
  EXPECT_EQ(hold(endpoint(1), request('a', 50)), HoldResult::held_and_ping);
  ReplyBudget reply = ReplyBudget::unproven(78, 1.0);
  const std::string text = request('b');
  held.hold(start, {{endpoint(2), {}}, bytes_of(text)}, reply);
  EXPECT_EQ(reply.left(), 28u);
  // Holding a request under a ping already in flight costs nothing.
  EXPECT_EQ(hold(endpoint(2), request('c', 20)), HoldResult::held_already_pinged);
}

TEST_F(HeldRequestsTest, PingsToAPrefixArePaced) {
  const auto ping_once = [&](const Endpoint& source, Instant now) {
    const HoldResult result = hold(source, request('a'), now);
    held.drop(source);
    return result;
  };
  for (uint32_t i = 0; i < 100; ++i) {
    ASSERT_EQ(ping_once(endpoint(i), start), HoldResult::held_and_ping);
  }
  EXPECT_EQ(ping_once(endpoint(100), start), HoldResult::refused_paced);
  EXPECT_EQ(ping_once(endpoint(100), start + milliseconds(10)), HoldResult::held_and_ping);
  EXPECT_EQ(ping_once(endpoint(101), start + milliseconds(10)), HoldResult::refused_paced);
  EXPECT_EQ(ping_once(endpoint(256 * 3), start), HoldResult::held_and_ping) << "another /24";
}

TEST_F(HeldRequestsTest, AnIpv6SiteIsPacedAsOnePrefix) {
  Budget budget = small_budget();
  budget.held_pings_a_second = 1;
  held = HeldRequests(budget, ping_size, 1);
  EXPECT_EQ(hold(*Endpoint::parse("[2001:db8::1]:1"), request('a')), HoldResult::held_and_ping);
  EXPECT_EQ(hold(*Endpoint::parse("[2001:db8::2:0:0:1]:2"), request('a')),
            HoldResult::refused_paced);
  EXPECT_EQ(hold(*Endpoint::parse("[2001:db8:0:1::1]:1"), request('a')), HoldResult::held_and_ping);
}

TEST_F(HeldRequestsTest, SaysWhenARequestCame) {
  hold(endpoint(1), request('a'), start + seconds(1));
  release(endpoint(1));
  EXPECT_EQ(released_came, start + seconds(1));
}

TEST_F(HeldRequestsTest, WhileServingOthersMayBeHeldAndReleased) {
  hold(endpoint(1), request('a'));
  hold(endpoint(1), request('b'));
  hold(endpoint(2), request('c'));
  std::vector<std::string> served;
  held.release(endpoint(1), [&](const Datagram& datagram, Instant) {
    served.emplace_back(text_of(datagram.bytes));
    hold(endpoint(3), request('d'));
    for (const std::string& other : release(endpoint(2))) served.push_back(other);
  });
  EXPECT_EQ(served, (std::vector<std::string>{request('a'), request('c'), request('b')}));
  EXPECT_EQ(release(endpoint(3)).size(), 2u);
  EXPECT_EQ(held.held_count(), 0u);
}

// The model: for each source, the texts and when to drop them; pacing is left out (ample here).
class Drive {
 public:
  explicit Drive(uint64_t seed) : rng_(seed), held_(budget(), ping_size, seed) {}

  void run() {
    for (int step = 0; step < 5000 && !testing::Test::HasFailure(); ++step) {
      const Endpoint source = endpoint(static_cast<uint32_t>(rng_.bounded(24)));
      const uint64_t choice = rng_.bounded(20);
      if (choice < 14) hold(source);
      if (choice >= 14 && choice < 17) release(source);
      if (choice == 17) drop(source);
      if (choice > 17) advance();
      compare();
      held_.check_invariants();
    }
  }

 private:
  struct Source {
    Instant drop_at;
    std::vector<std::string> texts;
  };

  static Budget budget() {
    Budget budget;
    budget.held_sources = 12;
    budget.held_small = 20;
    budget.held_large = 3;
    budget.held_prefixes = 4;
    budget.held_pings_a_second = 1'000'000;
    return budget;
  }

  void hold(const Endpoint& source) {
    const size_t size = rng_.chance(0.2) ? 200 + rng_.bounded(8100) : rng_.bounded(200);
    std::string text(size, static_cast<char>('a' + rng_.bounded(26)));
    const double factor = rng_.chance(0.5) ? 1.0 : rng_.unit() * 2;
    ReplyBudget reply = ReplyBudget::unproven(size, factor);
    const size_t before = reply.left();
    const HoldResult result = held_.hold(now_, {{source, {}}, bytes_of(text)}, reply);
    EXPECT_EQ(result, expected(source, size, before));
    EXPECT_EQ(before - reply.left(), result == HoldResult::held_and_ping ? ping_size : 0);
    if (result == HoldResult::held_and_ping) model_[source].drop_at = now_ + seconds(4);
    if (result == HoldResult::held_and_ping || result == HoldResult::held_already_pinged) {
      model_[source].texts.push_back(std::move(text));
    }
  }
  HoldResult expected(const Endpoint& source, size_t size, size_t payable) const {
    const auto known = model_.find(source);
    const bool is_new = known == model_.end();
    if (is_new && model_.size() == budget().held_sources) return HoldResult::refused_full;
    if (is_new && payable < ping_size) return HoldResult::refused_unpayable;
    if (!is_new && known->second.texts.size() == held_per_source_max) {
      return HoldResult::refused_full;
    }
    const bool is_small = size <= held_small_size;
    const size_t most = is_small ? budget().held_small : budget().held_large;
    if (size > held_large_size || count(is_small) == most) return HoldResult::refused_full;
    return is_new ? HoldResult::held_and_ping : HoldResult::held_already_pinged;
  }
  size_t count(bool is_small) const {
    size_t result = 0;
    for (const auto& [source, kept] : model_) {
      for (const std::string& text : kept.texts) {
        result += (text.size() <= held_small_size) == is_small;
      }
    }
    return result;
  }
  void release(const Endpoint& source) {
    std::vector<std::string> served;
    held_.release(source,
                  [&](const Datagram& in, Instant) { served.emplace_back(text_of(in.bytes)); });
    EXPECT_EQ(served, model_[source].texts);
    model_.erase(source);
  }
  void drop(const Endpoint& source) {
    EXPECT_EQ(held_.drop(source), model_[source].texts.size());
    model_.erase(source);
  }
  void advance() {
    now_ = now_ + milliseconds(static_cast<int64_t>(rng_.bounded(2500)));
    size_t dropped = 0;
    std::erase_if(model_, [&](const auto& source) {
      if (source.second.drop_at > now_) return false;
      dropped += source.second.texts.size();
      return true;
    });
    EXPECT_EQ(held_.advance(now_), dropped);
  }
  void compare() const {
    std::optional<Instant> earliest;
    for (const auto& [source, kept] : model_) {
      if (!earliest || kept.drop_at < *earliest) earliest = kept.drop_at;
    }
    EXPECT_EQ(held_.next_wakeup(), earliest);
    EXPECT_EQ(held_.sources_count(), model_.size());
    EXPECT_EQ(held_.held_count(), count(true) + count(false));
  }

  Rng rng_;
  HeldRequests held_;
  Instant now_ = start;
  std::map<Endpoint, Source> model_;
};

TEST(HeldRequests, AgreesWithPlainListsWhateverComes) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Drive(seed).run();
  }
}

}  // namespace
}  // namespace xord
