// Whole load runs against a node that does as the test says: whom it asks, how often, from where,
// and what it counts. Nothing here depends on how fast this machine is.
#include "tools/load/load_run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <map>
#include <set>

#include "node/client/client_id.h"
#include "tests/tools/load/scripted_node.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"
#include "tools/load/left_contacts.h"

namespace xord {
namespace {

class Watching : public LoadObserver {
 public:
  void warming(std::string_view what, uint64_t done, uint64_t count) override {
    EXPECT_EQ(what, "sources");
    EXPECT_LE(done, count);
    ++warming_count;
  }
  void warmed(const LoadResult&) override { ++warmed_count; }
  void stepping(const StepProgress& progress) override { seconds_told.push_back(progress); }
  void stepped(const StepResult& step) override { rates.push_back(step.rate_planned); }

  std::atomic<int> warming_count{0};
  int warmed_count = 0;
  std::vector<StepProgress> seconds_told;
  std::vector<double> rates;
};

class LoadRun : public testing::Test {
 protected:
  LoadRun() {
    plan_.sources = 3;
    plan_.window = 1;
    plan_.length = milliseconds(10);
    plan_.settling = {};
    plan_.timeout = hours(1);  // Nothing is lost, however slow this machine is.
    plan_.waiting = Waiting::sleep;
    plan_.seed = 7;
    plan_.keys = 10;
  }
  LoadResult run(const ScriptedNode& node) {
    plan_.target = node.endpoint();
    return run_load(plan_, watching_);
  }
  std::string failure(const ScriptedNode& node, ExitCode code) {
    try {
      run(node);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), code);
      return failure.what();
    }
    return "";
  }
  void ask_only(RequestKind kind) {
    plan_.mix = {};
    plan_.mix[static_cast<size_t>(kind)] = 1;
  }
  static const KindResult& of(const StepResult& step, RequestKind kind) {
    return step.kinds[static_cast<size_t>(kind)];
  }

  LoadPlan plan_;
  Watching watching_;
};

TEST_F(LoadRun, LearnsTheNodeWarmsUpAndCountsEveryAnswer) {
  plan_.mix = {1, 1, 1, 1, 1};
  plan_.length = milliseconds(100);
  const ScriptedNode node;
  const LoadResult result = run(node);
  EXPECT_EQ(result.node, id_of(0x11));
  EXPECT_EQ(result.io, "epoll");
  EXPECT_EQ(result.warm_up.sources, 3u);
  EXPECT_EQ(result.warm_up.sources_failed, 0u);
  EXPECT_EQ(result.warm_up.keys, 10u);
  EXPECT_EQ(result.warm_up.keys_failed, 0u);
  EXPECT_EQ(result.warm_up.contacts_in_answer, 20u);
  EXPECT_GT(result.warm_up.took, Duration{});
  EXPECT_EQ(result.contacts_left, 0u) << "it names others only";
  EXPECT_EQ(watching_.warmed_count, 1);
  ASSERT_EQ(result.steps.size(), 1u);
  const StepResult& step = result.steps[0];
  EXPECT_EQ(step.length, milliseconds(100));
  EXPECT_EQ(step.window, 1u);
  EXPECT_EQ(step.rate_planned, 0);
  EXPECT_EQ(step.wrong(), 0u);
  EXPECT_EQ(step.lost(), 0u);
  EXPECT_GT(step.sent(), 0u);
  EXPECT_EQ(step.answered(), step.sent());
  EXPECT_EQ(step.latency.count(), step.sent());
  EXPECT_FALSE(step.server);
  EXPECT_FALSE(step.was_interrupted);
  uint64_t of_kinds = 0;
  for (const KindResult& kind : step.kinds) {
    EXPECT_EQ(kind.count(Verdict::right), kind.sent);
    EXPECT_EQ(kind.latency.count(), kind.sent);
    of_kinds += kind.sent;
  }
  EXPECT_EQ(of_kinds, step.sent());
  // A ping; a find by each source, and once more to count the contacts; ten stores; the step; and
  // one look for what is left.
  EXPECT_EQ(node.asked().size(), 1 + 3 + 1 + 10 + step.sent() + 1);
}

