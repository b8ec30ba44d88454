// Whole load runs against a node that does as the test says: whom it asks, how often, from where,
// and what it counts. Nothing here depends on how fast this machine is.
#include "tools/load/load_run.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "node/client/client_id.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "tests/temporary_directory.h"
#include "tools/cli/commands.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"
#include "tools/load/left_contacts.h"
#include "tools/load/load_report.h"

namespace xord {
namespace {

using Packed = std::vector<uint8_t>;
using Datagrams = std::vector<Packed>;

template <class Encode>
std::vector<uint8_t> datagram(Encode&& encode) {
  std::vector<uint8_t> bytes(9'000);
  bytes.resize(encode(MutableBytes(bytes)));
  return bytes;
}
std::vector<uint8_t> contacts_of(const Request& request, const std::vector<Id>& ids) {
  return datagram([&](MutableBytes out) {
    rpcudp::ContactsReply reply(out, request.transaction, ids.size());
    std::array<uint8_t, rpcudp::contact_tail_max> tail;
    const size_t size = rpcudp::encode_contact_tail(Endpoint::ipv4(0x7f000009, 9), tail);
    for (const Id& id : ids) reply.add(id, Bytes(tail).first(size));
    return reply.size();
  });
}
std::vector<uint8_t> stored(const Request& request, bool truth) {
  return datagram([&](MutableBytes out) {
    return rpcudp::encode_store_reply(out, request.transaction, truth);
  });
}
Id id_of(uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

// On its own thread and a free port of 127.0.0.1. Answers as the Python library would, with `named`
// contacts, unless the test says otherwise.
class ScriptedNode {
 public:
  // What it asked, in the order of arrival.
  struct Asked {
    Method method;
    Id sender;
    Id target;
    std::vector<uint8_t> value;
    IpAddress from;
  };
  // Sends these instead of the true answer, which is the argument.
  using Script = std::function<Datagrams(const Request&, std::vector<uint8_t> answer)>;

  explicit ScriptedNode(Script script = {}, size_t named = 20)
      : script_(std::move(script)), named_(named), socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(socket_, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    socklen_t size = sizeof any;
    CHECK(getsockname(socket_, reinterpret_cast<sockaddr*>(&any), &size) == 0);
    endpoint_ = Endpoint::ipv4(0x7f000001, ntohs(any.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedNode() {
    is_ending_ = true;
    shutdown(socket_, SHUT_RDWR);  // Wakes recvfrom().
    thread_.join();
    close(socket_);
  }
  ScriptedNode(const ScriptedNode&) = delete;
  ScriptedNode& operator=(const ScriptedNode&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }
  std::vector<Asked> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  size_t count(Method method) const {
    const auto all = asked();
    return static_cast<size_t>(std::count_if(
        all.begin(), all.end(), [&](const Asked& each) { return each.method == method; }));
  }

 private:
  void serve() {
    std::array<uint8_t, 16'384> in;
    while (!is_ending_) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      auto* source = reinterpret_cast<sockaddr*>(&from);
      const ssize_t got = recvfrom(socket_, in.data(), in.size(), 0, source, &size);
      Request request;
      if (got <= 0 || rpcudp::parse_request(Bytes(in).first(static_cast<size_t>(got)), &request) !=
                          ParseError::none) {
        continue;
      }
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back({request.method,
                          request.sender,
                          request.target,
                          {request.value.begin(), request.value.end()},
                          IpAddress::ipv4(ntohl(from.sin_addr.s_addr))});
      }
      Datagrams out = {answer(request)};
      if (script_) out = script_(request, out[0]);
      for (const auto& each : out) sendto(socket_, each.data(), each.size(), 0, source, size);
    }
  }
  std::vector<uint8_t> answer(const Request& request) {
    if (request.method == Method::ping) {
      return datagram([&](MutableBytes out) {
        return rpcudp::encode_ping_reply(out, request.transaction, id_of(0x11));
      });
    }
    if (request.method == Method::store) {
      values_[request.target].assign(request.value.begin(), request.value.end());
      return stored(request, true);
    }
    const auto value = values_.find(request.target);
    if (request.method == Method::find_value && value != values_.end()) {
      return datagram([&](MutableBytes out) {
        return rpcudp::encode_value_reply(out, request.transaction, value->second);
      });
    }
    return contacts_of(request, std::vector<Id>(named_, id_of(0x22)));
  }

  const Script script_;
  const size_t named_;
  const int socket_;
  Endpoint endpoint_;
  std::map<Id, std::vector<uint8_t>> values_;
  mutable std::mutex mutex_;
  std::vector<Asked> asked_;
  std::atomic<bool> is_ending_{false};
  std::thread thread_;  // Last: it uses all the others.
};

class Watching : public LoadObserver {
 public:
  void warming(std::string_view, uint64_t, uint64_t) override {}
  void warmed(const LoadResult&) override { ++warmed_count; }
  void stepping(const StepProgress& progress) override { seconds_told.push_back(progress); }
  void stepped(const StepResult& step) override { rates.push_back(step.rate_planned); }

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

TEST_F(LoadRun, WhatIsLeftIsUnknownWhereOneIdIsNotAnsweredForAfterThreeRequests) {
  plan_.is_filed = true;
  plan_.timeout = milliseconds(50);
  ask_only(RequestKind::ping);
  plan_.length = milliseconds(10);
  std::mutex mutex;
  std::map<Id, std::set<Id>> askers;
  std::set<Id> senders;
  size_t silent = 0;
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    const std::lock_guard lock(mutex);
    senders.insert(request.sender);
    if (request.method != Method::find_node) return Datagrams{answer};
    Id looked_for = request.target;
    looked_for.bytes[id_size - 1] ^= 1;
    if (senders.count(looked_for) == 0) return Datagrams{answer};  // The warm-up.
    askers[looked_for].insert(request.sender);
    if (looked_for != *senders.begin()) return Datagrams{answer};
    ++silent;
    return Datagrams{};
  });
  EXPECT_FALSE(run(node).contacts_left);
  EXPECT_EQ(silent, 2u) << "nothing new in the second attempt: there is no third";
  EXPECT_EQ(askers.size(), 3u);
  EXPECT_EQ(askers[*senders.begin()].size(), 2u) << "by another source each time";
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
    const ScriptedNode node([&](const Request& request, const Packed& answer) {
      senders.insert(request.sender);
      if (request.method != Method::find_node) return Datagrams{answer};
      Id looked_for = request.target;
      looked_for.bytes[id_size - 1] ^= 1;
      if (senders.count(looked_for) == 0) return Datagrams{answer};  // The warm-up.
      const auto rank =
          static_cast<size_t>(std::distance(senders.begin(), senders.find(looked_for)));
      const size_t answered_from = is_enough ? std::min<size_t>(rank + 1, 3) : rank + 1;
      return ++times[looked_for] >= answered_from ? Datagrams{answer} : Datagrams{};
    });
    EXPECT_EQ(run(node).contacts_left, is_enough ? std::optional<uint32_t>(0) : std::nullopt);
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

// The command as a whole.
class LoadCommand : public testing::Test {
 protected:
  struct Outcome {
    ExitCode code;
    std::string out;
  };
  static Outcome run(const ScriptedNode& node, std::vector<std::string> words) {
    words.insert(words.end(), {"--target", node.endpoint().text(), "--sleep", "--warm-up", "0",
                               "--duration", "20ms", "--seed", "1", "--sources", "2"});
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{out, err, {}};
    const ExitCode code = load_command(words, terminal);
    EXPECT_EQ(err.str(), "");
    return {code, out.str()};
  }
};

TEST_F(LoadCommand, PrintsTablesOrJsonAndWritesThePercentilesOfEachStep) {
  const TemporaryDirectory directory;
  const ScriptedNode node;
  const std::string plot = directory.at("plot");
  Outcome done = run(node, {"--rate", "100,100,100", "--hgrm", plot});
  EXPECT_EQ(done.code, ExitCode::done);
  EXPECT_EQ(done.out.rfind("load on " + node.endpoint().text(), 0), 0u);
  EXPECT_NE(done.out.find("\nleft 0 contacts in the node's table\n"), std::string::npos);
  std::set<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
    files.insert(file.path().filename());
  }
  EXPECT_EQ(files, (std::set<std::string>{"plot", "plot.2", "plot.3"}));
  done = run(node, {"--json", "--window", "1"});
  EXPECT_EQ(done.code, ExitCode::done);
  EXPECT_EQ(nlohmann::json::parse(done.out)["steps"].size(), 1u);
  EXPECT_EQ(done.out.back(), '\n');
}

TEST_F(LoadCommand, EndsByWhatTheNodeDid) {
  {
    const ScriptedNode liar({}, 21);
    EXPECT_EQ(run(liar, {"--window", "1"}).code, ExitCode::not_found);
  }
  {
    std::atomic<int> pings{0};
    const ScriptedNode silent([&](const Request& request, const Packed& answer) {
      if (request.method == Method::ping && ++pings > 1) return Datagrams{};
      return Datagrams{answer};
    });
    EXPECT_EQ(run(silent, {"--window", "1", "--mix", "ping=1", "--timeout", "30ms"}).code,
              ExitCode::no_answer);
  }
  {
    const ScriptedNode refusing([&](const Request& request, const Packed& answer) {
      return Datagrams{request.method == Method::store ? stored(request, false) : answer};
    });
    EXPECT_EQ(run(refusing, {"--window", "1", "--mix", "store=1"}).code, ExitCode::done)
        << "a refusal is an answer";
  }
  const ScriptedNode node;
  EXPECT_EQ(run(node, {"--find-max", "--slo", "1us"}).code, ExitCode::not_found) << "no rate held";
  std::ostringstream out;
  Terminal terminal{out, out, {}};
  const std::vector<std::string> help = {"--help"};
  EXPECT_EQ(load_command(help, terminal), ExitCode::done);
}

// Questions straight from the stream, without a node.
class QuestionsTest : public testing::Test {
 protected:
  QuestionsTest() {
    plan_.target = *Endpoint::parse("127.0.0.1:1");
    plan_.sources = 3;
    plan_.seed = 5;
    plan_.keys = 8;
  }
  std::vector<Question> drawn(size_t count, uint32_t burst = 1) {
    LoadSources sources(plan_.target, plan_.sources);
    QuestionStream stream(plan_, sources);
    stream.set_burst(burst);
    std::vector<Question> questions;
    for (size_t i = 0; i < count; ++i) questions.push_back(stream.next(Instant{}));
    return questions;
  }
  LoadPlan plan_;
};

TEST_F(QuestionsTest, AreMixedByTheirShares) {
  plan_.mix = {1, 2, 3, 4, 10};
  std::array<int, request_kinds> seen{};
  constexpr int all = 20'000;
  for (const Question& each : drawn(all)) ++seen[static_cast<size_t>(each.kind)];
  for (size_t kind = 0; kind < request_kinds; ++kind) {
    EXPECT_NEAR(seen[kind], plan_.mix[kind] * all / 20.0, all * 0.015) << kind;
  }
  plan_.mix = {0, 0, 1, 0, 0};
  for (const Question& each : drawn(100)) EXPECT_EQ(each.kind, RequestKind::find_value_miss);
}

TEST_F(QuestionsTest, AreAboutKeysOfTheirKind) {
  const std::pair<RequestKind, IdDomain> domains[] = {
      {RequestKind::find_node, IdDomain::targets},
      {RequestKind::find_value_hit, IdDomain::hits},
      {RequestKind::find_value_miss, IdDomain::misses},
      {RequestKind::store, IdDomain::stores}};
  for (const Spread spread : {Spread::uniform, Spread::zipf}) {
    plan_.key_spread = spread;
    for (const auto& [kind, domain] : domains) {
      plan_.mix = {};
      plan_.mix[static_cast<size_t>(kind)] = 1;
      std::set<uint64_t> numbers;
      for (const Question& each : drawn(200)) {
        EXPECT_EQ(each.domain, domain);
        numbers.insert(each.number);
      }
      const bool from_the_pool = kind == RequestKind::find_value_hit ||
                                 (spread == Spread::zipf && kind != RequestKind::store);
      EXPECT_EQ(numbers.size(), from_the_pool ? 8u : 200u) << static_cast<int>(kind);
      EXPECT_TRUE(!from_the_pool || *numbers.rbegin() == 7u);
    }
  }
}

TEST_F(QuestionsTest, ComeFromEachSourceInTurnInBurstsOfOneSource) {
  const auto sources_of = [&](size_t count, uint32_t burst) {
    std::vector<uint32_t> sources;
    for (const Question& each : drawn(count, burst)) sources.push_back(each.source);
    return sources;
  };
  EXPECT_EQ(sources_of(7, 1), (std::vector<uint32_t>{0, 1, 2, 0, 1, 2, 0}));
  EXPECT_EQ(sources_of(7, 2), (std::vector<uint32_t>{0, 0, 1, 1, 2, 2, 0}));
}

TEST_F(QuestionsTest, ChangeAnIdOnceInItsTimeEachSourceInTurn) {
  plan_.id_change_every = seconds(10);
  LoadSources sources(plan_.target, 4);  // One of them is a contact, and keeps its id.
  QuestionStream stream(plan_, sources);
  const auto changed_at = [&](int64_t second) {
    std::vector<uint64_t> before;
    for (uint32_t i = 0; i < 4; ++i) before.push_back(sources.id_number(i));
    stream.next(Instant{} + seconds(second));
    std::vector<uint32_t> changed;
    for (uint32_t i = 0; i < 4; ++i) {
      if (sources.id_number(i) != before[i]) changed.push_back(i);
    }
    return changed;
  };
  using Sources = std::vector<uint32_t>;
  EXPECT_EQ(changed_at(5), Sources{0});
  EXPECT_EQ(changed_at(14), Sources{});
  EXPECT_EQ(changed_at(15), Sources{1});
  EXPECT_EQ(changed_at(100), Sources{2}) << "one, however late";
  EXPECT_EQ(changed_at(109), Sources{});
  EXPECT_EQ(changed_at(110), Sources{0});
}

}  // namespace
}  // namespace xord
