// Rules of the ledger, and its agreement with an exact model that never forgets.
#include "node/admission/ledger.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "reactor/base/rng.h"

namespace xord {
namespace {

constexpr Instant start = Instant{} + hours(1);
constexpr uint32_t rate = 1 << 20;  // The default limit of excess.
constexpr uint64_t burst = 8 * uint64_t{rate};

IpAddress address(const char* text) {
  return *IpAddress::parse(text);
}
IpAddress ipv4(uint32_t bits) {
  return IpAddress::ipv4(bits);
}
Ledger ledger_of(const LimitsConfig& config = {}, uint32_t shards = 1, uint32_t rows = 1024) {
  return Ledger(config, rows, shards, 7, {});
}
// Asks for `amount` until it is refused, or has far too much; returns what was charged.
uint64_t take_all(Ledger& ledger, Instant now, const IpAddress& source, uint32_t amount = 4096) {
  uint64_t taken = 0;
  while (taken < 20 * burst && ledger.try_charge(now, source, Charge::excess, amount)) {
    taken += amount;
  }
  return taken;
}

TEST(Prefix, IsTheFirstBitsOfAnAddress) {
  const IpAddress four = address("10.20.253.4");
  const IpAddress six = address("2001:db8:1234:56ff::9");
  EXPECT_EQ(Prefix::of(four, PrefixLevel::address).subnet().text(), "10.20.253.4/32");
  EXPECT_EQ(Prefix::of(four, PrefixLevel::site).subnet().text(), "10.20.253.0/24");
  EXPECT_EQ(Prefix::of(four, PrefixLevel::block).subnet().text(), "10.20.240.0/20");
  EXPECT_EQ(Prefix::of(four, PrefixLevel::region).subnet().text(), "10.20.0.0/16");
  EXPECT_EQ(Prefix::of(six, PrefixLevel::address).subnet().text(), "2001:db8:1234:56ff::/64");
  EXPECT_EQ(Prefix::of(six, PrefixLevel::site).subnet().text(), "2001:db8:1234:5600::/56");
  EXPECT_EQ(Prefix::of(six, PrefixLevel::block).subnet().text(), "2001:db8:1234::/48");
  EXPECT_EQ(Prefix::of(six, PrefixLevel::region).subnet().text(), "2001:db8::/32");
}

TEST(Ledger, AdmitsABurstOfEightSecondsAndThenTheLimit) {
  Ledger ledger = ledger_of();
  EXPECT_EQ(take_all(ledger, start, ipv4(0x01020304)), burst);
  uint64_t taken = burst;
  for (int64_t i = 1; i <= 60'000; ++i) {  // Ten minutes.
    taken += take_all(ledger, start + milliseconds(10) * i, ipv4(0x01020304), 1024);
    ASSERT_LE(taken, burst + 600 * uint64_t{rate});
  }
  EXPECT_GE(taken, burst + 590 * uint64_t{rate}) << "nor much less";
}

TEST(Ledger, NoRateOfAskingGetsMore) {
  for (const int64_t every : {1, 7, 100, 999, 5000}) {  // Milliseconds.
    SCOPED_TRACE(every);
    Ledger ledger = ledger_of();
    uint64_t taken = 0;
    for (int64_t at = 0; at < 300'000; at += every) {
      taken += take_all(ledger, start + milliseconds(at), ipv4(0x01020304), 8192);
      ASSERT_LE(taken, burst + (static_cast<uint64_t>(at) * rate) / 1000 + rate / 16);
    }
  }
}

// However it is spread: `count` addresses, `stride` apart, ask in turn for 100 s.
uint64_t taken_by(uint32_t count, uint32_t stride, uint32_t rows) {
  Ledger ledger = ledger_of({}, 1, rows);
  uint64_t taken = 0;
  for (int64_t i = 0; i < 1000 && taken < 20 * (burst + 100 * uint64_t{rate}); ++i) {
    for (uint32_t n = 0; n < count; ++n) {
      const IpAddress source = ipv4(0x0a000000 + n * stride);
      taken += take_all(ledger, start + milliseconds(100) * i, source, 8192);
    }
  }
  ledger.check_invariants();
  return taken;
}

TEST(Ledger, APrefixHasItsLimitHoweverItIsSpreadOverItsAddresses) {
  const uint64_t one = burst + 100 * uint64_t{rate};
  const auto near = [](uint64_t taken, uint64_t most) {
    EXPECT_LE(taken, most);
    EXPECT_GE(taken, most / 10 * 9);
  };
  near(taken_by(1, 1, 1024), one);
  near(taken_by(3, 1, 1024), 3 * one);
  near(taken_by(200, 1, 1024), 4 * one);       // One /24.
  near(taken_by(16, 0x100, 1024), 8 * one);    // Sixteen of one /20.
  near(taken_by(200, 0x100, 1024), 16 * one);  // 200 of one /16.
}

TEST(Ledger, APrefixKeepsItsChargeWhenItsAddressesMakeRoomForOneAnother) {
  EXPECT_LE(taken_by(2000, 1, 64), 8 * (burst + 100 * uint64_t{rate}));
}

TEST(Ledger, AnIpv6SourceIsItsFirst64Bits) {
  Ledger ledger = ledger_of();
  EXPECT_EQ(take_all(ledger, start, address("2001:db8:0:1::1")), burst);
  EXPECT_EQ(take_all(ledger, start, address("2001:db8:0:1:9::2")), 0u);
  EXPECT_EQ(take_all(ledger, start, address("2001:db8:0:2::1")), burst) << "the same /56";
  EXPECT_EQ(take_all(ledger, start, address("2001:db8:0:3::1")), burst);
  EXPECT_EQ(take_all(ledger, start, address("2001:db8:0:4::1")), burst);
  EXPECT_EQ(take_all(ledger, start, address("2001:db8:0:5::1")), 0u) << "four of the /56";
  EXPECT_EQ(take_all(ledger, start, address("2001:db8:0:100::1")), burst) << "another /56";
  uint64_t others = 0;
  for (uint32_t i = 2; i < 100; ++i) {
    const std::string text = "2001:db8:0:" + std::to_string(i) + "00::1";
    others += take_all(ledger, start, address(text.c_str()));
  }
  EXPECT_EQ(others, 3 * burst) << "eight of the /48";
}

TEST(Ledger, ShardsShareTheLimit) {
  for (const uint32_t shards : {1u, 2u, 7u, 64u}) {
    SCOPED_TRACE(shards);
    uint64_t taken = 0;
    for (uint32_t shard = 0; shard < shards; ++shard) {
      Ledger ledger = ledger_of({}, shards);
      taken += take_all(ledger, start, ipv4(0x01020304), 64);
    }
    EXPECT_LE(taken, burst);
    EXPECT_GE(taken, burst - shards * 64);
  }
}

TEST(Ledger, AFactorIsForItsNetAndTheLongestCounts) {
  LimitsConfig config;
  config.factors = {{*Subnet::parse("9.0.0.0/8"), 2},
                    {*Subnet::parse("9.9.0.0/16"), 1},
                    {*Subnet::parse("9.9.9.0/24"), 3}};
  Ledger ledger = ledger_of(config);
  const auto near = [](uint64_t taken, double factor) {
    EXPECT_NEAR(static_cast<double>(taken), factor * static_cast<double>(burst), 3 * 4096);
  };
  near(take_all(ledger, start, address("9.1.1.1")), 2);
  near(take_all(ledger, start, address("9.9.1.1")), 1);
  near(take_all(ledger, start, address("9.9.9.1")), 3);
  near(take_all(ledger, start, address("8.9.9.1")), 1);
}

TEST(Ledger, SmallChargesOfAGatewayAddUpExactly) {
  LimitsConfig config;
  config.factors = {{*Subnet::parse("9.9.9.9/32"), 1000}};
  Ledger ledger = ledger_of(config);
  uint64_t taken = 0;
  for (; taken < 10'000'000; taken += 77) {
    ASSERT_TRUE(ledger.try_charge(start, address("9.9.9.9"), Charge::excess, 77));
  }
  const auto account = ledger.account(start, Prefix::of(address("9.9.9.9"), PrefixLevel::address));
  EXPECT_NEAR(account.charged[0], 10'000, 10);
}

TEST(Ledger, TrustedNetsAndLoopbackAreExempt) {
  const std::vector<Subnet> trusted = {*Subnet::parse("10.1.0.0/16")};
  const Ledger ledger({}, 64, 1, 7, trusted);
  EXPECT_TRUE(ledger.is_exempt(address("10.1.2.3")));
  EXPECT_FALSE(ledger.is_exempt(address("10.2.2.3")));
  EXPECT_TRUE(ledger.is_exempt(address("127.0.0.1")));
  EXPECT_TRUE(ledger.is_exempt(address("127.255.0.9")));
  EXPECT_TRUE(ledger.is_exempt(address("::1")));
  EXPECT_FALSE(ledger.is_exempt(address("128.0.0.1")));
  EXPECT_FALSE(ledger.is_exempt(address("::2")));
  EXPECT_FALSE(ledger.is_exempt(address("2001:db8::1")));
  LimitsConfig config;
  config.limits_loopback = true;
  EXPECT_FALSE(ledger_of(config).is_exempt(address("127.0.0.1")));
  EXPECT_FALSE(ledger_of(config).is_exempt(address("::1")));
}

TEST(Ledger, NothingIsChargedToTheExempt) {
  LimitsConfig config;
  config.mode = LimitsMode::off;
  Ledger ledger = ledger_of(config);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(ledger.try_charge(start, ipv4(0x01020304), Charge::excess, 1 << 20));
    ledger.charge(start, ipv4(0x01020304), Charge::work, 1);
  }
  std::array<Ledger::Account, 4> top;
  EXPECT_EQ(ledger.top(start, Charge::excess, top), 0u);
  EXPECT_EQ(ledger.load(start, ipv4(0x01020304), Charge::work), 0u);
}

TEST(Ledger, ADryRunCountsWhatOnRefusesAndRefusesNothing) {
  LimitsConfig config;
  Ledger on = ledger_of(config);
  config.mode = LimitsMode::dry_run;
  Ledger dry = ledger_of(config);
  Rng rng(3);
  std::array<uint32_t, 2> refused{};
  uint32_t told = 0;
  Instant now = start;
  for (int i = 0; i < 20'000; ++i) {
    now = now + milliseconds(static_cast<int64_t>(rng.bounded(20)));
    const IpAddress source = ipv4(0x0a000000 + static_cast<uint32_t>(rng.bounded(40)));
    const auto amount = static_cast<uint32_t>(rng.bounded(300'000));
    refused[0] += !on.try_charge(now, source, Charge::excess, amount);
    bool is_beyond = false;
    ASSERT_TRUE(dry.try_charge(now, source, Charge::excess, amount, &is_beyond));
    told += is_beyond;
    const bool reads = on.admits(now, source, Charge::reads, 50);
    refused[1] += !reads;
    if (reads) on.charge(now, source, Charge::reads, 50);
    ASSERT_TRUE(dry.admits(now, source, Charge::reads, 50));
    dry.charge(now, source, Charge::reads, 50);
    const Prefix prefix = Prefix::of(source, static_cast<PrefixLevel>(rng.bounded(4)));
    const auto a = on.account(now, prefix);
    const auto b = dry.account(now, prefix);
    ASSERT_TRUE(a.charged == b.charged && a.refused == b.refused);
    ASSERT_EQ(a.limited_since, b.limited_since);
  }
  EXPECT_GT(refused[0], 1000u);
  EXPECT_EQ(told, refused[0]);
  EXPECT_GT(refused[1], 1000u);
}

TEST(Ledger, WhatIsRefusedIsChargedAtNoLevel) {
  Ledger ledger = ledger_of();
  take_all(ledger, start, ipv4(0x0a000001));
  const auto site = Prefix::of(ipv4(0x0a000001), PrefixLevel::site);
  const uint32_t before = ledger.account(start, site).charged[0];
  EXPECT_EQ(before, burst);
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(ledger.try_charge(start, ipv4(0x0a000001), Charge::excess, 4096));
  }
  EXPECT_EQ(ledger.account(start, site).charged[0], before);
  EXPECT_EQ(ledger.account(start, site).refused[0], 0u) << "the address was refused, not the /24";
}

TEST(Ledger, MoreThanTheWholeLimitIsRefusedAndShown) {
  Ledger ledger = ledger_of();
  EXPECT_FALSE(ledger.try_charge(start, ipv4(1 << 24), Charge::excess, burst + 1));
  const auto account = ledger.account(start, Prefix::of(ipv4(1 << 24), PrefixLevel::address));
  EXPECT_EQ(account.refused[0], 1u);
  EXPECT_EQ(account.charged[0], 0u);
}

TEST(Ledger, ChargesWithoutALimitAreNeverRefusedAndAreCompared) {
  Ledger ledger = ledger_of();
  for (int i = 0; i < 100'000; ++i) ledger.charge(start, ipv4(0x0a000001), Charge::work, 1);
  ledger.charge(start, ipv4(0x0b000001), Charge::work, 1);
  EXPECT_EQ(ledger.load(start, ipv4(0x0a000001), Charge::work), 100'000u * 256);
  EXPECT_EQ(ledger.load(start, ipv4(0x0b000001), Charge::work), 256u);
  EXPECT_EQ(ledger.load(start, ipv4(0x0a000002), Charge::work), 100'000u * 256 / 4)
      << "a neighbour in the /24 has its part of the load";
  EXPECT_EQ(ledger.load(start, ipv4(0x0a010001), Charge::work), 0u);
  EXPECT_LT(ledger.load(start + seconds(60), ipv4(0x0a000001), Charge::work), 100u * 256);
  EXPECT_EQ(ledger.load(start + minutes(5), ipv4(0x0a000001), Charge::work), 0u);
}

TEST(Ledger, TheRowChargedLeastMakesRoom) {
  Ledger ledger = ledger_of({}, 1, 8);  // Both sets: every row competes with every other.
  std::vector<IpAddress> sources;
  for (uint32_t i = 0; i < 2; ++i) sources.push_back(ipv4((10 + i) << 24));
  ledger.charge(start, sources[0], Charge::excess, 1 << 20);
  ledger.charge(start, sources[1], Charge::excess, 2 << 20);
  EXPECT_EQ(ledger.evicted_count(), 0u);
  ledger.charge(start, ipv4(0x0a000101), Charge::excess, 64);  // The /16 of the first.
  EXPECT_GT(ledger.evicted_count(), 0u);
  ledger.check_invariants();
  const auto charged = [&](const IpAddress& source, PrefixLevel level) {
    return ledger.account(start, Prefix::of(source, level)).charged[0];
  };
  for (size_t level = 0; level < prefix_levels; ++level) {
    EXPECT_EQ(charged(sources[1], static_cast<PrefixLevel>(level)), 2u << 20);
  }
  EXPECT_EQ(charged(sources[0], PrefixLevel::region), (1u << 20) + 64) << "an address goes first";
  EXPECT_EQ(charged(sources[0], PrefixLevel::address), 0u);
}

TEST(Ledger, ARowWhoseChargeHasDecayedMakesRoomUncounted) {
  Ledger ledger = ledger_of({}, 1, 8);
  ledger.charge(start, ipv4(10 << 24), Charge::excess, 1 << 20);
  ledger.charge(start, ipv4(11 << 24), Charge::excess, 1 << 20);
  ledger.charge(start + minutes(4), ipv4(12 << 24), Charge::excess, 1 << 20);
  EXPECT_EQ(ledger.evicted_count(), 0u);
}

TEST(Ledger, ASpellLastsUntilAMinuteHasPassedWithoutARefusal) {
  Ledger ledger = ledger_of();
  const IpAddress source = ipv4(0x0a000001);
  const Prefix prefix = Prefix::of(source, PrefixLevel::address);
  EXPECT_EQ(ledger.account(start, prefix).limited_since, Instant::min());
  take_all(ledger, start, source);
  take_all(ledger, start + seconds(50), source);
  take_all(ledger, start + seconds(100), source);
  const auto during = ledger.account(start + seconds(159), prefix);
  EXPECT_EQ(during.limited_since, start);
  EXPECT_EQ(during.limited_last, start + seconds(100));
  EXPECT_EQ(during.refused[0], 3u);
  const auto after = ledger.account(start + seconds(160), prefix);
  EXPECT_EQ(after.limited_since, Instant::min());
  EXPECT_EQ(after.refused[0], 0u);
  take_all(ledger, start + seconds(160), source);
  const auto again = ledger.account(start + seconds(160), prefix);
  EXPECT_EQ(again.limited_since, start + seconds(160));
  EXPECT_EQ(again.refused[0], 1u);
}

TEST(Ledger, SaysUntilWhenALimitHolds) {
  Ledger ledger = ledger_of();
  const IpAddress source = ipv4(0x0a000001);
  const Prefix prefix = Prefix::of(source, PrefixLevel::address);
  const auto until = [&](Instant now) {
    return ledger.limited_until(now, ledger.account(now, prefix), Charge::excess);
  };
  EXPECT_EQ(until(start), start);
  take_all(ledger, start, source, 1024);
  const Instant at = until(start);
  EXPECT_GT(at, start);
  EXPECT_LE(at, start + milliseconds(125));
  EXPECT_FALSE(ledger.try_charge(at - milliseconds(1), source, Charge::excess, 1024));
  EXPECT_TRUE(ledger.try_charge(at, source, Charge::excess, 1024));
}

TEST(Ledger, TheTopAreTheGreatestLoadsInOrder) {
  Ledger ledger = ledger_of();
  for (uint32_t i = 1; i <= 50; ++i) {
    ledger.charge(start, ipv4(i << 24), Charge::excess, i * 1000);
  }
  std::array<Ledger::Account, 20> top;
  ASSERT_EQ(ledger.top(start, Charge::excess, top), 20u);
  for (uint32_t i = 0; i < 20; ++i) {
    EXPECT_EQ(top[i].prefix, Prefix::of(ipv4((50 - i) << 24), PrefixLevel::address));
    EXPECT_EQ(top[i].charged[0], (50 - i) * 1000);
  }
  EXPECT_EQ(ledger.top(start, Charge::reads, top), 0u);
  EXPECT_EQ(ledger.top(start, Charge::excess, {}), 0u);
}

// ---- Against an exact model.

// Exact decay of exact times, and a row for every prefix there ever was.
class Model {
 public:
  struct Level {
    double charged = 0;
    double slack = 0;  // What the ledger may have more or less, because it rounds divided charges.
  };
  Level level(Instant now, const Prefix& prefix, Charge charge) {
    Row& row = rows_[{prefix.address, prefix.level}];
    const double left = std::exp(-(now - row.at).seconds() / ledger_memory.seconds());
    for (Level& level : row.levels) level = {level.charged * left, level.slack * left};
    row.at = now;
    return row.levels[static_cast<size_t>(charge)];
  }
  void charge(Instant now, const IpAddress& source, Charge charge, double amount, double slack) {
    for (size_t i = 0; i < prefix_levels; ++i) {
      const Prefix prefix = Prefix::of(source, static_cast<PrefixLevel>(i));
      level(now, prefix, charge);
      Level& level = rows_[{prefix.address, prefix.level}].levels[static_cast<size_t>(charge)];
      level.charged += amount;
      level.slack += slack;
    }
  }

 private:
  struct Row {
    Instant at = start;
    std::array<Level, charges_count> levels{};
  };
  std::map<std::pair<IpAddress, PrefixLevel>, Row> rows_;
};

// What a run of the property is about.
struct ModelCase {
  const char* name;
  LimitsMode mode = LimitsMode::on;
  uint32_t shards = 1;
  uint32_t rows = 1 << 14;
  bool has_factors = false;
  uint32_t excess_max = 4'000'000;  // Of one charge.

  bool evicts() const { return rows < 1 << 14; }
};
void PrintTo(const ModelCase& test, std::ostream* out) {
  *out << test.name;
}
const ModelCase model_cases[] = {
    {.name = "On"},
    {.name = "DryRun", .mode = LimitsMode::dry_run},
    {.name = "FourShards", .shards = 4},
    {.name = "Factors", .has_factors = true},
    {.name = "FactorsInADryRunOnTwoShards",
     .mode = LimitsMode::dry_run,
     .shards = 2,
     .has_factors = true},
    {.name = "Full", .rows = 64, .excess_max = 40'000},
    {.name = "FullOnTwoShards", .shards = 2, .rows = 64, .excess_max = 40'000},
};

class LedgerAgainstModel : public ::testing::TestWithParam<std::tuple<ModelCase, uint64_t>> {
 protected:
  static constexpr double tick = 1.0 / 128;  // Of the memory.
  static constexpr uint32_t reads_rate = 100;

  LedgerAgainstModel() {
    LimitsConfig config;
    config.mode = test.mode;
    if (test.has_factors) config.factors = factors;
    for (uint32_t i = 0; i < test.shards; ++i) {
      ledgers.emplace_back(config, test.rows, test.shards, std::get<1>(GetParam()) + i, trusted);
    }
    models.resize(test.shards);
  }
  // Few enough for a ledger that evicts none, with much in common.
  IpAddress draw_source() {
    if (rng.chance(0.3)) {
      IpAddress source = address("2001:db8::");
      for (const size_t byte : {3, 5, 6, 7}) {
        source.bytes[byte] = static_cast<uint8_t>(source.bytes[byte] + rng.bounded(2));
      }
      source.bytes[15] = static_cast<uint8_t>(rng.bounded(256));
      return source;
    }
    const auto draw = [&](uint32_t shift) {
      return static_cast<uint32_t>(rng.bounded(3)) << shift;
    };
    return ipv4(0x0a000000 + draw(16) + draw(12) + draw(8) + draw(0));
  }
  double factor_of(const IpAddress& source) const {
    if (!test.has_factors) return 1;
    const LimitFactor* longest = nullptr;
    for (const LimitFactor& each : factors) {
      if (!each.net.contains(source)) continue;
      if (longest == nullptr || each.net.prefix_bits > longest->net.prefix_bits) longest = &each;
    }
    return longest == nullptr ? 1 : longest->factor;
  }
  static double units_of(Charge charge) { return charge == Charge::excess ? 1 : 256; }
  double limit(size_t level, Charge charge) const {
    const double a_second = charge == Charge::excess ? rate : reads_rate;
    return 8 * a_second * level_factors[level] / test.shards;
  }
  // What its levels leave for one more charge: as much as the ledger may think, or as little.
  double room(Instant now, const IpAddress& source, Charge charge, bool at_most) {
    double least = 1e18;
    for (size_t i = 0; i < prefix_levels; ++i) {
      const Prefix prefix = Prefix::of(source, static_cast<PrefixLevel>(i));
      const Model::Level level = model().level(now, prefix, charge);
      const double charged =
          at_most ? level.charged * std::exp(-tick) - level.slack - 300 / units_of(charge)
                  : level.charged * std::exp(tick) + level.slack;
      least = std::min(least, limit(i, charge) - charged);
    }
    return least + (at_most ? 1 : -1) / units_of(charge);  // A unit: it rounds.
  }
  // All levels of `source`; `is_kept`: none of its rows made room for another.
  void compare(Instant now, const IpAddress& source, bool is_kept) {
    std::array<double, charges_count> load_most{};
    std::array<double, charges_count> load_least{};
    for (size_t i = 0; i < prefix_levels; ++i) {
      const Prefix prefix = Prefix::of(source, static_cast<PrefixLevel>(i));
      const auto account = ledger().account(now, prefix);
      for (size_t k = 0; k < charges_count; ++k) {
        const auto charge = static_cast<Charge>(k);
        const double units = units_of(charge);
        const Model::Level level = model().level(now, prefix, charge);
        const double most = level.charged * std::exp(tick) + level.slack;
        const double least = level.charged * std::exp(-tick) - level.slack - 300 / units;
        ASSERT_LE(account.charged[k], most + 1);  // Accounts are rounded up.
        ASSERT_TRUE(!is_kept || account.charged[k] >= least) << account.charged[k] << " " << least;
        load_most[k] = std::max(load_most[k], most * units / level_factors[i]);
        load_least[k] = std::max(load_least[k], least * units / level_factors[i]);
      }
    }
    for (size_t k = 0; k < charges_count; ++k) {
      const double load = ledger().load(now, source, static_cast<Charge>(k));
      ASSERT_LE(load, load_most[k] + 1);
      ASSERT_TRUE(!is_kept || load >= load_least[k] - 1) << load << " " << load_least[k];
    }
  }
  // Charges `amount` to `source`, and compares the decision. `is_kept` as above.
  void charge(Instant now, const IpAddress& source, Charge charge, uint32_t amount, bool is_kept) {
    const double factor = factor_of(source);
    bool is_beyond = false;
    if (!is_limited(charge)) {
      ledger().charge(now, source, charge, amount);
    } else {
      const double most = room(now, source, charge, true);
      const double least = room(now, source, charge, false);
      const bool asks_first = rng.chance(0.5);
      const bool is_admitted = asks_first
                                   ? ledger().admits(now, source, charge, amount, &is_beyond)
                                   : ledger().try_charge(now, source, charge, amount, &is_beyond);
      ASSERT_EQ(is_admitted, !is_beyond || test.mode == LimitsMode::dry_run);
      if (asks_first && is_admitted) ledger().charge(now, source, charge, amount);
      ASSERT_TRUE(!is_beyond || least < amount / factor) << least << " " << amount;
      ASSERT_TRUE(is_beyond || !is_kept || most >= amount / factor) << most << " " << amount;
      refused += is_beyond;
    }
    if (is_beyond) return;
    const double divided = amount / factor;
    const double slack = factor > 1 ? 1 / units_of(charge) + divided / 4096 : 0;
    model().charge(now, source, charge, divided, slack);
  }
  Ledger& ledger() { return ledgers[shard]; }
  Model& model() { return models[shard]; }

  const ModelCase test = std::get<0>(GetParam());
  const std::vector<LimitFactor> factors = {{*Subnet::parse("10.1.0.0/16"), 3},
                                            {*Subnet::parse("10.1.17.0/24"), 50},
                                            {*Subnet::parse("2001:db9::/32"), 7}};
  const std::vector<Subnet> trusted = {*Subnet::parse("192.0.2.0/24")};
  Rng rng{std::get<1>(GetParam())};
  std::vector<Ledger> ledgers;  // Of each shard, and its model.
  std::vector<Model> models;
  size_t shard = 0;
  uint32_t refused = 0;
};

TEST_P(LedgerAgainstModel, LevelsLoadsAndDecisionsAgree) {
  // Charged more than any other prefix at all times, and so never forgotten.
  const IpAddress greatest = ipv4(0x0b000001);
  Instant now = start;
  for (int step = 0; step < 10'000; ++step) {
    for (shard = 0; step % 100 == 0 && shard < test.shards; ++shard) {
      ASSERT_NO_FATAL_FAILURE(charge(now, greatest, Charge::proofs, 10'000, true));
    }
    now = now +
          microseconds(static_cast<int64_t>(rng.bounded(rng.chance(0.003) ? 9'000'000 : 9'000)));
    shard = rng.bounded(test.shards);
    const bool is_greatest = rng.chance(0.05);
    const IpAddress source = is_greatest ? greatest : draw_source();
    const auto which = static_cast<Charge>(rng.bounded(charges_count));
    const uint32_t most = is_greatest ? 4'000'000 : test.excess_max;
    const auto amount = static_cast<uint32_t>(
        rng.bounded(which == Charge::excess ? most : std::max<uint32_t>(most / 4'000, 3)));
    const bool is_kept = is_greatest || !test.evicts();
    ASSERT_NO_FATAL_FAILURE(charge(now, source, which, amount, is_kept));
    ASSERT_NO_FATAL_FAILURE(compare(now, source, is_kept));
    ASSERT_NO_FATAL_FAILURE(compare(now, greatest, true));
    ASSERT_TRUE(ledger().try_charge(now, address("192.0.2.9"), Charge::excess, 1 << 24));
  }
  uint64_t evicted = 0;
  for (const Ledger& each : ledgers) {
    each.check_invariants();
    evicted += each.evicted_count();
  }
  EXPECT_EQ(evicted > 0, test.evicts());
  EXPECT_GT(refused, test.evicts() ? 50u : 300u) << "else the limits were not reached";
  EXPECT_LT(refused, 3500u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LedgerAgainstModel,
                         ::testing::Combine(::testing::ValuesIn(model_cases),
                                            ::testing::Range<uint64_t>(1, 6)),
                         [](const auto& run) {
                           return std::get<0>(run.param).name +
                                  std::to_string(std::get<1>(run.param));
                         });

}  // namespace
}  // namespace xord