TEST_F(LoadRun, EachSourceAsksInTurnFromItsOwnAddressUnderOneId) {
  ask_only(RequestKind::store);
  const ScriptedNode node;
  const LoadResult result = run(node);
  std::vector<IpAddress> from;
  std::set<Id> keys;
  for (const auto& each : node.asked()) {
    EXPECT_EQ(each.sender, client_id);
    if (each.method != Method::store) continue;
    from.push_back(each.from);
    keys.insert(each.target);
  }
  ASSERT_EQ(from.size(), result.steps[0].sent());
  EXPECT_EQ(keys.size(), from.size()) << "a new key each time";
  for (size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(from[i], IpAddress::ipv4(0x7f100001 + static_cast<uint32_t>(i % 3)));
  }
}

TEST_F(LoadRun, ContactsAreOfferedOnceEachUnderAnIdOfItsOwn) {
  plan_.contacts = 4;
  plan_.is_filed = true;
  const ScriptedNode node;
  const LoadResult result = run(node);
  EXPECT_EQ(result.warm_up.sources, 7u);
  std::map<IpAddress, std::set<Id>> ids;
  std::map<IpAddress, int> times;
  for (const auto& each : node.asked()) {
    ids[each.from].insert(each.sender);
    ++times[each.from];
  }
  EXPECT_EQ(ids.size(), 7u);
  std::set<Id> all;
  for (const auto& [from, own] : ids) {
    EXPECT_EQ(own.size(), 1u);
    all.insert(*own.begin());
  }
  EXPECT_EQ(all.size(), 7u);
  EXPECT_EQ(all.count(client_id), 0u);
  for (uint32_t contact = 3; contact < 7; ++contact) {
    EXPECT_LE(times[IpAddress::ipv4(0x7f100001 + contact)], 2) << "to be seen, and to look back";
  }
}

TEST_F(LoadRun, OneSourceAfterTheOtherTakesAnotherId) {
  plan_.is_filed = true;
  plan_.id_change_every = nanoseconds(1);  // At each request.
  ask_only(RequestKind::ping);
  plan_.length = milliseconds(100);
  const ScriptedNode node;
  const LoadResult result = run(node);
  std::map<IpAddress, std::set<Id>> ids;
  std::map<IpAddress, size_t> times;
  const auto asked = node.asked();
  size_t pings = 0;
  for (size_t i = 1; i < asked.size(); ++i) {  // The first asked for the node's id.
    if (asked[i].method != Method::ping) continue;
    ++pings;
    ids[asked[i].from].insert(asked[i].sender);
    ++times[asked[i].from];
  }
  EXPECT_EQ(pings, result.steps[0].sent());
  EXPECT_EQ(ids.size(), std::min<size_t>(3, pings));
  for (const auto& [from, own] : ids) EXPECT_EQ(own.size(), times[from]) << "another each time";
}

TEST_F(LoadRun, ANodeThatAnswersNoPingIsAskedFiveTimes) {
  plan_.timeout = milliseconds(20);
  const ScriptedNode node([](const Request&, const Packed&) { return Datagrams{}; });
  EXPECT_EQ(failure(node, ExitCode::no_answer),
            "no node answers a ping at " + node.endpoint().text() +
                "; check that one is running there and that UDP reaches it");
  EXPECT_EQ(node.asked().size(), 5u);
  EXPECT_EQ(watching_.warmed_count, 0);
}

TEST_F(LoadRun, ALatePongIsEnough) {
  plan_.timeout = milliseconds(20);
  std::atomic<int> pings{0};
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method == Method::ping && ++pings < 5) return Datagrams{};
    return Datagrams{answer};
  });
  EXPECT_EQ(run(node).node, id_of(0x11));
}

TEST_F(LoadRun, WhatIsNotAnsweredInTheWarmUpIsAskedFiveTimesInAll) {
  plan_.timeout = milliseconds(20);
  // One of the three is not heard.
  std::vector<Id> targets;
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method != Method::find_node) return Datagrams{answer};
    if (targets.size() < 1 || request.target == targets[0]) {
      targets.push_back(request.target);
      return Datagrams{};
    }
    return Datagrams{answer};
  });
  const LoadResult result = run(node);
  EXPECT_EQ(result.warm_up.sources, 2u);
  EXPECT_EQ(result.warm_up.sources_failed, 1u);
  EXPECT_EQ(targets.size(), 5u);
}

