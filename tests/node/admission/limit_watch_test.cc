// When the log says that a prefix is limited, and when that it no longer is: on virtual time.
#include "node/admission/limit_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "node/admission/charge_report.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"

namespace xord {
namespace {

constexpr uint64_t a_second = 1024;
constexpr auto burst = static_cast<uint32_t>(a_second * 8);
const Instant start = Instant{} + hours(1000);

IpAddress address(const char* text) {
  return *IpAddress::parse(text);
}

class LimitWatchTest : public testing::Test {
 protected:
  explicit LimitWatchTest(LimitsMode mode = LimitsMode::on) : config_(config_of(mode)) {}

  static NodeConfig config_of(LimitsMode mode) {
    NodeConfig config;
    config.dialect = &rpcudp::dialect();
    config.network = 3;
    config.limits.mode = mode;
    config.limits.excess_a_second = a_second;
    return config;
  }
  // Takes all that one address may, and asks for more `refusals` times.
  void flood(const char* source, uint32_t refusals = 1) {
    const IpAddress from = address(source);
    while (ledger_.try_charge(now_, from, Charge::excess, burst / 16)) {
    }
    for (uint32_t i = 1; i < refusals; ++i) {
      EXPECT_FALSE(ledger_.try_charge(now_, from, Charge::excess, burst));
    }
    watch_.end_turn(now_);
  }
  // As the reactor does: whenever something is due, until `until`.
  void run_until(Instant until) {
    while (watch_.next_wakeup() && *watch_.next_wakeup() <= until) {
      ASSERT_GE(*watch_.next_wakeup(), now_) << "it was due before";
      now_ = *watch_.next_wakeup();
      watch_.advance(now_);
      ASSERT_TRUE(!watch_.next_wakeup() || *watch_.next_wakeup() > now_) << "it would spin";
    }
    now_ = until;
  }
  std::vector<NodeNotice> taken() {
    std::vector<NodeNotice> notices;
    notices_.take([&](const NodeNotice& each) { notices.push_back(each); });
    return notices;
  }
  // "began 10.0.0.1/32", sorted.
  std::vector<std::string> said() {
    std::vector<std::string> said;
    for (const NodeNotice& each : taken()) {
      EXPECT_EQ(each.network, 3);
      said.push_back((each.kind == NoticeKind::limit_began ? "began " : "ended ") +
                     each.prefix.text());
    }
    std::sort(said.begin(), said.end());
    return said;
  }
  uint64_t unwatched() const { return counters_.node.read(NodeCounter::limits_unwatched); }

  using Said = std::vector<std::string>;

  const NodeConfig config_;
  NodeSecrets secrets_;
  Id self_;
  NodeCounters counters_;
  ShardLink link_{0, 0, 1, counters_};
  NodeNotices notices_;
  Instant now_ = start;
  Ledger ledger_{config_.limits, 1024, 1, 7, {}};
  LimitWatch watch_{{config_, secrets_, *config_.dialect, self_, link_, counters_, ledger_},
                    notices_};
};

TEST_F(LimitWatchTest, SaysOnceThatItBeganAndOnceThatItEndedWithAllRefusals) {
  flood("192.0.2.1", 5);
  const auto began = taken();
  ASSERT_EQ(began.size(), 1u);
  EXPECT_EQ(began[0].kind, NoticeKind::limit_began);
  EXPECT_EQ(began[0].prefix.text(), "192.0.2.1/32");
  EXPECT_EQ(began[0].charge, Charge::excess);
  run_until(start + seconds(50));
  flood("192.0.2.1", 20);
  run_until(start + seconds(50) + limited_spell_gap - milliseconds(1));
  EXPECT_TRUE(taken().empty()) << "it goes on";
  run_until(start + seconds(50) + limited_spell_gap);
  const auto ended = taken();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].kind, NoticeKind::limit_ended);
  EXPECT_EQ(ended[0].prefix.text(), "192.0.2.1/32");
  EXPECT_EQ(ended[0].lasted, seconds(50));
  EXPECT_EQ(ended[0].count, 25u) << "also those after the watch last looked";
  EXPECT_FALSE(watch_.next_wakeup());
  EXPECT_EQ(watch_.count(), 0u);
}

TEST_F(LimitWatchTest, RefusalsUpToTheLastSecondOfASpellCount) {
  flood("192.0.2.1");
  run_until(start + limited_spell_gap - milliseconds(500));
  flood("192.0.2.1", 3);
  run_until(start + minutes(5));
  const auto notices = taken();
  ASSERT_EQ(notices.size(), 2u);
  EXPECT_EQ(notices[1].count, 4u);
  EXPECT_EQ(notices[1].lasted, seconds(59));
}

