// Rules of held requests, and their agreement with plain lists under random use.
#include "node/admission/held_requests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "reactor/base/rng.h"

namespace xord {
namespace {

constexpr Instant start = Instant{} + hours(1);
constexpr size_t ping_size = 50;

// Each in a /16 of its own.
Endpoint endpoint(uint32_t number) {
  return Endpoint::ipv4(0x0a000001 + (number << 16), 8468);
}

class HeldRequestsTest : public testing::Test {
 protected:
  static Budget small_budget() {
    Budget budget;
    budget.held_small = 12;
    budget.held_medium = 3;
    budget.held_large = 2;
    return budget;
  }

  HoldResult hold(const Endpoint& from, const std::string& text, Instant now = start) {
    ReplyBudget reply = ReplyBudget::unproven(text.size(), 1.0);
    Path path{from, {}};
    path.local.interface = 9;
    const HoldResult result = held.hold(now, {path, bytes_of(text)}, reply);
    EXPECT_EQ(text.size() - reply.left(), result.should_ping ? ping_size : 0);
    held.check_invariants();
    return result;
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
    held.check_invariants();
    return served;
  }
  static std::string request(char fill, size_t size = 78) { return std::string(size, fill); }

  Ledger ledger{{}, 4096, 1, 5, {}};
  HeldRequests held{small_budget(), ping_size, 1, ledger};
  Instant released_came;
};

TEST_F(HeldRequestsTest, TheFirstRequestOfASourceAsksForAPingAndLaterOnesDoNot) {
  const HoldResult first = hold(endpoint(1), request('a'));
  EXPECT_TRUE(first.is_held && first.should_ping);
  const HoldResult second = hold(endpoint(1), request('b'));
  EXPECT_TRUE(second.is_held && !second.should_ping);
  EXPECT_TRUE(hold(endpoint(2), request('c')).should_ping);
  EXPECT_EQ(held.sources_count(), 2u);
  EXPECT_EQ(held.held_count(), 3u);
  EXPECT_EQ(held.held_count(endpoint(1).address), 2u);
  EXPECT_EQ(held.held_count(endpoint(2).address), 1u);
  EXPECT_EQ(held.held_count(endpoint(3).address), 0u);
}

TEST_F(HeldRequestsTest, ASourceThatAnswersGetsItsRequestsServedInTheirOrderAndOnce) {
  hold(endpoint(1), request('a', held_medium_size));
  hold(endpoint(2), request('x'));
  hold(endpoint(1), request('b', held_large_size));
  hold(endpoint(1), request('c'));
  EXPECT_EQ(release(endpoint(1)),
            (std::vector<std::string>{request('a', held_medium_size), request('b', held_large_size),
                                      request('c')}));
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
  EXPECT_TRUE(hold(endpoint(1), request('a'), start + seconds(9)).should_ping);
}

TEST_F(HeldRequestsTest, OneSourceCannotHoldMoreThanItsShareAndIsNotPingedForTheRest) {
  for (uint32_t i = 0; i < held_per_source_max; ++i) hold(endpoint(1), request('a'));
  const HoldResult ninth = hold(endpoint(1), request('b'));
  EXPECT_FALSE(ninth.is_held || ninth.should_ping);
  EXPECT_TRUE(hold(endpoint(2), request('c')).is_held);
  EXPECT_EQ(release(endpoint(1)).size(), held_per_source_max);
}

TEST_F(HeldRequestsTest, WhenASizeIsFullTheOldestMakesRoomForTheNewest) {
  for (uint32_t i = 0; i < 12; ++i) {
    EXPECT_EQ(hold(endpoint(i), request('a')).displaced, 0u);
  }
  const HoldResult result = hold(endpoint(12), request('b'));
  EXPECT_TRUE(result.is_held && result.should_ping);
  EXPECT_EQ(result.displaced, 1u);
  EXPECT_TRUE(release(endpoint(0)).empty());
  EXPECT_EQ(release(endpoint(1)).size(), 1u);
  EXPECT_EQ(release(endpoint(12)).size(), 1u);
  EXPECT_TRUE(hold(endpoint(0), request('a')).should_ping) << "it is a new source";
}

TEST_F(HeldRequestsTest, AmongTheEightOldestWhoHeldMostMakesRoom) {
  // Of 12: two addresses of one /24, the sixth and the tenth oldest, and others.
  const Endpoint sixth = Endpoint::ipv4(0xc0000201, 1);
  const Endpoint tenth = Endpoint::ipv4(0xc0000202, 1);
  for (uint32_t i = 0; i < 12; ++i) {
    hold(i == 5 ? sixth : i == 9 ? tenth : endpoint(i), request('a'));
  }
  ledger.charge(start, tenth.address, Charge::held, 40);
  ledger.charge(start, sixth.address, Charge::held, 20);
  EXPECT_EQ(hold(endpoint(20), request('b')).displaced, 1u);
  EXPECT_TRUE(release(sixth).empty());
  EXPECT_EQ(release(tenth).size(), 1u) << "too young";
  EXPECT_EQ(release(endpoint(0)).size(), 1u);
}

TEST_F(HeldRequestsTest, EachSizeHasSlotsOfItsOwn) {
  EXPECT_TRUE(hold(endpoint(1), request('a', held_medium_size + 1)).is_held);
  EXPECT_TRUE(hold(endpoint(2), request('b', held_large_size)).is_held);
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(hold(endpoint(3 + i), request('c', held_small_size + 1)).displaced, 0u);
  }
  EXPECT_EQ(hold(endpoint(6), request('d', held_medium_size)).displaced, 1u);
  EXPECT_EQ(hold(endpoint(7), request('e', held_small_size)).displaced, 0u);
  EXPECT_EQ(release(endpoint(1)).size(), 1u);
  EXPECT_TRUE(release(endpoint(3)).empty());
  EXPECT_EQ(release(endpoint(4)).size(), 1u);
}

TEST_F(HeldRequestsTest, ASourceDoesNotMakeRoomForItself) {
  EXPECT_TRUE(hold(endpoint(1), request('a', held_large_size)).is_held);
  EXPECT_TRUE(hold(endpoint(1), request('b', held_large_size)).is_held);
  const HoldResult third = hold(endpoint(1), request('c', held_large_size));
  EXPECT_FALSE(third.is_held || third.should_ping);
  EXPECT_EQ(third.displaced, 0u);
  EXPECT_EQ(release(endpoint(1)).size(), 2u);
}

TEST_F(HeldRequestsTest, ADisplacedRequestLeavesTheOthersOfItsSource) {
  hold(endpoint(1), request('a'));
  hold(endpoint(1), request('b', held_large_size), start + seconds(1));
  hold(endpoint(2), request('c', held_large_size), start + seconds(1));
  hold(endpoint(1), request('d'), start + seconds(2));
  EXPECT_EQ(hold(endpoint(3), request('e', held_large_size), start + seconds(2)).displaced, 1u);
  EXPECT_EQ(release(endpoint(1)), (std::vector<std::string>{request('a'), request('d')}));
  EXPECT_EQ(held.held_count(), 2u);
}

TEST_F(HeldRequestsTest, WhatIsLongerThanTheLargestLegalRequestIsNotHeldButPinged) {
  const HoldResult result = hold(endpoint(1), request('a', held_large_size + 1));
  EXPECT_TRUE(!result.is_held && result.should_ping);
  EXPECT_EQ(held.sources_count(), 0u);
  EXPECT_TRUE(hold(endpoint(1), request('a', held_large_size)).is_held);
}

TEST_F(HeldRequestsTest, ThePingIsPaidFromTheRequestsOwnBytes) {
  const HoldResult unpayable = hold(endpoint(1), request('a', 49));
  EXPECT_FALSE(unpayable.is_held || unpayable.should_ping);
  EXPECT_TRUE(hold(endpoint(1), request('a', 50)).is_held);
  // Holding a request under a ping already in flight costs nothing.
  const HoldResult next = hold(endpoint(1), request('c', 20));
  EXPECT_TRUE(next.is_held && !next.should_ping);
}

TEST_F(HeldRequestsTest, WhoHoldsIsChargedByTheSmallestSlots) {
  const Endpoint one = endpoint(1);
  hold(one, request('a', held_small_size));
  EXPECT_EQ(ledger.load(start, one.address, Charge::held), 256u);
  hold(one, request('a', held_medium_size));
  EXPECT_EQ(ledger.load(start, one.address, Charge::held), 4 * 256u);
  hold(one, request('a', held_large_size));
  EXPECT_EQ(ledger.load(start, one.address, Charge::held), 21 * 256u);
}

TEST_F(HeldRequestsTest, SaysWhenARequestCame) {
  hold(endpoint(1), request('a'), start + seconds(1));
  release(endpoint(1));
  EXPECT_EQ(released_came, start + seconds(1));
}

TEST_F(HeldRequestsTest, WhileServingOthersMayBeHeldAndReleased) {
  hold(endpoint(1), request('a', held_large_size));
  hold(endpoint(1), request('b', held_large_size));
  hold(endpoint(2), request('c'));
  std::vector<std::string> served;
  const auto nested = [&](const Datagram& datagram, Instant) {
    served.emplace_back(text_of(datagram.bytes));
    ReplyBudget reply = ReplyBudget::unproven(100, 1.0);
    const std::string large = request('d', held_large_size);
    // What is being served does not make room, but once served its slot is free.
    const bool is_held = held.hold(start, {{endpoint(3), {}}, bytes_of(large)}, reply).is_held;
    EXPECT_EQ(is_held, served.size() > 1);
    held.release(endpoint(2),
                 [&](const Datagram& in, Instant) { served.emplace_back(text_of(in.bytes)); });
  };
  EXPECT_EQ(held.release(endpoint(1), nested), 2u);
  EXPECT_EQ(served, (std::vector<std::string>{request('a', held_large_size), request('c'),
                                              request('b', held_large_size)}));
  EXPECT_EQ(held.held_count(), 1u);
  held.check_invariants();
}

// The model: for each source, the texts and when to drop them; for each size, who came when.
class Drive {
 public:
  explicit Drive(uint64_t seed)
      : rng_(seed), ledger_({}, 4096, 1, seed, {}), held_(budget(), ping_size, seed, ledger_) {}