TEST_F(LoadRun, KeysThatAreAllRefusedEndTheRunAndSomeDoNot) {
  ask_only(RequestKind::find_value_hit);
  plan_.keys = 3;
  {
    const ScriptedNode node([](const Request& request, const Packed& answer) {
      return Datagrams{request.method == Method::store ? stored(request, false) : answer};
    });
    EXPECT_EQ(failure(node, ExitCode::not_found),
              node.endpoint().text() +
                  " stored none of the keys that hits need; give find_value_hit no share in --mix, "
                  "or let the sources answer pings");
    EXPECT_EQ(node.count(Method::store), 15u) << "each five times";
  }
  std::optional<Id> refused;
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method != Method::store) return Datagrams{answer};
    if (!refused) refused = request.target;
    return Datagrams{request.target == *refused ? stored(request, false) : answer};
  });
  const LoadResult result = run(node);
  EXPECT_EQ(result.warm_up.keys, 2u);
  EXPECT_EQ(result.warm_up.keys_failed, 1u);
  EXPECT_EQ(node.count(Method::store), 7u);
}

TEST_F(LoadRun, KeysOfAnEarlierRunAreNotStoredAgain) {
  ask_only(RequestKind::find_value_hit);
  const ScriptedNode node;
  EXPECT_EQ(run(node).steps[0].wrong(), 0u);
  EXPECT_EQ(node.count(Method::store), 10u);
  plan_.keys_are_stored = true;
  const LoadResult again = run(node);
  EXPECT_EQ(again.warm_up.keys, 0u);
  EXPECT_EQ(again.steps[0].wrong(), 0u);
  EXPECT_GT(again.steps[0].answered(), 0u);
  EXPECT_EQ(node.count(Method::store), 10u);
  plan_.keys_are_stored = false;
  ask_only(RequestKind::find_value_miss);
  EXPECT_EQ(run(node).steps[0].wrong(), 0u);
  EXPECT_EQ(node.count(Method::store), 10u) << "misses need none";
}

TEST_F(LoadRun, KeysAreNearTheNodeAsFarAsIsAsked) {
  ask_only(RequestKind::store);
  plan_.near_bits = 40;
  const ScriptedNode node;
  run(node);
  for (const auto& each : node.asked()) {
    if (each.method != Method::store) continue;
    EXPECT_GE(shared_prefix(each.target, id_of(0x11)), 40u);
  }
}

TEST_F(LoadRun, FewerContactsThanBeforeAreWrongOnlyWhereTheNodeHadTwenty) {
  for (const size_t named : {20u, 19u}) {
    std::atomic<size_t> finds{0};
    const size_t warm_up = 3 + (named == 20 ? 1 : 5);  // The last one is repeated in vain.
    const ScriptedNode node(
        [&](const Request& request, const Packed& answer) {
          if (request.method != Method::find_node || ++finds <= warm_up) return Datagrams{answer};
          return Datagrams{contacts_of(request, std::vector<Id>(18, id_of(3)))};
        },
        named);
    const LoadResult result = run(node);
    EXPECT_EQ(result.warm_up.contacts_in_answer, named);
    const KindResult& kind = of(result.steps[0], RequestKind::find_node);
    EXPECT_EQ(kind.count(Verdict::too_few_contacts), named == 20 ? kind.sent : 0);
    EXPECT_EQ(kind.count(Verdict::right), named == 20 ? 0 : kind.sent);
    EXPECT_EQ(result.steps[0].wrong(), named == 20 ? kind.sent : 0);
  }
}

TEST_F(LoadRun, AnswersThatAreCutAreToldFromThoseThatAreShort) {
  std::atomic<uint64_t> finds{0};
  constexpr uint64_t warm_up = 4;
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method != Method::find_node || ++finds <= warm_up) return Datagrams{answer};
    const uint64_t number = finds - warm_up;
    if (number % 3 == 2) return Datagrams{answer};
    return Datagrams{contacts_of(request, std::vector<Id>(number % 3 == 1 ? 1 : 18, id_of(3)))};
  });
  plan_.length = milliseconds(100);
  const StepResult step = run(node).steps.at(0);
  const KindResult& kind = of(step, RequestKind::find_node);
  EXPECT_EQ(kind.count(Verdict::cut), (kind.sent + 2) / 3);
  EXPECT_EQ(kind.count(Verdict::right), (kind.sent + 1) / 3);
  EXPECT_EQ(kind.count(Verdict::too_few_contacts), kind.sent / 3);
  EXPECT_EQ(step.uncut_again, kind.count(Verdict::right)) << "each follows one that was cut";
  EXPECT_EQ(step.beside.sent, 0u) << "nothing is lost";
}

