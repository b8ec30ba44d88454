// Work shares against a shard in virtual time: it does a fixed amount of work a second, has a
// receive buffer of a fixed length, and a kernel that thins out what it is told to.
#include "node/admission/work_shares.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "reactor/base/rng.h"

namespace xord {
namespace {

IpAddress address(std::string_view text) {
  return *IpAddress::parse(text);
}
Subnet subnet(std::string_view text) {
  return *Subnet::parse(text);
}

// Sends at a steady rate, datagrams of one unit of work.
struct Sender {
  std::vector<IpAddress> addresses;  // In turn.
  double a_second = 0;
  double owed = 0;
  size_t next = 0;
  uint64_t sent = 0;
  uint64_t lost = 0;  // The buffer was full.
  uint64_t thinned = 0;
  uint64_t served = 0;
  Duration longest_wait;

  void forget() {
    sent = lost = thinned = served = 0;
    longest_wait = {};
  }
};

class Model {
 public:
  static constexpr NetworkIndex network = 3;

  explicit Model(const LimitsConfig& config = {}, std::vector<Subnet> trusted = {})
      : ledger(config, 4096, 1, 7, trusted),
        shares(network, config, trusted, ledger, counters, notices) {}

  // A hundred that do what an honest peer does at most, each in a region of its own.
  void add_honest() {
    for (uint32_t i = 0; i < 100; ++i) add({IpAddress::ipv4(0x0b000001 + (i << 16))}, 100);
  }
  Sender& add(std::vector<IpAddress> addresses, double a_second) {
    Sender& sender = senders.emplace_back();
    sender.addresses = std::move(addresses);
    sender.a_second = a_second;
    return sender;
  }
  // 256 addresses of a /24 of IPv4.
  Sender& add_site(uint32_t first, double a_second) {
    std::vector<IpAddress> addresses;
    for (uint32_t i = 0; i < 256; ++i) addresses.push_back(IpAddress::ipv4(first + i));
    return add(std::move(addresses), a_second);
  }
  void forget() {
    for (Sender& sender : senders) sender.forget();
  }

  void run(Duration length) {
    constexpr Duration tick = microseconds(500);
    for (const Instant end = now + length; now < end; now = now + tick) {
      arrive(tick);
      serve(tick);
      if (const auto due = shares.next_wakeup(); due && *due <= now) shares.advance(now);
      shares.check_invariants();
    }
  }
  // What is told to the kernel, as text: "10.0.0.1/32".
  std::vector<std::string> thinned() const {
    std::vector<std::string> nets;
    for (const SourceShare& share : shares.shares()) nets.push_back(share.net.text());
    std::sort(nets.begin(), nets.end());
    return nets;
  }
  uint64_t lost_by_honest() const {
    uint64_t lost = 0;
    for (size_t i = 0; i < 100; ++i) lost += senders[i].lost + senders[i].thinned;
    return lost;
  }
  Duration longest_wait_of_honest() const {
    Duration longest;
    for (size_t i = 0; i < 100; ++i) longest = std::max(longest, senders[i].longest_wait);
    return longest;
  }
  std::vector<NodeNotice> take_notices() {
    std::vector<NodeNotice> taken;
    notices.take([&](const NodeNotice& notice) { taken.push_back(notice); });
    return taken;
  }

  double capacity = 150'000;  // Datagrams a second.
  size_t buffer = 500;        // That wait.
  Instant now = Instant{} + hours(1);
  Ledger ledger;
  NodeCounters counters;
  NodeNotices notices;
  WorkShares shares;
  std::deque<Sender> senders;  // The first hundred: add_honest().

 private:
  struct Waiting {
    Sender* sender;
    IpAddress source;
    Instant came;
  };

