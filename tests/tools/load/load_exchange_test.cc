// Requests and replies of a load run over real sockets: what is sent from where, how a question
// ends, and what becomes of datagrams that no question explains.
#include "tools/load/load_exchange.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <vector>

#include "node/client/client_id.h"
#include "tests/tools/load/scripted_node.h"

namespace xord {
namespace {

class Listening : public ExchangeListener {
 public:
  struct End {
    Question question;
    Ending ending;
    Verdict verdict;
    Duration latency;
  };
  void ended(const Question& question, Ending ending, Verdict verdict, Duration latency) override {
    ends.push_back({question, ending, verdict, latency});
  }
  void answered(const Question&, Bytes datagram) override { answers += !datagram.empty(); }

  std::vector<End> ends;
  int answers = 0;
};

// A socket of a stranger on this host.
class Stranger {
 public:
  Stranger() : socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
    const timeval patience{10, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Stranger() { close(socket_); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  void send(const Packed& bytes, uint32_t address, uint16_t port) const {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(address);
    to.sin_port = htons(port);
    EXPECT_EQ(
        sendto(socket_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
        static_cast<ssize_t>(bytes.size()));
  }
  Packed receive() const {
    Packed bytes(2'000);
    const ssize_t size = recv(socket_, bytes.data(), bytes.size(), 0);
    bytes.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return bytes;
  }

 private:
  const int socket_;
};

class LoadExchangeTest : public testing::Test {
 protected:
  static constexpr uint32_t first_source = 0x7f100001;  // 127.16.0.1

  LoadExchangeTest() {
    config_.timeout = hours(1);  // Nothing is lost, however slow this machine is.
    config_.tag = 0x0123456789abcdef;
  }
  void start(const ScriptedNode& node) {
    config_.target = node.endpoint();
    sources_.emplace(node.endpoint(), 3);
    ASSERT_FALSE(LoadExchange::create(config_, *sources_, &exchange_));
    exchange_->use(keys_, check_, listening_);
  }
  void ask(RequestKind kind, uint32_t source, uint64_t number = 0,
           IdDomain domain = IdDomain::targets) {
    exchange_->ask({kind, source, number, domain, exchange_->now()});
  }
  void turn(int turns = 1) {
    for (int i = 0; i < turns; ++i) exchange_->turn(Waiting::spin, Instant{});
  }
  // Until `condition` holds, or the test fails.
  template <class Condition>
  void turn_until(Condition&& condition) {
    const Instant until = exchange_->now() + seconds(20);
    while (!condition() && exchange_->now() < until) {
      exchange_->turn(Waiting::sleep, exchange_->now() + milliseconds(5));
    }
    EXPECT_TRUE(condition());
  }
  void finish() {
    turn_until([this] { return exchange_->open_count() == 0; });
  }
  uint16_t own_port() const { return exchange_->sockets()[0].bound.port; }

  ExchangeConfig config_;
  std::optional<LoadSources> sources_;
  const KeySpace keys_{7, {}, {}, 0};
  ReplyCheck check_{CheckDepth::content};
  Listening listening_;
  std::unique_ptr<LoadExchange> exchange_;  // Borrows the others.
};

TEST_F(LoadExchangeTest, EachQuestionIsTheRequestOfItsKindFromItsSource) {
  const ScriptedNode node;
  start(node);
  const std::tuple<RequestKind, Method, IdDomain> kinds[] = {
      {RequestKind::find_node, Method::find_node, IdDomain::targets},
      {RequestKind::find_value_hit, Method::find_value, IdDomain::hits},
      {RequestKind::find_value_miss, Method::find_value, IdDomain::misses},
      {RequestKind::store, Method::store, IdDomain::stores},
      {RequestKind::ping, Method::ping, IdDomain::targets}};
  for (uint32_t i = 0; const auto& [kind, method, domain] : kinds) {
    ask(kind, i % 3, 40 + i, domain);
    finish();
    const auto asked = node.asked().back();
    EXPECT_EQ(asked.method, method);
    EXPECT_EQ(asked.from, IpAddress::ipv4(first_source + i % 3));
    EXPECT_EQ(asked.sender, client_id);
    if (kind != RequestKind::ping) {
      EXPECT_EQ(asked.target, keys_.id(domain, 40 + i));
    }
    if (kind == RequestKind::store) {
      EXPECT_TRUE(keys_.is_value(domain, 40 + i, asked.value));
    }
    ASSERT_EQ(listening_.ends.size(), ++i);
    const auto& end = listening_.ends.back();
    EXPECT_EQ(end.question.kind, kind);
    EXPECT_EQ(end.ending, Ending::answered);
    EXPECT_EQ(end.verdict,
              kind == RequestKind::find_value_hit ? Verdict::value_missing : Verdict::right);
    EXPECT_GE(end.latency, Duration{});
    EXPECT_LT(end.latency, minutes(5));
  }
  EXPECT_EQ(node.asked().size(), 5u);
  EXPECT_EQ(listening_.answers, 5);
  EXPECT_EQ(exchange_->backend_name(), "epoll");
}

TEST_F(LoadExchangeTest, SourcesBelowABoundHaveIdsOfTheirOwnAndAreAskedForBesideThem) {
  config_.own_ids = 2;
  const ScriptedNode node;
  start(node);
  EXPECT_EQ(exchange_->id_of(0), keys_.id(IdDomain::sources, 0));
  EXPECT_EQ(exchange_->id_of(1), keys_.id(IdDomain::sources, 1));
  EXPECT_EQ(exchange_->id_of(2), client_id);
  sources_->change_id(1);
  EXPECT_EQ(exchange_->id_of(1), keys_.id(IdDomain::sources, sources_->id_number(1)));
  EXPECT_NE(exchange_->id_of(1), keys_.id(IdDomain::sources, 1));
  ask(RequestKind::find_node, 2, 1, IdDomain::sources);
  finish();
  const auto asked = node.asked().back();
  EXPECT_EQ(asked.sender, client_id);
  Id beside = exchange_->id_of(1);
  beside.bytes[id_size - 1] ^= 1;
  EXPECT_EQ(asked.target, beside);
}

TEST_F(LoadExchangeTest, AsManyQuestionsAreOpenAsItHasRowsFor) {
  config_.questions_max = 5;  // Eight, as a power of two.
  const ScriptedNode node([](const Request&, const Packed&) { return Datagrams{}; });
  start(node);
  for (uint32_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(exchange_->can_ask()) << i;
    EXPECT_EQ(exchange_->open_count(), i);
    ask(RequestKind::ping, 0, i);
    turn();
  }
  EXPECT_FALSE(exchange_->can_ask());
  EXPECT_TRUE(listening_.ends.empty());
  exchange_->give_up_open();
  EXPECT_EQ(exchange_->open_count(), 0u);
  ASSERT_EQ(listening_.ends.size(), 8u);
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_EQ(listening_.ends[i].ending, Ending::lost);
    EXPECT_EQ(listening_.ends[i].question.number, i);
  }
  EXPECT_TRUE(exchange_->can_ask());
  exchange_->give_up_open();
  EXPECT_EQ(listening_.ends.size(), 8u) << "each ends once";
}

TEST_F(LoadExchangeTest, ATurnSendsABatchAtMost) {
  const ScriptedNode node;
  start(node);
  for (uint32_t i = 0; i < batch_max; ++i) {
    ASSERT_TRUE(exchange_->can_ask()) << i;
    ask(RequestKind::ping, i % 3);
  }
  EXPECT_FALSE(exchange_->can_ask());
  turn();
  EXPECT_TRUE(exchange_->can_ask());
}

// One that was planned an hour ago is overdue at once; the one after it is not.
TEST_F(LoadExchangeTest, AQuestionIsLostItsTimeoutAfterItWasPlanned) {
  const ScriptedNode node([](const Request&, const Packed&) { return Datagrams{}; });
  start(node);
  const Instant begun = exchange_->now();
  exchange_->ask({RequestKind::ping, 0, 1, {}, begun - hours(2)});
  exchange_->ask({RequestKind::ping, 0, 2, {}, begun - hours(1)});
  exchange_->ask({RequestKind::ping, 0, 3, {}, begun});
  turn();
  EXPECT_EQ(exchange_->open_count(), 1u);
  ASSERT_EQ(listening_.ends.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(listening_.ends[i].question.number, i + 1);
    EXPECT_EQ(listening_.ends[i].ending, Ending::lost);
  }
  EXPECT_GE(listening_.ends[0].latency, hours(2));
  EXPECT_LT(listening_.ends[1].latency, hours(2));
}

TEST_F(LoadExchangeTest, ATurnThatMaySleepLastsUntilItsEndWhereNothingComes) {
  const ScriptedNode node;
  start(node);
  const Instant until = exchange_->now() + milliseconds(20);
  exchange_->turn(Waiting::sleep, until);
  EXPECT_GE(exchange_->now(), until - milliseconds(2));
  exchange_->turn(Waiting::sleep, until);  // In the past.
  exchange_->turn(Waiting::spin, until + hours(1));
  EXPECT_LT(exchange_->now(), until + minutes(5)) << "neither waits";
}

TEST_F(LoadExchangeTest, LatencyCountsFromTheTimeThatWasPlanned) {
  const ScriptedNode node;
  start(node);
  exchange_->ask({RequestKind::ping, 0, 0, {}, exchange_->now() - minutes(30)});
  finish();
  EXPECT_GE(listening_.ends.at(0).latency, minutes(30));
  EXPECT_LT(listening_.ends.at(0).latency, minutes(31));
}

TEST_F(LoadExchangeTest, ATransactionBeginsWithTheNumberAndEndsWithTheTagOfTheRun) {
  std::vector<Packed> seen;
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    seen.emplace_back(request.transaction.begin(), request.transaction.end());
    return Datagrams{answer};
  });
  start(node);
  for (int i = 0; i < 2; ++i) {
    ask(RequestKind::ping, 0);
    finish();
  }
  ASSERT_EQ(seen.size(), 2u);
  for (uint64_t i = 0; i < 2; ++i) {
    EXPECT_EQ(load_be64(seen[i].data()), i);
    EXPECT_EQ(load_be64(seen[i].data() + 8), config_.tag);
  }
}

TEST_F(LoadExchangeTest, AnAnswerThatComesAgainIsLateAndOneToNothingIsUnknown) {
  Transaction unasked{};
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    Request other = request;
    std::copy(request.transaction.begin(), request.transaction.end(), unasked.begin());
    unasked[7] = 99;  // A number that was never asked, with the tag of the run.
    other.transaction = unasked;
    return Datagrams{answer, answer, stored(other, true)};
  });
  start(node);
  ask(RequestKind::ping, 0);
  turn_until([this] { return exchange_->strays().unknown_transaction == 1; });
  EXPECT_EQ(exchange_->strays().late, 1u);
  EXPECT_EQ(exchange_->strays().wrong(), 1u);
  EXPECT_EQ(listening_.ends.size(), 1u);
}

// Anybody may send to these sockets: that is not the target's doing, unless the transaction is.
TEST_F(LoadExchangeTest, WhatComesFromElsewhereIsAStrangersUnlessItKnowsTheTransaction) {
  std::atomic<bool> is_asked{false};
  Packed answer;
  const ScriptedNode node([&](const Request&, const Packed& right) {
    answer = right;
    is_asked = true;
    return Datagrams{};
  });
  start(node);
  ask(RequestKind::ping, 0);
  turn_until([&] { return is_asked.load(); });
  const Stranger stranger;
  Packed guessed = answer;
  guessed[10] ^= 1;  // In its transaction.
  for (const Packed& bytes :
       {guessed, Packed{7, 7, 7}, Packed(answer.begin(), answer.begin() + 9)}) {
    stranger.send(bytes, first_source, own_port());
  }
  turn_until([this] { return exchange_->strays().strangers == 3; });
  EXPECT_EQ(exchange_->strays().wrong(), 0u);
  stranger.send(answer, first_source, own_port());
  turn_until([this] { return exchange_->strays().wrong_source == 1; });
  EXPECT_EQ(exchange_->strays().wrong(), 1u);
  EXPECT_EQ(exchange_->open_count(), 1u) << "the target itself has not answered";
}

TEST_F(LoadExchangeTest, APingIsAnsweredWithTheIdOfTheSourceThatItCameTo) {
  config_.own_ids = 1;
  const ScriptedNode node;
  start(node);
  const Stranger stranger;
  const Transaction transaction{5};
  const Packed ping = datagram(
      [&](MutableBytes out) { return rpcudp::encode_ping_request(out, transaction, id_of(9)); });
  for (uint32_t source = 0; source < 2; ++source) {
    stranger.send(ping, first_source + source, own_port());
    turn_until([&] { return exchange_->strays().pings_answered == source + 1; });
    turn();
    EXPECT_EQ(stranger.receive(), datagram([&](MutableBytes out) {
                return rpcudp::encode_ping_reply(out, transaction, exchange_->id_of(source));
              }));
  }
  stranger.send(ping, first_source + 3, own_port());  // There are three.
  turn_until([this] { return exchange_->strays().pings_ignored == 1; });
  const Packed find = datagram([&](MutableBytes out) {
    return rpcudp::encode_find_node_request(out, transaction, id_of(9), id_of(8));
  });
  stranger.send(find, first_source, own_port());
  turn_until([this] { return exchange_->strays().requests == 1; });
  EXPECT_EQ(exchange_->strays().pings_answered, 2u);
  EXPECT_EQ(exchange_->strays().wrong(), 0u);
}

TEST_F(LoadExchangeTest, SourcesThatAreSilentAnswerNoPing) {
  config_.answer_pings = AnswerPings::no;
  const ScriptedNode node;
  start(node);
  const Stranger stranger;
  stranger.send(datagram([&](MutableBytes out) {
                  return rpcudp::encode_ping_request(out, Transaction{5}, id_of(9));
                }),
                first_source, own_port());
  turn_until([this] { return exchange_->strays().pings_ignored == 1; });
  EXPECT_EQ(exchange_->strays().pings_answered, 0u);
}

}  // namespace
}  // namespace xord