TEST_F(LoadRun, AWarmUpTakesWhatIsCutForAnAnswer) {
  std::atomic<uint64_t> finds{0};
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method != Method::find_node || ++finds == 1) return Datagrams{answer};
    return Datagrams{contacts_of(request, {id_of(3)})};
  });
  const LoadResult result = run(node);
  EXPECT_EQ(result.warm_up.sources, 3u);
  EXPECT_EQ(result.warm_up.sources_failed, 0u);
  EXPECT_EQ(result.warm_up.contacts_in_answer, 1u);
  const KindResult& kind = of(result.steps[0], RequestKind::find_node);
  EXPECT_EQ(kind.count(Verdict::cut), kind.sent);
  EXPECT_EQ(result.steps[0].uncut_again, 0u);
}

TEST_F(LoadRun, ANodeWithOneContactCutsNothing) {
  const ScriptedNode node({}, 1);
  const LoadResult result = run(node);
  EXPECT_EQ(result.warm_up.contacts_in_answer, 1u);
  EXPECT_EQ(result.steps[0].wrong(), 0u);
  EXPECT_EQ(result.steps[0].answered(), result.steps[0].sent());
}

// Of the values one in two gets no answer; everything else does.
TEST_F(LoadRun, ValuesThatGetNoAnswerAreComparedWithPingsBesideThem) {
  plan_.length = milliseconds(500);
  plan_.timeout = milliseconds(100);
  std::atomic<bool> is_silent_to_all{false};
  std::atomic<uint64_t> values{0};
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method == Method::find_value && ++values % 2 == 0) return Datagrams{};
    if (request.method == Method::ping && is_silent_to_all && values > 0) return Datagrams{};
    return Datagrams{answer};
  });
  ask_only(RequestKind::find_value_hit);
  StepResult step = run(node).steps.at(0);
  const KindResult& hits = of(step, RequestKind::find_value_hit);
  EXPECT_GT(hits.lost, 0u);
  EXPECT_EQ(hits.count(Verdict::right) + hits.lost, hits.sent);
  EXPECT_GT(step.beside.sent, 0u);
  EXPECT_LT(step.beside.lost, step.beside.sent);
  EXPECT_LT(step.beside.values_sent, hits.sent) << "those before the first ping do not count";
  EXPECT_LT(step.beside.values_lost, hits.lost);
  EXPECT_EQ(step.sent(), hits.sent) << "the pings are no part of the load";
  EXPECT_EQ(step.latency.count(), hits.count(Verdict::right));
  EXPECT_GE(node.count(Method::ping), 1 + step.beside.sent);

  is_silent_to_all = true;
  values = 0;
  step = run(node).steps.at(0);
  EXPECT_GT(step.beside.sent, 0u);
  EXPECT_EQ(step.beside.lost, step.beside.sent);
}

TEST_F(LoadRun, WithoutAnswersToPingsNobodyIsProvenAndNothingExpected) {
  plan_.answer_pings = AnswerPings::no;
  const ScriptedNode node;
  const LoadResult result = run(node);
  EXPECT_EQ(result.warm_up.sources, 0u);
  EXPECT_EQ(result.warm_up.contacts_in_answer, 0u);
  EXPECT_EQ(node.count(Method::find_node), result.steps[0].sent() + 1);
}

TEST_F(LoadRun, WithTransactionsCheckedOnlyNothingIsAskedButTheStep) {
  plan_.check = CheckDepth::transaction;
  ask_only(RequestKind::find_value_hit);
  const ScriptedNode node([](const Request& request, const Packed&) {
    auto any = stored(request, false);
    any.back() = 0x7f;
    return Datagrams{any};
  });
  const LoadResult result = run(node);
  EXPECT_FALSE(result.node);
  EXPECT_FALSE(result.contacts_left);
  EXPECT_EQ(result.steps[0].answered(), result.steps[0].sent());
  EXPECT_EQ(node.asked().size(), result.steps[0].sent());
}