// A spell's last refusal is known to a second, so that one within it moves nothing.
TEST_F(LimitWatchTest, RefusalsInTheSecondOfTheLastLookCount) {
  flood("192.0.2.1");
  now_ = now_ + milliseconds(300);
  flood("192.0.2.1", 3);
  run_until(start + minutes(5));
  const auto notices = taken();
  ASSERT_EQ(notices.size(), 2u);
  EXPECT_EQ(notices[1].count, 4u);
  EXPECT_EQ(notices[1].lasted, Duration{});
}

TEST_F(LimitWatchTest, AnAddressWithinAPrefixThatIsNamedIsNot) {
  for (const char* from : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}) {
    flood(from);
  }
  EXPECT_EQ(said().front(), "began 192.0.2.0/24");
  run_until(start + seconds(50));  // Nearly nothing is charged any more.
  flood("192.0.2.9");
  const Prefix own = Prefix::of(address("192.0.2.9"), PrefixLevel::address);
  EXPECT_EQ(ledger_.account(now_, own).refused[0], 1u) << "by a limit of its own";
  EXPECT_EQ(said(), Said{});
  EXPECT_EQ(watch_.count(), 1u);
}

TEST_F(LimitWatchTest, AWiderPrefixTakesThePlacesOfThoseWithinIt) {
  flood("192.0.2.1");
  flood("192.0.2.2");
  flood("192.0.2.3");
  EXPECT_EQ(said(), (Said{"began 192.0.2.1/32", "began 192.0.2.2/32", "began 192.0.2.3/32"}));
  flood("192.0.2.4");
  flood("192.0.2.5");  // The /24 may take four times as much as an address.
  EXPECT_EQ(said().back(), "began 192.0.2.0/24");
  EXPECT_EQ(watch_.count(), 1u);
  flood("192.0.2.9");
  EXPECT_EQ(said(), Said{}) << "it is within one that is known";
  run_until(start + minutes(10));
  EXPECT_EQ(said(), Said{"ended 192.0.2.0/24"});
}

TEST_F(LimitWatchTest, WhenOneRequestBeginsSeveralOnlyTheWidestIsNamed) {
  // More than even a /16 may take at once.
  EXPECT_FALSE(ledger_.try_charge(now_, address("192.0.2.1"), Charge::excess, burst * 17));
  watch_.end_turn(now_);
  EXPECT_EQ(said(), Said{"began 192.0.0.0/16"});
  EXPECT_EQ(unwatched(), 0u);
}

TEST_F(LimitWatchTest, EightAreWatchedAndTheOthersCounted) {
  for (int i = 1; i <= 10; ++i) flood(("10." + std::to_string(i) + ".0.1").c_str());
  EXPECT_EQ(said().size(), limits_watched);
  EXPECT_EQ(unwatched(), 2u);
  run_until(start + minutes(2));
  EXPECT_EQ(said().size(), limits_watched);
  flood("10.10.0.1");
  EXPECT_EQ(said(), Said{"began 10.10.0.1/32"}) << "places are free again";
}

TEST_F(LimitWatchTest, OnesThatAreNotTakenInTimeAreCountedAndNotLost) {
  for (int i = 1; i <= 20; ++i) {
    const IpAddress from = address(("10." + std::to_string(i) + ".0.1").c_str());
    EXPECT_FALSE(ledger_.try_charge(now_, from, Charge::excess, burst + 1));
  }
  watch_.end_turn(now_);
  EXPECT_EQ(said().size(), limits_watched);
  EXPECT_EQ(unwatched(), 20 - limits_watched);
}

TEST_F(LimitWatchTest, ASpellThatBeginsBeforeTheLastOneWasEndedEndsItFirst) {
  flood("192.0.2.1", 2);
  now_ = start + limited_spell_gap + seconds(5);  // advance() was not called.
  flood("192.0.2.1");
  const auto notices = taken();
  ASSERT_EQ(notices.size(), 3u);
  EXPECT_EQ(notices[1].kind, NoticeKind::limit_ended);
  EXPECT_EQ(notices[1].count, 2u) << "as the watch last saw it";
  EXPECT_EQ(notices[2].kind, NoticeKind::limit_began);
}

TEST_F(LimitWatchTest, NoPrefixWakesItWhenNothingIsLimited) {
  EXPECT_TRUE(ledger_.try_charge(now_, address("192.0.2.1"), Charge::excess, 100));
  watch_.end_turn(now_);
  EXPECT_FALSE(watch_.next_wakeup());
}

class DryLimitWatchTest : public LimitWatchTest {
 protected:
  DryLimitWatchTest() : LimitWatchTest(LimitsMode::dry_run) {}
};

TEST_F(DryLimitWatchTest, ADryRunLimitsNobodyAndSaysNothing) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(ledger_.try_charge(now_, address("192.0.2.1"), Charge::excess, burst));
  }
  watch_.end_turn(now_);
  const Prefix own = Prefix::of(address("192.0.2.1"), PrefixLevel::address);
  EXPECT_EQ(ledger_.account(now_, own).refused[0], 19u);
  EXPECT_EQ(said(), Said{});
  EXPECT_FALSE(ledger_.has_begun_spells()) << "they do not pile up";
  EXPECT_EQ(unwatched(), 0u);
}