  // The senders' datagrams of a tick come mixed.
  void arrive(Duration tick) {
    std::vector<Waiting> coming;
    for (Sender& sender : senders) {
      sender.owed += sender.a_second * tick.seconds();
      for (; sender.owed >= 1; --sender.owed) {
        coming.push_back({&sender, sender.addresses[sender.next++ % sender.addresses.size()], now});
      }
    }
    rng_.shuffle(coming);
    for (const Waiting& datagram : coming) {
      ++datagram.sender->sent;
      if (is_dropped(datagram.source)) {
        ++datagram.sender->thinned;
      } else if (queue_.size() >= buffer) {
        ++datagram.sender->lost;
      } else {
        queue_.push_back(datagram);
      }
    }
  }
  bool is_dropped(const IpAddress& source) {
    const auto kept = shares.kept();
    if (std::any_of(kept.begin(), kept.end(),
                    [&](const Subnet& net) { return net.contains(source); })) {
      return false;
    }
    for (const SourceShare& share : shares.shares()) {
      if (share.net.contains(source) && !rng_.chance(share.passing)) return true;
    }
    return false;
  }
  void serve(Duration tick) {
    able_ += capacity * tick.seconds();
    for (; able_ >= 1 && !queue_.empty(); --able_) {
      const Waiting datagram = queue_.front();
      queue_.pop_front();
      Sender& sender = *datagram.sender;
      ++sender.served;
      sender.longest_wait = std::max(sender.longest_wait, now - datagram.came);
      shares.charge(now, datagram.source, 1);
    }
    if (queue_.size() < 64) {
      able_ = std::min(able_, 1.0);
      backlog_since_.reset();
    } else if (!backlog_since_) {
      backlog_since_ = now;
    }
    shares.set_backlog(now, backlog_since_);
  }