// The node pings each asker, sends an answer to nothing, one twice, junk, and a request.
TEST_F(LoadRun, WhatNoQuestionExplainsIsCountedByItsKind) {
  ask_only(RequestKind::store);
  const Transaction own{9};
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method != Method::store) return Datagrams{answer};
    Request unasked;
    unasked.transaction = own;
    auto other_length = answer;
    other_length.resize(10);  // Too short for a transaction.
    const std::vector<uint8_t> junk = {7, 'j', 'u', 'n', 'k'};
    const auto ping = datagram(
        [&](MutableBytes out) { return rpcudp::encode_ping_request(out, own, id_of(0x11)); });
    const auto find = datagram([&](MutableBytes out) {
      return rpcudp::encode_find_node_request(out, own, id_of(0x11), id_of(4));
    });
    return Datagrams{stored(unasked, true), junk, ping, ping, find, other_length, answer, answer};
  });
  for (const AnswerPings answering : {AnswerPings::yes, AnswerPings::no}) {
    plan_.answer_pings = answering;
    const StepResult step = run(node).steps.at(0);
    const uint64_t sent = step.sent();
    EXPECT_EQ(step.answered(), sent);
    EXPECT_EQ(step.strays.unknown_transaction, sent);
    EXPECT_EQ(step.strays.malformed, 2 * sent);
    EXPECT_EQ(step.strays.requests, sent);
    EXPECT_EQ(step.strays.wrong_source, 0u);
    EXPECT_EQ(step.strays.strangers, 0u);
    const bool answers = answering == AnswerPings::yes;
    EXPECT_EQ(step.strays.pings_answered, answers ? 2 * sent : 0);
    EXPECT_EQ(step.strays.pings_ignored, answers ? 0 : 2 * sent);
    EXPECT_EQ(step.wrong(), 3 * sent);
    EXPECT_LE(step.strays.late, sent) << "the last one may arrive after the end";
    EXPECT_GE(step.strays.late, sent - 1);
  }
}

// Of 20 questions planned each is sent, or counted as unsent.
TEST_F(LoadRun, AnOpenLoopPlansItsRateAndNeitherMoreNorLess) {
  ask_only(RequestKind::ping);
  plan_.rates = {200, 400};
  plan_.length = milliseconds(100);
  plan_.settling = milliseconds(50);
  const ScriptedNode node;
  const LoadResult result = run(node);
  ASSERT_EQ(result.steps.size(), 2u);
  EXPECT_EQ(watching_.rates, plan_.rates);
  for (size_t i = 0; i < 2; ++i) {
    const StepResult& step = result.steps[i];
    EXPECT_EQ(step.rate_planned, plan_.rates[i]);
    EXPECT_EQ(step.window, 0u);
    const auto planned = static_cast<uint64_t>(plan_.rates[i] / 10);
    EXPECT_LE(step.sent(), planned);
    EXPECT_GE(step.sent() + step.unsent, planned);
    EXPECT_LE(step.sent() + step.unsent, planned + planned / 2) << "with those of the settling";
    EXPECT_EQ(step.answered(), step.sent());
  }
}

TEST_F(LoadRun, WhatIsNotAnsweredInTimeIsLost) {
  ask_only(RequestKind::ping);
  plan_.window = 5;
  plan_.timeout = milliseconds(50);
  std::atomic<int> pings{0};
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method == Method::ping && ++pings > 1) return Datagrams{};
    return Datagrams{answer};
  });
  const StepResult step = run(node).steps.at(0);
  EXPECT_EQ(step.sent(), 5u) << "no more than are open";
  EXPECT_EQ(step.lost(), 5u);
  EXPECT_EQ(of(step, RequestKind::ping).lost, 5u);
  EXPECT_EQ(step.unsent, 0u);
  EXPECT_EQ(step.answered(), 0u);
  EXPECT_EQ(step.latency.count(), 0u);
  EXPECT_EQ(step.loss_share(), 1);
}

// Four are right, two are wrong; then it falls silent, so that the rest of the second is lost.
TEST_F(LoadRun, EachSecondIsToldWithWhatItBrought) {
  ask_only(RequestKind::ping);
  plan_.length = milliseconds(1'100);
  plan_.timeout = milliseconds(300);
  std::atomic<int> pings{0};
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method != Method::ping) return Datagrams{answer};
    const int number = ++pings;
    if (number > 7) return Datagrams{};
    return Datagrams{number == 3 || number == 5 ? datagram([&](MutableBytes out) {
      return rpcudp::encode_ping_reply(out, request.transaction, id_of(5));
    })
                                                : answer};
  });
  const StepResult step = run(node).steps.at(0);
  EXPECT_EQ(of(step, RequestKind::ping).count(Verdict::wrong_id), 2u);
  ASSERT_FALSE(watching_.seconds_told.empty());
  const StepProgress& first = watching_.seconds_told.front();
  EXPECT_GE(first.elapsed, seconds(1));
  EXPECT_EQ(first.answered, 4u);
  EXPECT_EQ(first.wrong, 2u);
  EXPECT_GE(first.lost, 1u);
  EXPECT_LE(first.lost, step.lost());
  EXPECT_EQ(first.p50, step.latency.percentile(50)) << "of the same six answers";
  EXPECT_EQ(first.p99, step.latency.percentile(99));
  EXPECT_GT(first.p50, Duration{});
}

