// What a load run asks, in which order and from whom.
#include "tools/load/load_step.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "tests/tools/load/scripted_node.h"

namespace xord {
namespace {

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

// A step on an exchange to which strangers send as well: before it, and while it runs.
class StepTest : public testing::Test {
 protected:
  StepTest() {
    plan_.target = node_.endpoint();
    plan_.mix = {0, 0, 0, 0, 1};
    plan_.sources = 1;
    plan_.waiting = Waiting::sleep;
    plan_.seed = 5;
    ExchangeConfig config;
    config.target = node_.endpoint();
    config.timeout = milliseconds(300);
    sources_.emplace(node_.endpoint(), 1);
    EXPECT_FALSE(LoadExchange::create(config, *sources_, &exchange_));
  }
  ~StepTest() override { close(socket_); }

  void send(const Packed& bytes) const {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(0x7f100001);
    to.sin_port = htons(exchange_->sockets()[0].bound.port);
    EXPECT_EQ(
        sendto(socket_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
        static_cast<ssize_t>(bytes.size()));
  }
  // One of no transaction, one with that of the first question, which only the target knows, and a
  // request.
  void send_strays() const {
    send({7, 7, 7});
    send(datagram(
        [](MutableBytes out) { return rpcudp::encode_ping_reply(out, Transaction{}, id_of(9)); }));
    send(datagram([](MutableBytes out) {
      return rpcudp::encode_find_node_request(out, Transaction{}, id_of(9), id_of(8));
    }));
  }

  const int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
  std::atomic<bool> is_first_{true};  // The first question gets no answer.
  const ScriptedNode node_{[this](const Request&, const Packed& answer) {
    return is_first_.exchange(false) ? Datagrams{} : Datagrams{answer};
  }};
  LoadPlan plan_;
  std::optional<LoadSources> sources_;
  std::unique_ptr<LoadExchange> exchange_;
};

TEST_F(StepTest, CountsTheStraysOfItsOwnTimeAlone) {
  const KeySpace keys(5, {}, {}, 0);
  ReplyCheck check(CheckDepth::content);
  QuestionStream questions(plan_, *sources_);
  LoadStep step(plan_, *exchange_, questions);
  exchange_->use(keys, check, step);
  exchange_->ask({RequestKind::ping, 0, 0, {}, exchange_->now()});
  for (int i = 0; i < 3; ++i) send_strays();
  const Instant until = exchange_->now() + seconds(20);
  while (exchange_->strays().requests < 3 && exchange_->now() < until) {
    exchange_->turn(Waiting::sleep, exchange_->now() + milliseconds(5));
  }
  ASSERT_EQ(exchange_->strays().strangers, 3u);
  ASSERT_EQ(exchange_->strays().wrong_source + exchange_->strays().late, 3u);
  const bool was_open = exchange_->strays().wrong_source == 3;
  for (int i = 0; i < 2; ++i) send_strays();
  const StepResult result = step.run({0, 2, {}, milliseconds(20)}, [](const StepProgress&) {});
  EXPECT_EQ(result.strays.strangers, 2u);
  EXPECT_EQ(result.strays.requests, 2u);
  EXPECT_EQ(result.strays.wrong_source + result.strays.late, 2u);
  EXPECT_TRUE(!was_open || result.strays.wrong_source > 0);
  EXPECT_EQ(result.strays.malformed, 0u);
  EXPECT_EQ(exchange_->strays().strangers, 5u);
  EXPECT_EQ(result.answered(), result.sent());
  EXPECT_EQ(result.lost(), 0u) << "the question before it is none of its own";
}

}  // namespace
}  // namespace xord