  Rng rng_{11};
  std::deque<Waiting> queue_;
  double able_ = 0;
  std::optional<Instant> backlog_since_;
};

using Nets = std::vector<std::string>;

TEST(WorkShares, AFlooderIsThinnedWithin200msAndNobodyElse) {
  Model model;
  model.add_honest();
  model.run(seconds(1));
  Sender& flooder = model.add({address("10.0.0.1")}, 200'000);
  model.run(milliseconds(200));
  EXPECT_EQ(model.thinned(), Nets{"10.0.0.1/32"});
  EXPECT_EQ(model.counters.node.read(NodeCounter::sources_thinned), 1u);
  model.run(milliseconds(300));
  model.forget();
  for (int i = 0; i < 80; ++i) {
    model.run(milliseconds(100));
    ASSERT_EQ(model.thinned(), Nets{"10.0.0.1/32"});
  }
  EXPECT_EQ(model.lost_by_honest(), 0u);
  EXPECT_LT(model.longest_wait_of_honest(), milliseconds(5));
  // It may have what the others leave, but for what is kept free.
  EXPECT_GT(flooder.served, 8 * 70'000u);
  EXPECT_LT(flooder.served, 8 * 140'000u);
}

TEST(WorkShares, AShardThatKeepsUpThinsNobody) {
  Model model;
  model.capacity = 300'000;
  model.add_honest();
  model.add({address("10.0.0.1")}, 250'000);
  model.run(seconds(5));
  EXPECT_EQ(model.shares.version(), 0u);
  EXPECT_EQ(model.lost_by_honest(), 0u);
}

TEST(WorkShares, AFloodOfTwentyTimesTheCapacityIsMastered) {
  Model model;
  model.capacity = 30'000;
  model.add_honest();
  model.add({address("10.0.0.1")}, 600'000);
  model.run(seconds(1));
  EXPECT_EQ(model.thinned(), Nets{"10.0.0.1/32"});
  model.forget();
  model.run(seconds(5));
  EXPECT_EQ(model.lost_by_honest(), 0u);
  EXPECT_LT(model.longest_wait_of_honest(), milliseconds(10));
}

// What waited before the filter came passes it, and says nothing of what is sent since.
TEST(WorkShares, ALongBufferIsWorkedOff) {
  Model model;
  model.buffer = 10'000;
  model.add_honest();
  model.add({address("10.7.0.1")}, 20'000);
  Sender& flooder = model.add({address("10.0.0.1")}, 200'000);
  model.run(milliseconds(200));
  for (int i = 0; i < 40; ++i) {
    model.run(milliseconds(10));
    ASSERT_EQ(model.thinned(), Nets{"10.0.0.1/32"});
  }
  model.forget();
  model.run(seconds(5));
  EXPECT_EQ(model.lost_by_honest(), 0u);
  EXPECT_LT(model.longest_wait_of_honest(), milliseconds(5));
  EXPECT_GT(flooder.served, 5 * 60'000u);
}

TEST(WorkShares, AMomentInWhichTheShardStoodStillIsForgottenSoon) {
  Model model;
  model.add_honest();
  Sender& busy = model.add({address("10.7.0.1")}, 30'000);
  model.add({address("10.0.0.1")}, 200'000);
  model.run(seconds(1));
  model.capacity = 10'000;
  model.run(milliseconds(200));
  model.capacity = 150'000;
  model.run(seconds(6));
  model.forget();
  model.run(seconds(4));
  EXPECT_EQ(model.lost_by_honest(), 0u);
  EXPECT_EQ(busy.thinned + busy.lost, 0u);
  EXPECT_EQ(model.thinned(), Nets{"10.0.0.1/32"});
}

TEST(WorkShares, AFloodThatEndsIsLetInAgainSlowly) {
  Model model;
  model.add_honest();
  Sender& flooder = model.add({address("10.0.0.1")}, 200'000);
  model.run(seconds(5));
  const double passing = model.shares.shares()[0].passing;
  EXPECT_LT(passing, 0.75);
  flooder.a_second = 100;
  model.run(seconds(2));
  ASSERT_EQ(model.thinned(), Nets{"10.0.0.1/32"}) << "a flood may come back";
  EXPECT_LT(model.shares.shares()[0].passing, passing * 1.25);
  model.run(seconds(40));
  EXPECT_EQ(model.thinned(), Nets{});
  EXPECT_EQ(model.shares.next_wakeup(), std::nullopt);
  model.forget();
  model.run(seconds(2));
  EXPECT_EQ(flooder.thinned, 0u);
}

TEST(WorkShares, ShortFloodsDoNotGetInEachTime) {
  Model model;
  model.add_honest();
  Sender& flooder = model.add({address("10.0.0.1")}, 0);
  const auto pulse = [&] {
    flooder.a_second = 400'000;
    model.run(milliseconds(200));
    flooder.a_second = 0;
    model.run(milliseconds(800));
  };
  pulse();
  const uint64_t lost_at_first = model.lost_by_honest();
  model.forget();
  for (int i = 0; i < 20; ++i) pulse();
  EXPECT_LT(model.lost_by_honest(), 4 * lost_at_first);
}

TEST(WorkShares, ASiteThatFloodsIsOnePrefix) {
  Model model;
  model.add_honest();
  model.add_site(0x0a000000, 200'000);
  model.run(milliseconds(200));
  EXPECT_EQ(model.thinned(), Nets{"10.0.0.0/24"});
  model.run(milliseconds(300));
  model.forget();
  model.run(seconds(5));
  EXPECT_EQ(model.thinned(), Nets{"10.0.0.0/24"});
  EXPECT_EQ(model.lost_by_honest(), 0u);
}

// What its flooder is denied, a site has not sent.
TEST(WorkShares, ASiteDoesNotPayForItsFlooder) {
  Model model;
  model.add_honest();
  model.add({address("10.0.0.1")}, 200'000);
  Sender& neighbour = model.add({address("10.0.0.2")}, 100);
  model.run(milliseconds(500));
  model.forget();
  model.run(seconds(5));
  EXPECT_EQ(model.thinned(), Nets{"10.0.0.1/32"});
  EXPECT_EQ(neighbour.thinned + neighbour.lost, 0u);
}

TEST(WorkShares, IPv6IsThinnedByItsFirst64Bits) {
  Model model;
  model.add_honest();
  std::vector<IpAddress> addresses;
  for (uint8_t i = 0; i < 200; ++i) {
    addresses.push_back(address("2001:db8:1:2::"));
    addresses.back().bytes[15] = i;
  }
  model.add(std::move(addresses), 200'000);
  model.run(milliseconds(500));
  EXPECT_EQ(model.thinned(), Nets{"2001:db8:1:2::/64"});
}

TEST(WorkShares, EqualFloodersGetEqualShares) {
  Model model;
  model.add_honest();
  std::vector<Sender*> flooders;
  for (uint32_t i = 0; i < 4; ++i) {
    flooders.push_back(&model.add({IpAddress::ipv4(0x0a000001 + (i << 16))}, 60'000 * (i + 1)));
  }
  model.run(seconds(1));
  model.forget();
  model.run(seconds(10));
  EXPECT_EQ(model.lost_by_honest(), 0u);
  const auto by_served = [](Sender* a, Sender* b) { return a->served < b->served; };
  const auto [least, most] = std::minmax_element(flooders.begin(), flooders.end(), by_served);
  EXPECT_LT((*most)->served, (*least)->served * 3 / 2);
}

TEST(WorkShares, AFlooderThatJoinsOthersIsThinnedToo) {
  Model model;
  model.add_honest();
  model.add({address("10.0.0.1")}, 200'000);
  model.run(seconds(2));
  model.add({address("10.9.0.1")}, 200'000);
  model.run(milliseconds(500));
  EXPECT_EQ(model.thinned(), (Nets{"10.0.0.1/32", "10.9.0.1/32"}));
}

// More floods than a filter has room for: it is full, and no more.
TEST(WorkShares, TheWorstAreThinnedIfNotAllCanBe) {
  Model model;
  model.add_honest();
  for (uint32_t i = 0; i < 40; ++i) model.add({IpAddress::ipv4(0x0a000001 + (i << 16))}, 6'000);
  model.run(seconds(3));
  EXPECT_GT(model.shares.shares().size(), source_shares_max / 2);
  EXPECT_LE(model.shares.shares().size(), source_shares_max);
  model.forget();
  model.run(seconds(3));
  EXPECT_EQ(model.lost_by_honest(), 0u);
}

// So many that it does not help: none of them is shut out for the others.
TEST(WorkShares, NobodyIsCutBelowTheLeast) {
  Model model;
  model.add_honest();
  for (uint32_t i = 0; i < 60; ++i) model.add({IpAddress::ipv4(0x0a000001 + (i << 16))}, 10'000);
  model.run(seconds(2));
  model.forget();
  model.run(seconds(2));
  for (size_t i = 100; i < model.senders.size(); ++i) {
    const Sender& flooder = model.senders[i];
    EXPECT_GT(static_cast<double>(flooder.sent - flooder.thinned), WorkShares::level_least * 1.8);
  }
}

TEST(WorkShares, AGatewayMayTakeItsFactor) {
  LimitsConfig config;
  config.factors = {{subnet("10.0.0.0/8"), 1}, {subnet("10.0.0.1/32"), 16}};  // The longest counts.
  Model model(config);
  model.add_honest();
  Sender& gateway = model.add({address("10.0.0.1")}, 70'000);
  model.add({address("10.9.0.1")}, 70'000);
  model.add({address("10.10.0.1")}, 70'000);
  model.run(seconds(1));
  model.forget();
  model.run(seconds(5));
  EXPECT_EQ(model.thinned(), (Nets{"10.10.0.1/32", "10.9.0.1/32"}));
  EXPECT_EQ(gateway.thinned + gateway.lost, 0u);
}

TEST(WorkShares, ATrustedSourceInAFloodingSiteIsKept) {
  Model model({}, {subnet("10.0.0.7/32"), subnet("192.0.2.0/24")});
  model.add_honest();
  Sender& trusted = model.add({address("10.0.0.7")}, 20'000);
  model.add_site(0x0a000000, 200'000);
  model.run(milliseconds(500));
  EXPECT_EQ(model.thinned(), Nets{"10.0.0.0/24"});
  ASSERT_EQ(model.shares.kept().size(), 1u);
  EXPECT_EQ(model.shares.kept()[0], subnet("10.0.0.7/32"));
  EXPECT_EQ(model.shares.passing_of(address("10.0.0.7")), 1);
  EXPECT_EQ(model.shares.passing_of(address("10.0.0.8")), model.shares.shares()[0].passing);
  EXPECT_LT(model.shares.passing_of(address("10.0.0.8")), 1);
  EXPECT_EQ(model.shares.passing_of(address("10.0.1.8")), 1);
  model.forget();
  model.run(seconds(2));
  EXPECT_EQ(trusted.thinned + trusted.lost, 0u);
}

TEST(WorkShares, TheTrustedOfASiteAreKeptNoLongerThanItIsThinned) {
  Model model({}, {subnet("10.0.0.7/32")});
  model.add_honest();
  Sender& site = model.add_site(0x0a000000, 200'000);
  model.run(seconds(1));
  ASSERT_EQ(model.shares.kept().size(), 1u);
  site.a_second = 0;
  model.run(seconds(60));
  ASSERT_EQ(model.thinned(), Nets{});
  EXPECT_TRUE(model.shares.kept().empty());
}

TEST(WorkShares, ASiteWithTooManyTrustedIsLeftAlone) {
  std::vector<Subnet> trusted;
  for (uint32_t i = 0; i <= sources_kept_max; ++i) {
    trusted.push_back({IpAddress::ipv4(0x0a000000 + 2 * i), 128});
  }
  Model model({}, trusted);
  model.add_honest();
  model.add_site(0x0a000000, 200'000);
  model.run(seconds(1));
  for (const std::string& net : model.thinned()) EXPECT_TRUE(net.ends_with("/32")) << net;
}

TEST(WorkShares, LoopbackIsThinnedOnlyIfItIsLimited) {
  for (const bool is_limited : {false, true}) {
    LimitsConfig config;
    config.limits_loopback = is_limited;
    Model model(config);
    model.add_honest();
    model.add({address("127.0.0.1")}, 200'000);
    model.run(milliseconds(500));
    EXPECT_EQ(model.thinned(), is_limited ? Nets{"127.0.0.1/32"} : Nets{});
  }
}

TEST(WorkShares, ADryRunOnlyCounts) {
  LimitsConfig config;
  config.mode = LimitsMode::dry_run;
  Model model(config);
  model.add_honest();
  model.add({address("10.0.0.1")}, 200'000);
  model.run(seconds(1));
  EXPECT_EQ(model.counters.node.read(NodeCounter::sources_thinned), 1u);
  EXPECT_EQ(model.shares.version(), 0u);
  EXPECT_TRUE(model.take_notices().empty());
}

TEST(WorkShares, OffMeasuresNothing) {
  LimitsConfig config;
  config.mode = LimitsMode::off;
  Model model(config);
  model.add({address("10.0.0.1")}, 200'000);
  model.run(seconds(1));
  EXPECT_EQ(model.shares.next_wakeup(), std::nullopt);
  EXPECT_EQ(model.shares.version(), 0u);
}

TEST(WorkShares, BeginAndEndAreNoticedOnce) {
  Model model;
  model.add_honest();
  Sender& flooder = model.add({address("10.0.0.1")}, 200'000);
  model.run(seconds(5));
  const auto begun = model.take_notices();
  ASSERT_EQ(begun.size(), 1u);
  EXPECT_EQ(begun[0].kind, NoticeKind::source_thinned);
  EXPECT_EQ(begun[0].prefix, subnet("10.0.0.1/32"));
  EXPECT_EQ(begun[0].network, Model::network);
  EXPECT_GE(begun[0].count, 10u);
  EXPECT_LT(begun[0].count, 100u);
  flooder.a_second = 0;
  model.run(seconds(60));
  const auto ended = model.take_notices();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].kind, NoticeKind::source_restored);
  EXPECT_EQ(ended[0].prefix, subnet("10.0.0.1/32"));
  EXPECT_GT(ended[0].lasted, seconds(5));
}

// A filter is rewritten when it must do something else, not at each step.
TEST(WorkShares, OtherRulesBeginWithoutAnyoneThinned) {
  Model model;
  model.add_honest();
  model.add({address("10.0.0.1")}, 300'000);
  model.run(seconds(2));
  ASSERT_EQ(model.thinned(), Nets{"10.0.0.1/32"});
  model.take_notices();
  const uint64_t version = model.shares.version();
  LimitsConfig limits;
  limits.mode = LimitsMode::off;
  WorkShares::Rules off(limits, {});
  model.shares.swap_rules(model.now, off);
  model.shares.check_invariants();
  EXPECT_EQ(off.mode, LimitsMode::on);
  EXPECT_EQ(model.thinned(), Nets{});
  EXPECT_GT(model.shares.version(), version) << "the kernel must be told";
  EXPECT_EQ(model.counters.node.read(NodeCounter::sources_thinned), 0u);
  const auto notices = model.take_notices();
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].kind, NoticeKind::source_restored);
  model.run(seconds(2));
  EXPECT_EQ(model.thinned(), Nets{});
  model.shares.swap_rules(model.now, off);
  model.run(seconds(2));
  EXPECT_EQ(model.thinned(), Nets{"10.0.0.1/32"});
}

TEST(WorkShares, ASteadyFloodRewritesTheFilterSeldom) {
  Model model;
  model.add_honest();
  model.add({address("10.0.0.1")}, 200'000);
  model.run(seconds(2));
  const uint64_t version = model.shares.version();
  model.run(seconds(2));
  EXPECT_LT(model.shares.version() - version, 8u);
}

}  // namespace
}  // namespace xord