// docs/commands/load.md: at most nine steps, each in the middle of what is left.
TEST_F(LoadRun, TheSearchHalvesItsIntervalNineTimesWhereNoRateHolds) {
  ask_only(RequestKind::ping);
  plan_.find_max = true;
  plan_.loss_max = 0;  // No loss is below it.
  plan_.window = 64;   // However busy this machine is, the last rate is one a second or more.
  plan_.timeout = milliseconds(500);  // At the first rates the kernel may drop one.
  const ScriptedNode node;
  const LoadResult result = run(node);
  ASSERT_EQ(result.steps.size(), 10u);
  EXPECT_FALSE(result.best);
  EXPECT_NEAR(result.steps[1].rate_planned, result.steps[0].rate() * 1.1 * 0.75, 1e-6);
  for (size_t i = 2; i < 10; ++i) {
    EXPECT_NEAR(result.steps[i].rate_planned, result.steps[i - 1].rate_planned / 2, 1e-6);
  }
}

TEST_F(LoadRun, TheSearchEndsWithinTwoPercentWhereEveryRateHolds) {
  ask_only(RequestKind::ping);
  plan_.find_max = true;
  plan_.loss_max = 2;  // Whatever is lost.
  plan_.slo = hours(1);
  plan_.timeout = milliseconds(500);  // At such rates the kernel may drop one.
  const ScriptedNode node;
  const LoadResult result = run(node);
  // Of the closed loop's rate: 0.825, then half of the way to 1.1, until 1.1 is within 2 %.
  const double shares[] = {0.825, 0.9625, 1.03125, 1.065625, 1.0828125};
  ASSERT_EQ(result.steps.size(), 1 + std::size(shares));
  for (size_t i = 0; i < std::size(shares); ++i) {
    EXPECT_NEAR(result.steps[i + 1].rate_planned, result.steps[0].rate() * shares[i], 1e-6);
  }
  EXPECT_EQ(result.best, 5u);
}

TEST_F(LoadRun, AServersTimeIsMeasuredIfItsProcessIsKnown) {
  ask_only(RequestKind::ping);
  plan_.server_pid = getpid();
  plan_.length = milliseconds(50);
  const ScriptedNode node;
  const StepResult step = run(node).steps.at(0);
  ASSERT_TRUE(step.server);
  EXPECT_LT(step.server->run_nanoseconds, 60'000'000'000u) << "a difference, not a clock";
}

TEST_F(LoadRun, AnInterruptEndsTheStepsAndWhatWasMeasuredStays) {
  ask_only(RequestKind::ping);
  plan_.rates = {100, 200, 300};
  plan_.length = hours(1);
  std::atomic<int> pings{0};
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method == Method::ping && ++pings == 4) kill(getpid(), SIGINT);
    return Datagrams{answer};
  });
  {
    const Interrupt interrupt;
    const LoadResult result = run(node);
    ASSERT_EQ(result.steps.size(), 1u);
    EXPECT_TRUE(result.steps[0].was_interrupted);
    EXPECT_GE(result.steps[0].answered(), 3u);
    EXPECT_LT(result.steps[0].length, hours(1));
    EXPECT_GT(result.steps[0].length, Duration{});
    EXPECT_FALSE(result.contacts_left);
  }
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

TEST_F(LoadRun, ContactsThatAreLeftAreThoseThatTheNodeStillNames) {
  plan_.is_filed = true;
  plan_.sources = 4;
  ask_only(RequestKind::ping);
  // Names the first two sources it saw; each is looked for by its id but for the last bit.
  std::vector<Id> seen;
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (std::find(seen.begin(), seen.end(), request.sender) == seen.end()) {
      seen.push_back(request.sender);
    }
    if (request.method != Method::find_node) return Datagrams{answer};
    for (size_t i = 0; i < std::min<size_t>(2, seen.size()); ++i) {
      Id near = seen[i];
      near.bytes[id_size - 1] ^= 1;
      if (request.target == near) {
        EXPECT_NE(request.sender, seen[i]) << "another one asks";
        return Datagrams{contacts_of(request, {id_of(1), seen[i], id_of(2)})};
      }
    }
    return Datagrams{answer};
  });
  EXPECT_EQ(run(node).contacts_left, 2u);
}

