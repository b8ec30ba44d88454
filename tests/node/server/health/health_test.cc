// Each check of the node's health at its thresholds, and the word for all of them.
#include "node/server/health/health.h"

#include <gtest/gtest.h>

#include <iterator>
#include <string>
#include <string_view>

namespace xord {
namespace {

constexpr MonotonicTime now{hours(100).nanoseconds};
constexpr Duration moment = nanoseconds(1);

// A node that has been up for an hour in a network of a thousand.
HealthFacts healthy() {
  HealthFacts facts;
  facts.uptime = hours(1);
  facts.storage = StorageState::ready;
  facts.disk_size = uint64_t{100} << 30;
  facts.disk_free = uint64_t{50} << 30;
  facts.has_known_nodes = true;
  facts.contacts = 100;
  facts.network_size = 1000;
  facts.has_joined = true;
  facts.lookup_age = minutes(1);
  facts.inbound_age = seconds(1);
  facts.calls_ended = 1000;
  facts.calls_answered = 950;
  facts.canary = {true, 30, 0, 20, 20, milliseconds(300)};
  facts.datagrams_received = 100'000;
  return facts;
}

HealthReport report_of(const HealthFacts& facts) {
  return check_health(facts, now, {});
}
HealthLevel level_of(const HealthFacts& facts, HealthCheck check) {
  return report_of(facts)[check].level;
}
std::string sentence_of(const HealthFacts& facts, HealthCheck check) {
  return report_of(facts)[check].sentence;
}
HealthState state_of(const HealthFacts& facts) {
  return report_of(facts).state;
}

// Sets one fact of a healthy node, and expects this level.
template <class Value>
void expect(HealthLevel level, HealthCheck check, Value HealthFacts::*fact, Value value) {
  HealthFacts facts = healthy();
  facts.*fact = value;
  EXPECT_EQ(name_of(level_of(facts, check)), name_of(level)) << sentence_of(facts, check);
}

TEST(Health, AHealthyNodeIsReadyAndEveryCheckIsOk) {
  const HealthReport report = report_of(healthy());
  EXPECT_EQ(report.state, HealthState::ready);
  for (size_t i = 0; i < health_checks; ++i) {
    EXPECT_EQ(report.results[i].level, HealthLevel::ok)
        << name_of(static_cast<HealthCheck>(i)) << ": " << report.results[i].sentence;
    EXPECT_EQ(report.results[i].since, now);
  }
  for (const HealthQuestion question :
       {HealthQuestion::live, HealthQuestion::started, HealthQuestion::ready}) {
    EXPECT_TRUE(report.is(question));
  }
}

TEST(Health, ShardsThatDoNotAnswer) {
  const auto silent = [](Duration lasted) { return ThreadSilence{2, lasted}; };
  const auto shard = &HealthFacts::shard;
  expect(HealthLevel::ok, HealthCheck::shards, shard, silent(seconds(2) - moment));
  expect(HealthLevel::warn, HealthCheck::shards, shard, silent(seconds(2)));
  expect(HealthLevel::warn, HealthCheck::shards, shard, silent(seconds(10) - moment));
  expect(HealthLevel::fail, HealthCheck::shards, shard, silent(seconds(10)));
  HealthFacts facts = healthy();
  facts.shard = silent(seconds(12));
  EXPECT_EQ(sentence_of(facts, HealthCheck::shards), "shard 2 has not answered for 12 s");
  EXPECT_EQ(state_of(facts), HealthState::failed);
  EXPECT_FALSE(report_of(facts).is(HealthQuestion::live));
  EXPECT_FALSE(report_of(facts).is(HealthQuestion::ready));
}

TEST(Health, WritesThatWaitForTheDisk) {
  const auto waiting = [](Duration lasted) { return ThreadSilence{1, lasted}; };
  const auto commit = &HealthFacts::commit;
  expect(HealthLevel::ok, HealthCheck::commit, commit, waiting(seconds(5) - moment));
  expect(HealthLevel::warn, HealthCheck::commit, commit, waiting(seconds(5)));
  expect(HealthLevel::warn, HealthCheck::commit, commit, waiting(seconds(60) - moment));
  expect(HealthLevel::fail, HealthCheck::commit, commit, waiting(seconds(60)));
  HealthFacts facts = healthy();
  facts.commit = waiting(seconds(61));
  EXPECT_FALSE(report_of(facts).is(HealthQuestion::live));
  EXPECT_TRUE(report_of(facts).is(HealthQuestion::ready)) << "it still answers lookups";
  EXPECT_EQ(state_of(facts), HealthState::failed);
}

TEST(Health, RecordsThatAreNotLoaded) {
  HealthFacts facts = healthy();
  facts.storage = StorageState::opening;
  EXPECT_EQ(level_of(facts, HealthCheck::loaded), HealthLevel::fail);
  EXPECT_EQ(state_of(facts), HealthState::starting);
  facts.storage = StorageState::loading;
  facts.records_expected = 1000;
  EXPECT_EQ(state_of(facts), HealthState::loading);
  EXPECT_FALSE(report_of(facts).is(HealthQuestion::started));
  facts.records_loaded = 340;
  facts.loading_for = seconds(6);
  EXPECT_EQ(sentence_of(facts, HealthCheck::loaded),
            "the records are being loaded: 34 %, 12 s left");
  facts.records_loaded = 2000;  // The expectation is an estimate.
  EXPECT_EQ(sentence_of(facts, HealthCheck::loaded),
            "the records are being loaded: 100 %, 1 s left");
  for (const StorageState state :
       {StorageState::ready, StorageState::damaged, StorageState::failed}) {
    expect(HealthLevel::ok, HealthCheck::loaded, &HealthFacts::storage, state);
  }
}

TEST(Health, ADiskThatRefusesOrIsDamagedOrFull) {
  const auto storage = &HealthFacts::storage;
  expect(HealthLevel::fail, HealthCheck::disk, storage, StorageState::failed);
  expect(HealthLevel::warn, HealthCheck::disk, storage, StorageState::damaged);
  const auto free = &HealthFacts::disk_free;
  expect(HealthLevel::ok, HealthCheck::disk, free, uint64_t{5} << 30);  // Of 100 GiB.
  expect(HealthLevel::warn, HealthCheck::disk, free, (uint64_t{5} << 30) - 1);
  HealthFacts facts = healthy();
  facts.disk_size = uint64_t{4} << 30;
  facts.disk_free = uint64_t{1} << 30;
  EXPECT_EQ(level_of(facts, HealthCheck::disk), HealthLevel::ok);
  facts.disk_free -= 1;
  EXPECT_EQ(level_of(facts, HealthCheck::disk), HealthLevel::warn);
  EXPECT_EQ(sentence_of(facts, HealthCheck::disk), "1023 MiB of the disk are free, 24 %");
  EXPECT_EQ(state_of(facts), HealthState::degraded);
  facts.disk_size = facts.disk_free = 0;  // Not known.
  EXPECT_EQ(level_of(facts, HealthCheck::disk), HealthLevel::ok);
  facts.storage = StorageState::failed;
  EXPECT_EQ(state_of(facts), HealthState::failed);
}

TEST(Health, ContactsThatAreTooFew) {
  const auto contacts = &HealthFacts::contacts;
  expect(HealthLevel::fail, HealthCheck::contacts, contacts, 0u);
  expect(HealthLevel::warn, HealthCheck::contacts, contacts, 1u);
  expect(HealthLevel::warn, HealthCheck::contacts, contacts, 19u);
  expect(HealthLevel::ok, HealthCheck::contacts, contacts, 20u);
  HealthFacts facts = healthy();
  facts.network_size = 14;
  facts.contacts = 6;
  EXPECT_EQ(sentence_of(facts, HealthCheck::contacts), "6 contacts answer, fewer than 7");
  facts.contacts = 7;
  EXPECT_EQ(level_of(facts, HealthCheck::contacts), HealthLevel::ok);
  facts.ready_contacts = 8;
  EXPECT_EQ(level_of(facts, HealthCheck::contacts), HealthLevel::fail);
  facts.contacts = 0;
  EXPECT_EQ(state_of(facts), HealthState::isolated);
  facts.has_known_nodes = false;  // A first node waits to be found.
  EXPECT_EQ(level_of(facts, HealthCheck::contacts), HealthLevel::ok);
}

TEST(Health, ANodeThatHasNotJoined) {
  HealthFacts facts = healthy();
  facts.has_joined = false;
  facts.lookup_age.reset();
  EXPECT_EQ(level_of(facts, HealthCheck::joined), HealthLevel::fail);
  EXPECT_EQ(state_of(facts), HealthState::isolated);
  facts.uptime = joining_max - moment;
  EXPECT_EQ(state_of(facts), HealthState::joining);
  facts.has_known_nodes = false;
  EXPECT_EQ(level_of(facts, HealthCheck::joined), HealthLevel::ok);
  const auto age = &HealthFacts::lookup_age;
  expect(HealthLevel::ok, HealthCheck::joined, age, std::optional(hours(2)));
  expect(HealthLevel::warn, HealthCheck::joined, age, std::optional(hours(2) + moment));
}

TEST(Health, ANodeThatNobodyReachesUnasked) {
  const auto age = &HealthFacts::inbound_age;
  expect(HealthLevel::ok, HealthCheck::inbound, age, std::optional(minutes(15) - moment));
  expect(HealthLevel::warn, HealthCheck::inbound, age, std::optional(minutes(15)));
  expect(HealthLevel::warn, HealthCheck::inbound, age, std::optional(minutes(30) - moment));
  expect(HealthLevel::fail, HealthCheck::inbound, age, std::optional(minutes(30)));
  HealthFacts facts = healthy();
  facts.inbound_age.reset();
  EXPECT_EQ(level_of(facts, HealthCheck::inbound), HealthLevel::fail);
  EXPECT_EQ(state_of(facts), HealthState::isolated);
  facts.network_size = 499;
  EXPECT_EQ(level_of(facts, HealthCheck::inbound), HealthLevel::ok) << "it calls all of them";
  facts.network_size = 500;
  facts.uptime = minutes(30) - moment;
  EXPECT_EQ(level_of(facts, HealthCheck::inbound), HealthLevel::ok) << "too early to tell";
}

TEST(Health, CallsThatAreNotAnswered) {
  const auto answered = &HealthFacts::calls_answered;
  expect(HealthLevel::ok, HealthCheck::outbound, answered, uint64_t{500});
  expect(HealthLevel::warn, HealthCheck::outbound, answered, uint64_t{499});
  expect(HealthLevel::warn, HealthCheck::outbound, answered, uint64_t{100});
  expect(HealthLevel::fail, HealthCheck::outbound, answered, uint64_t{99});
  HealthFacts facts = healthy();
  facts.calls_ended = 50;
  facts.calls_answered = 0;
  EXPECT_EQ(sentence_of(facts, HealthCheck::outbound),
            "0 % of 50 calls in the last 5 min were answered");
  EXPECT_EQ(state_of(facts), HealthState::isolated);
  facts.calls_ended = 49;
  EXPECT_EQ(level_of(facts, HealthCheck::outbound), HealthLevel::ok) << "too few to tell";
  facts.calls_ended = 0;
  EXPECT_EQ(level_of(facts, HealthCheck::outbound), HealthLevel::ok);
}

TEST(Health, CanariesThatFindTooFewNodesOrTakeLong) {
  const auto with = [](uint32_t runs, uint32_t failed, Duration median) {
    HealthFacts facts = healthy();
    facts.canary.runs = runs;
    facts.canary.failed_in_a_row = failed;
    facts.canary.median = median;
    return facts;
  };
  EXPECT_EQ(level_of(with(3, 3, seconds(1)), HealthCheck::canary), HealthLevel::fail);
  EXPECT_EQ(level_of(with(30, 2, seconds(1)), HealthCheck::canary), HealthLevel::ok);
  EXPECT_EQ(level_of(with(2, 2, seconds(9)), HealthCheck::canary), HealthLevel::ok);
  EXPECT_EQ(level_of(with(30, 0, seconds(2)), HealthCheck::canary), HealthLevel::ok);
  EXPECT_EQ(level_of(with(30, 0, seconds(2) + moment), HealthCheck::canary), HealthLevel::warn);
  EXPECT_EQ(state_of(with(3, 3, seconds(1))), HealthState::isolated);
  EXPECT_EQ(sentence_of(with(3, 0, milliseconds(280)), HealthCheck::canary),
            "the last lookup found 20 nodes of 20 expected, the median took 280 ms");
  HealthFacts off = with(3, 3, seconds(1));
  off.canary.is_on = false;
  EXPECT_EQ(level_of(off, HealthCheck::canary), HealthLevel::ok);
}

TEST(Health, WantsTwentyOrHalfTheNetworkAndOneAtLeast) {
  EXPECT_EQ(company_wanted(0), 1u);
  EXPECT_EQ(company_wanted(3), 1u);
  EXPECT_EQ(company_wanted(4), 2u);
  EXPECT_EQ(company_wanted(39), 19u);
  EXPECT_EQ(company_wanted(40), 20u);
  EXPECT_EQ(company_wanted(UINT64_MAX), 20u);
}

TEST(Health, DatagramsThatTheKernelDrops) {
  const auto with = [](uint64_t dropped, uint64_t received) {
    HealthFacts facts = healthy();
    facts.datagrams_dropped = dropped;
    facts.datagrams_received = received;
    return facts;
  };
  EXPECT_EQ(level_of(with(10, 990), HealthCheck::overload), HealthLevel::ok);
  EXPECT_EQ(level_of(with(11, 989), HealthCheck::overload), HealthLevel::warn);
  EXPECT_EQ(level_of(with(200, 800), HealthCheck::overload), HealthLevel::warn);
  EXPECT_EQ(level_of(with(201, 799), HealthCheck::overload), HealthLevel::fail);
  EXPECT_EQ(level_of(with(99, 0), HealthCheck::overload), HealthLevel::ok) << "too few to tell";
  EXPECT_EQ(level_of(with(100, 0), HealthCheck::overload), HealthLevel::fail);
  EXPECT_EQ(state_of(with(100, 0)), HealthState::failed);
  EXPECT_EQ(sentence_of(with(100, 0), HealthCheck::overload),
            "the kernel dropped 100 of 100 datagrams in the last minute");
}

TEST(Health, AClockInDoubtAndANodeThatEnds) {
  HealthFacts facts = healthy();
  facts.is_clock_doubted = true;
  EXPECT_EQ(level_of(facts, HealthCheck::clock), HealthLevel::fail);
  EXPECT_EQ(state_of(facts), HealthState::failed);
  facts.is_draining = true;
  EXPECT_EQ(level_of(facts, HealthCheck::draining), HealthLevel::fail);
  EXPECT_EQ(state_of(facts), HealthState::draining) << "whatever else is wrong";
}

TEST(Health, TheWordNamesWhatIsWorst) {
  HealthFacts facts = healthy();
  facts.datagrams_dropped = 2'000;
  EXPECT_EQ(state_of(facts), HealthState::degraded);
  facts.contacts = 0;
  EXPECT_EQ(state_of(facts), HealthState::isolated);
  facts.storage = StorageState::loading;
  EXPECT_EQ(state_of(facts), HealthState::loading);
  facts.shard.lasted = minutes(1);
  EXPECT_EQ(state_of(facts), HealthState::failed);
  EXPECT_EQ(name_of(HealthState::degraded), "degraded");
  EXPECT_EQ(name_of(HealthCheck::draining), "draining");
  EXPECT_EQ(name_of(HealthLevel::warn), "warn");
}

TEST(Health, SaysSinceWhenACheckIsAtItsLevel) {
  HealthFacts facts = healthy();
  const HealthReport first = check_health(facts, now, {});
  facts.contacts = 99;
  const HealthReport second = check_health(facts, now + seconds(1), first);
  EXPECT_EQ(second[HealthCheck::contacts].since, now);
  EXPECT_EQ(second[HealthCheck::contacts].sentence, "99 contacts answer");
  facts.contacts = 2;
  const HealthReport third = check_health(facts, now + seconds(2), second);
  EXPECT_EQ(third[HealthCheck::contacts].since, now + seconds(2));
  EXPECT_EQ(third[HealthCheck::disk].since, now);
}

TEST(Health, AReportThatNobodyRenewsIsNotBelieved) {
  const HealthReport report = report_of(healthy());
  EXPECT_EQ(as_read(report, now + (health_age_fail - moment)).state, HealthState::ready);
  const HealthReport old = as_read(report, now + health_age_fail);
  EXPECT_EQ(old.state, HealthState::failed);
  EXPECT_FALSE(old.is(HealthQuestion::live));
  EXPECT_EQ(old[HealthCheck::shards].since, now);
  HealthFacts ending = healthy();
  ending.is_draining = true;
  EXPECT_EQ(as_read(report_of(ending), now + hours(1)).state, HealthState::draining);
  EXPECT_EQ(as_read(report, now + minutes(3))[HealthCheck::shards].sentence,
            "the admin thread has not looked after the shards for 3 min");
  // A shard that had failed before failed earlier than that.
  HealthFacts silent = healthy();
  silent.shard = {0, seconds(11)};
  const HealthReport failed = check_health(silent, now + seconds(5), report);
  const HealthReport later = check_health(silent, now + seconds(9), failed);
  EXPECT_EQ(as_read(later, now + minutes(1))[HealthCheck::shards].since, now + seconds(5));
}

// What an operator reads, check by check.
struct Seen {
  HealthCheck check;
  void (*change)(HealthFacts&);
  HealthLevel level;
  std::string sentence;
};
constexpr auto unchanged = [](HealthFacts&) {};
const Seen checks_seen[] = {
    {HealthCheck::shards, unchanged, HealthLevel::ok, "every shard answers"},
    {HealthCheck::commit, unchanged, HealthLevel::ok, "no write waits for long"},
    {HealthCheck::commit,
     [](HealthFacts& f) {
       f.commit = {3, seconds(7)};
     },
     HealthLevel::warn, "writes of shard 3 have waited for the disk for 7 s"},
    {HealthCheck::loaded, unchanged, HealthLevel::ok, "the records are loaded"},
    {HealthCheck::loaded, [](HealthFacts& f) { f.storage = StorageState::opening; },
     HealthLevel::fail, "the database is being opened"},
    {HealthCheck::loaded, [](HealthFacts& f) { f.storage = StorageState::loading; },
     HealthLevel::fail, "the records are being loaded"},
    {HealthCheck::disk, unchanged, HealthLevel::ok, "51200 MiB of the disk are free, 50 %"},
    {HealthCheck::disk, [](HealthFacts& f) { f.disk_free = f.disk_size + 1; }, HealthLevel::ok,
     "102400 MiB of the disk are free, 100 %"},
    {HealthCheck::disk, [](HealthFacts& f) { f.disk_size = 0; }, HealthLevel::ok,
     "the disk takes writes"},
    {HealthCheck::disk, [](HealthFacts& f) { f.storage = StorageState::failed; }, HealthLevel::fail,
     "the disk refuses writes, or the database cannot be opened"},
    {HealthCheck::disk, [](HealthFacts& f) { f.storage = StorageState::damaged; },
     HealthLevel::warn, "some records cannot be read"},
    {HealthCheck::contacts, unchanged, HealthLevel::ok, "100 contacts answer"},
    {HealthCheck::contacts, [](HealthFacts& f) { f.contacts = 1; }, HealthLevel::warn,
     "1 contact answers, fewer than 20"},
    {HealthCheck::contacts, [](HealthFacts& f) { f.contacts = 0; }, HealthLevel::fail,
     "0 contacts answer, ready-contacts is 1"},
    {HealthCheck::joined, unchanged, HealthLevel::ok, "a lookup last found nodes 60 s ago"},
    {HealthCheck::joined, [](HealthFacts& f) { f.lookup_age.reset(); }, HealthLevel::ok,
     "a lookup last found nodes 60 min ago"},
    {HealthCheck::joined, [](HealthFacts& f) { f.has_joined = false; }, HealthLevel::fail,
     "no lookup of the node's own id has found a node since the start"},
    {HealthCheck::joined, [](HealthFacts& f) { f.has_joined = f.has_known_nodes = false; },
     HealthLevel::ok, "no bootstrap name and no saved contact: a first node"},
    {HealthCheck::inbound, unchanged, HealthLevel::ok,
     "the last request from a source that was not called came 1 s ago"},
    {HealthCheck::inbound, [](HealthFacts& f) { f.inbound_age.reset(); }, HealthLevel::fail,
     "no request came yet from a source that was not called"},
    {HealthCheck::outbound, unchanged, HealthLevel::ok,
     "95 % of 1000 calls in the last 5 min were answered"},
    {HealthCheck::outbound, [](HealthFacts& f) { f.calls_ended = f.calls_answered = 1; },
     HealthLevel::ok, "100 % of 1 call in the last 5 min were answered"},
    {HealthCheck::outbound, [](HealthFacts& f) { f.calls_ended = f.calls_answered = 0; },
     HealthLevel::ok, "no calls in the last 5 min"},
    {HealthCheck::canary, [](HealthFacts& f) { f.canary.is_on = false; }, HealthLevel::ok, "off"},
    {HealthCheck::canary, [](HealthFacts& f) { f.canary.runs = 0; }, HealthLevel::ok, "no run yet"},
    {HealthCheck::canary, [](HealthFacts& f) { f.canary.found = 1; }, HealthLevel::ok,
     "the last lookup found 1 node of 20 expected, the median took 300 ms"},
    {HealthCheck::overload, unchanged, HealthLevel::ok,
     "the kernel dropped no datagram in the last minute"},
    {HealthCheck::overload, [](HealthFacts& f) { f.datagrams_dropped = 7; }, HealthLevel::ok,
     "the kernel dropped 7 of 100007 datagrams in the last minute"},
    {HealthCheck::clock, unchanged, HealthLevel::ok, "believed"},
    {HealthCheck::clock, [](HealthFacts& f) { f.is_clock_doubted = true; }, HealthLevel::fail,
     "the host's clock is doubted, so the records of the last run are not served: set it and "
     "restart, or wait a day"},
    {HealthCheck::draining, unchanged, HealthLevel::ok, "no"},
    {HealthCheck::draining, [](HealthFacts& f) { f.is_draining = true; }, HealthLevel::fail,
     "the node is ending"},
};

TEST(Health, EachCheckSaysWhatItSaw) {
  for (const Seen& seen : checks_seen) {
    HealthFacts facts = healthy();
    seen.change(facts);
    EXPECT_EQ(sentence_of(facts, seen.check), seen.sentence);
    EXPECT_EQ(level_of(facts, seen.check), seen.level) << seen.sentence;
  }
}

TEST(Health, TimesAreWrittenInTheUnitThatFits) {
  HealthFacts facts = healthy();
  const auto ago = [&](Duration age) {
    facts.lookup_age = age;
    const std::string sentence = sentence_of(facts, HealthCheck::joined);
    const std::string begin = "a lookup last found nodes ";
    EXPECT_TRUE(sentence.starts_with(begin)) << sentence;
    return sentence.substr(begin.size());
  };
  EXPECT_EQ(ago(-seconds(5)), "0 s ago");
  EXPECT_EQ(ago(milliseconds(1'999)), "1 s ago");
  EXPECT_EQ(ago(seconds(119)), "119 s ago");
  EXPECT_EQ(ago(seconds(120)), "2 min ago");
  EXPECT_EQ(ago(seconds(179)), "2 min ago");
  EXPECT_EQ(ago(seconds(120 * 60 - 1)), "119 min ago");
  EXPECT_EQ(ago(minutes(120)), "2 h ago");
  EXPECT_EQ(ago(minutes(179)), "2 h ago");
  EXPECT_EQ(ago(hours(48) - seconds(1)), "47 h ago");
  EXPECT_EQ(ago(hours(48)), "2 d ago");
  EXPECT_EQ(ago(hours(71)), "2 d ago");
  EXPECT_EQ(ago(hours(72)), "3 d ago");
}

TEST(Health, WhatEachCheckIsAReasonFor) {
  for (size_t i = 0; i < health_checks; ++i) {
    const auto check = static_cast<HealthCheck>(i);
    const bool is_of_threads = check == HealthCheck::shards || check == HealthCheck::commit;
    EXPECT_EQ(concerns(check, HealthQuestion::live), is_of_threads) << name_of(check);
    EXPECT_EQ(concerns(check, HealthQuestion::started), check == HealthCheck::loaded)
        << name_of(check);
    EXPECT_EQ(concerns(check, HealthQuestion::ready), check != HealthCheck::commit)
        << name_of(check);
  }
}

TEST(Health, EachNameIsItsOwn) {
  const std::string_view checks[] = {"shards",   "commit",   "loaded",  "disk",
                                     "contacts", "joined",   "inbound", "outbound",
                                     "canary",   "overload", "clock",   "draining"};
  ASSERT_EQ(std::size(checks), health_checks);
  for (size_t i = 0; i < health_checks; ++i) {
    EXPECT_EQ(name_of(static_cast<HealthCheck>(i)), checks[i]);
  }
  const std::string_view states[] = {"starting", "loading",  "joining",  "ready",
                                     "degraded", "isolated", "draining", "failed"};
  for (size_t i = 0; i < std::size(states); ++i) {
    EXPECT_EQ(name_of(static_cast<HealthState>(i)), states[i]);
  }
  EXPECT_EQ(name_of(HealthLevel::ok), "ok");
  EXPECT_EQ(name_of(HealthLevel::fail), "fail");
}

}  // namespace
}  // namespace xord