  void run() {
    for (int step = 0; step < 5000 && !testing::Test::HasFailure(); ++step) {
      const Endpoint source =
          Endpoint::ipv4(0x0a000000 + static_cast<uint32_t>(rng_.bounded(24)) * 0x1357u, 8468);
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
  struct Text {
    std::string text;
    uint64_t number;
  };
  struct Source {
    Instant drop_at;
    std::vector<Text> texts;
  };

  static Budget budget() {
    Budget budget;
    budget.held_small = 20;
    budget.held_medium = 5;
    budget.held_large = 3;
    return budget;
  }
  static uint32_t class_of(size_t size) {
    return size <= held_small_size ? 0 : size <= held_medium_size ? 1 : 2;
  }
  static uint32_t slots_of(uint32_t kind) {
    return kind == 0 ? budget().held_small : kind == 1 ? budget().held_medium : budget().held_large;
  }

  void hold(const Endpoint& source) {
    const size_t size = rng_.chance(0.4) ? 200 + rng_.bounded(8100) : rng_.bounded(200);
    std::string text(size, static_cast<char>('a' + rng_.bounded(26)));
    const double factor = rng_.chance(0.5) ? 1.0 : rng_.unit() * 2;
    ReplyBudget reply = ReplyBudget::unproven(size, factor);
    const HoldResult expected = model_hold(source, text, reply.left());
    const HoldResult result = held_.hold(now_, {{source, {}}, bytes_of(text)}, reply);
    EXPECT_EQ(result.is_held, expected.is_held);
    EXPECT_EQ(result.should_ping, expected.should_ping);
    EXPECT_EQ(result.displaced, expected.displaced);
  }
  HoldResult model_hold(const Endpoint& source, const std::string& text, size_t payable) {
    HoldResult expected;
    const auto known = model_.find(source);
    expected.should_ping = known == model_.end() && payable >= ping_size;
    if (known == model_.end() && !expected.should_ping) return expected;
    if (known != model_.end() && known->second.texts.size() == held_per_source_max) return expected;
    if (text.size() > held_large_size) return expected;
    const uint32_t kind = class_of(text.size());
    if (count(kind) == slots_of(kind)) {
      if (!make_room(kind, source)) return expected;
      expected.displaced = 1;
    }
    expected.is_held = true;
    Source& kept = model_[source];
    if (kept.texts.empty()) kept.drop_at = now_ + seconds(4);
    kept.texts.push_back({text, next_++});
    return expected;
  }
  bool make_room(uint32_t kind, const Endpoint& keep) {
    std::map<uint64_t, Endpoint> queue;
    for (const auto& [source, kept] : model_) {
      for (const Text& each : kept.texts) {
        if (class_of(each.text.size()) == kind) queue[each.number] = source;
      }
    }
    std::optional<uint64_t> chosen;
    uint32_t greatest = 0;
    uint32_t seen = 0;
    for (const auto& [number, source] : queue) {
      if (++seen > 8) break;
      const uint32_t load = ledger_.load(now_, source.address, Charge::held);
      if (source == keep || (chosen && load <= greatest)) continue;
      chosen = number;
      greatest = load;
    }
    if (!chosen) return false;
    Source& victim = model_[queue[*chosen]];
    std::erase_if(victim.texts, [&](const Text& each) { return each.number == *chosen; });
    if (victim.texts.empty()) model_.erase(queue[*chosen]);
    return true;
  }
  uint32_t count(uint32_t kind) const {
    uint32_t result = 0;
    for (const auto& [source, kept] : model_) {
      for (const Text& each : kept.texts) result += class_of(each.text.size()) == kind;
    }
    return result;
  }
  void release(const Endpoint& source) {
    std::vector<std::string> served;
    held_.release(source,
                  [&](const Datagram& in, Instant) { served.emplace_back(text_of(in.bytes)); });
    std::vector<std::string> expected;
    for (const Text& each : model_[source].texts) expected.push_back(each.text);
    EXPECT_EQ(served, expected);
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
    EXPECT_EQ(held_.held_count(), count(0) + count(1) + count(2));
  }

  Rng rng_;
  Ledger ledger_;
  HeldRequests held_;
  Instant now_ = start;
  std::map<Endpoint, Source> model_;
  uint64_t next_ = 0;
};

TEST(HeldRequests, AgreesWithPlainListsWhateverComes) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Drive(seed).run();
  }
}

}  // namespace
}  // namespace xord