// The sender that `request` looks for, by its id but for the last bit; empty: another request, or
// one of the warm-up. Adds its own sender to `senders`.
std::optional<Id> wanted_by(const Request& request, std::set<Id>& senders) {
  senders.insert(request.sender);
  Id wanted = request.target;
  wanted.bytes[id_size - 1] ^= 1;
  if (request.method != Method::find_node || senders.count(wanted) == 0) return std::nullopt;
  return wanted;
}

TEST_F(LoadRun, WhatIsLeftIsUnknownWhereOneIdIsNotAnsweredForAfterThreeRequests) {
  plan_.is_filed = true;
  plan_.timeout = milliseconds(50);
  ask_only(RequestKind::ping);
  plan_.length = milliseconds(10);
  std::map<Id, std::set<Id>> askers;
  std::set<Id> senders;
  size_t silent = 0;
  {  // The node's thread writes them until it ends.
    const ScriptedNode node([&](const Request& request, const Packed& answer) {
      const auto wanted = wanted_by(request, senders);
      if (!wanted) return Datagrams{answer};
      askers[*wanted].insert(request.sender);
      if (*wanted != *senders.begin()) return Datagrams{answer};
      ++silent;
      return Datagrams{};
    });
    EXPECT_FALSE(run(node).contacts_left);
  }
  EXPECT_EQ(silent, 2u) << "nothing new in the second attempt: there is no third";
  EXPECT_EQ(askers.size(), 3u);
  EXPECT_EQ(askers[*senders.begin()].size(), 2u) << "by another source each time";
}

// The node answers once progress was told, or the last of five attempts has failed.
TEST_F(LoadRun, ALongWarmUpTellsItsProgressOnceASecond) {
  plan_.timeout = milliseconds(300);
  ask_only(RequestKind::ping);
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    const bool is_silent = request.method == Method::find_node && watching_.warming_count == 0;
    return is_silent ? Datagrams{} : Datagrams{answer};
  });
  const LoadResult result = run(node);
  EXPECT_GE(watching_.warming_count, 1);
  EXPECT_LE(watching_.warming_count, result.warm_up.took.whole_seconds());
}

// Of two sources, the other one asks again: the next in turn would be the one that is looked for.
TEST_F(LoadRun, NoSourceLooksForItselfHoweverFewThereAre) {
  plan_.is_filed = true;
  plan_.sources = 2;
  plan_.timeout = milliseconds(50);
  ask_only(RequestKind::ping);
  std::set<Id> senders;
  std::map<Id, std::vector<Id>> askers;
  {
    const ScriptedNode node([&](const Request& request, const Packed& answer) {
      const auto wanted = wanted_by(request, senders);
      if (!wanted) return Datagrams{answer};
      askers[*wanted].push_back(request.sender);
      return Datagrams{};
    });
    EXPECT_FALSE(run(node).contacts_left);
  }
  ASSERT_EQ(senders.size(), 2u);
  const Id& first = *senders.begin();
  const Id& second = *senders.rbegin();
  EXPECT_EQ(askers[first], std::vector<Id>(2, second));
  EXPECT_EQ(askers[second], std::vector<Id>(2, first));
}

// Each attempt brings one more answer, and there are three.
TEST_F(LoadRun, WhatIsLeftIsAskedForThreeTimesWhereEachTimeBringsAnAnswer) {
  plan_.is_filed = true;
  plan_.sources = 4;
  plan_.timeout = milliseconds(50);
  ask_only(RequestKind::ping);
  for (const bool is_enough : {true, false}) {
    std::set<Id> senders;
    std::map<Id, size_t> times;
    {  // The node's thread writes them until it ends.
      const ScriptedNode node([&](const Request& request, const Packed& answer) {
        const auto wanted = wanted_by(request, senders);
        if (!wanted) return Datagrams{answer};
        const auto rank =
            static_cast<size_t>(std::distance(senders.begin(), senders.find(*wanted)));
        const size_t answered_from = is_enough ? std::min<size_t>(rank + 1, 3) : rank + 1;
        return ++times[*wanted] >= answered_from ? Datagrams{answer} : Datagrams{};
      });
      EXPECT_EQ(run(node).contacts_left, is_enough ? std::optional<uint32_t>(0) : std::nullopt);
    }
    for (const auto& [id, asked] : times) EXPECT_LE(asked, 3u);
    EXPECT_EQ(times[*senders.rbegin()], 3u);
  }
}