class ChargeReportTest : public LimitWatchTest {
 protected:
  std::vector<ChargedPrefix> report(const IpAddress& source) {
    std::vector<ChargedPrefix> reports(charged_prefixes_max);
    reports.resize(report_charges(ledger_, now_, source, reports));
    return reports;
  }
};

TEST_F(ChargeReportTest, OfAnAddressAreItAndThePrefixesAroundIt) {
  flood("192.0.2.1", 3);
  ledger_.charge(now_, address("192.0.2.1"), Charge::work, 7);
  now_ = now_ + seconds(2);
  const auto reports = report(address("192.0.2.1"));
  ASSERT_EQ(reports.size(), 4u);
  const char* texts[] = {"192.0.2.1/32", "192.0.2.0/24", "192.0.0.0/20", "192.0.0.0/16"};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(reports[i].subnet().text(), texts[i]);
    EXPECT_EQ(reports[i].most[0], burst * level_factors[i]);
    EXPECT_EQ(reports[i].most[1], config_.limits.reads_a_second * 8 * level_factors[i]);
    EXPECT_NEAR(reports[i].charged[0], burst * 0.7788, 100);  // exp(-2/8)
    EXPECT_EQ(reports[i].charged[static_cast<size_t>(Charge::work)], 6u);
  }
  EXPECT_EQ(reports[0].refused[0], 3u);
  EXPECT_EQ(reports[0].since, 2u);
  EXPECT_EQ(reports[0].last, 2u);
  EXPECT_EQ(reports[0].until[0], 0u) << "1,811 bytes are free";
  EXPECT_EQ(reports[1].refused[0], 0u);
  EXPECT_EQ(reports[1].since, 0u);
}

TEST_F(ChargeReportTest, SaysWhenAUsualAmountIsAdmittedAgain) {
  flood("192.0.2.1");
  const uint32_t until = report(address("192.0.2.1"))[0].until[0];
  EXPECT_GT(until, 0u);
  EXPECT_LT(until, 2000u);
  EXPECT_FALSE(ledger_.admits(now_, address("192.0.2.1"), Charge::excess, 1024));
  now_ = now_ + milliseconds(until - 63);
  EXPECT_FALSE(ledger_.admits(now_, address("192.0.2.1"), Charge::excess, 1024)) << "a tick early";
  now_ = now_ + milliseconds(63);
  EXPECT_TRUE(ledger_.admits(now_, address("192.0.2.1"), Charge::excess, 1024));
}

TEST_F(ChargeReportTest, OfAllAreTheTwentyThatHaveTakenMostByEachChargeAndEachOnce) {
  for (int i = 1; i <= 60; ++i) {
    const IpAddress from = address(("10." + std::to_string(i) + ".0.1").c_str());
    ledger_.charge(now_, from, Charge::excess, 1000 + static_cast<uint32_t>(i));
    ledger_.charge(now_, from, Charge::reads, 100 - static_cast<uint32_t>(i));
    if (i >= 25 && i < 30) ledger_.charge(now_, from, Charge::work, 1000);
  }
  const auto reports = report(IpAddress{});
  EXPECT_EQ(reports.size(), 60u) << "of the five at work their wider prefixes, too";
  std::vector<std::string> texts;
  for (const ChargedPrefix& each : reports) texts.push_back(each.subnet().text());
  EXPECT_NE(std::find(texts.begin(), texts.end(), "10.60.0.1/32"), texts.end()) << "most bytes";
  EXPECT_NE(std::find(texts.begin(), texts.end(), "10.1.0.1/32"), texts.end()) << "most reads";
  EXPECT_EQ(std::find(texts.begin(), texts.end(), "10.30.0.1/32"), texts.end());
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(std::adjacent_find(texts.begin(), texts.end()), texts.end());
  EXPECT_NE(std::find(texts.begin(), texts.end(), "10.27.0.1/32"), texts.end()) << "most work";
  EXPECT_EQ(report(IpAddress::ipv4(0)).size(), reports.size()) << "0.0.0.0 is no source either";
}

TEST_F(ChargeReportTest, AnIdleLedgerHasNothingToReport) {
  EXPECT_TRUE(report(IpAddress{}).empty());
  const auto reports = report(address("2001:db8::1"));
  ASSERT_EQ(reports.size(), 4u);
  EXPECT_EQ(reports[0].subnet().text(), "2001:db8::/64");
  EXPECT_EQ(reports[3].subnet().text(), "2001:db8::/32");
  EXPECT_EQ(reports[0].charged, (std::array<uint32_t, charges_count>{}));
}

}  // namespace
}  // namespace xord