TEST_F(LoadRun, WhatIsCountedInOneStepIsNotInTheNext) {
  plan_.rates = {50, 50};
  plan_.length = milliseconds(200);
  ask_only(RequestKind::store);
  const Transaction own{9};
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    if (request.method != Method::store) return Datagrams{answer};
    Request unasked;
    unasked.transaction = own;
    const auto ping = datagram(
        [&](MutableBytes out) { return rpcudp::encode_ping_request(out, own, id_of(0x11)); });
    const auto find = datagram([&](MutableBytes out) {
      return rpcudp::encode_find_node_request(out, own, id_of(0x11), id_of(4));
    });
    return Datagrams{stored(unasked, true), {7}, ping, find, answer, answer};
  });
  for (const AnswerPings answering : {AnswerPings::yes, AnswerPings::no}) {
    plan_.answer_pings = answering;
    const LoadResult result = run(node);
    ASSERT_EQ(result.steps.size(), 2u);
    for (const StepResult& step : result.steps) {
      const uint64_t sent = step.sent();
      EXPECT_EQ(step.strays.unknown_transaction, sent);
      EXPECT_EQ(step.strays.malformed, sent);
      EXPECT_EQ(step.strays.requests, sent);
      EXPECT_EQ(step.strays.pings_answered + step.strays.pings_ignored, sent);
      EXPECT_EQ(step.strays.pings_answered == 0, answering == AnswerPings::no || sent == 0);
      EXPECT_LE(step.strays.late, sent + 1);
    }
  }
}

TEST_F(LoadRun, APortThatIsClosedIsToldAtOnce) {
  Endpoint closed;
  { closed = ScriptedNode().endpoint(); }
  plan_.target = closed;
  try {
    run_load(plan_, watching_);  // With a timeout of an hour.
    ADD_FAILURE();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ExitCode::no_answer);
    EXPECT_EQ(std::string(failure.what()), "no node listens on " + closed.text() +
                                               "; check the port, and that the node is running");
  }
}

TEST_F(LoadRun, AnOverloadIsAFloodBetweenClosedLoops) {
  plan_.overload = true;
  ask_only(RequestKind::ping);
  const ScriptedNode node;
  const LoadResult result = run(node);
  ASSERT_EQ(result.steps.size(), 2u);
  EXPECT_EQ(result.steps[0].window, 1u);
  EXPECT_EQ(result.steps[1].window, no_window);
  ASSERT_TRUE(result.overload);
  EXPECT_EQ(result.overload->memory_before, 0u) << "whose process is unknown";
  EXPECT_EQ(result.overload->memory_after, 0u);
  const OverloadResult expected = overload_of(result.steps[0], result.steps[1], {});
  EXPECT_EQ(result.overload->multiple, expected.multiple);
  EXPECT_EQ(result.overload->goodput_share, expected.goodput_share);
  if (result.overload->recovered_after) {
    EXPECT_GE(*result.overload->recovered_after, recovery_slice);
    EXPECT_LT(*result.overload->recovered_after, minutes(2));
  }
  // In a flood a source asks many in a row; before it, the next one asks.
  const auto asked = node.asked();
  const uint64_t before = 1 + 3 + 1 + result.steps[0].sent();
  ASSERT_GT(asked.size(), before + 3);
  EXPECT_EQ(asked[before].from, asked[before + 1].from);
  EXPECT_EQ(asked[before].from, asked[before + 2].from);
}

TEST_F(LoadRun, AWarmUpHasNoMoreQuestionsOpenThanItsWindow) {
  const ScriptedNode node([](const Request&, const Packed&) {
    kill(getpid(), SIGINT);
    return Datagrams{};
  });
  LoadSources sources(node.endpoint(), 2);
  std::unique_ptr<LoadExchange> exchange;
  ExchangeConfig config;
  config.target = node.endpoint();
  config.timeout = hours(1);
  ASSERT_FALSE(LoadExchange::create(config, sources, &exchange));
  {
    const Interrupt interrupt;
    const KeySpace keys(1, {}, {}, 0);
    ReplyCheck check(CheckDepth::content);
    LoadTasks tasks(*exchange, 3, Waiting::sleep);
    exchange->use(keys, check, tasks);
    const TasksDone done = tasks.run(
        10,
        [](uint64_t number) {
          return Question{RequestKind::ping, 1, number, {}, {}};
        },
        [](uint64_t) {});
    EXPECT_EQ(done.right, 0u);
    EXPECT_EQ(done.failed, 0u);
    EXPECT_EQ(exchange->open_count(), 3u);
  }
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace
}  // namespace xord
