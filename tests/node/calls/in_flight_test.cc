// Rules of requests in flight, and their agreement with a map under random use.
#include "node/calls/in_flight.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "reactor/base/rng.h"

namespace xord {
namespace {

constexpr Instant start = Instant{} + hours(1);
constexpr InFlight::Secret secret = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

Endpoint endpoint(uint32_t number) {
  return Endpoint::ipv4(0x0a000000 + number, 8468);
}

Call call_to(uint32_t number, uint16_t row = 0) {
  Call call;
  call.purpose = Purpose::lookup;
  call.method = Method::find_node;
  call.to = endpoint(number);
  call.row = row;
  return call;
}

struct Reported {
  uint16_t row;
  Overdue what;
  bool operator==(const Reported&) const = default;
};

std::vector<Reported> reported_by(InFlight& in_flight, Instant now) {
  std::vector<Reported> reported;
  in_flight.advance(now, [&](const Call& call, Overdue what) {
    reported.push_back({call.row, what});
  });
  return reported;
}

TEST(InFlight, AnAnswerFromWhomWasAskedGivesTheCallBackOnceWithItsRoundTrip) {
  InFlight in_flight(3, 8, secret, start);
  Call call = call_to(7, 42);
  call.responder = Id{};
  call.attempt = 1;
  const auto transaction = in_flight.open(start, call, seconds(1));
  ASSERT_TRUE(transaction.has_value());

  const Match match = in_flight.match(start + milliseconds(30), *transaction, endpoint(7));
  EXPECT_EQ(match.result, MatchResult::answered);
  EXPECT_EQ(match.call.row, 42u);
  EXPECT_EQ(match.call.method, Method::find_node);
  EXPECT_EQ(match.call.attempt, 1);
  EXPECT_EQ(match.call.responder, Id{});
  EXPECT_EQ(match.round_trip, milliseconds(30));

  EXPECT_EQ(in_flight.match(start, *transaction, endpoint(7)).result, MatchResult::unknown);
  EXPECT_EQ(in_flight.open_count(), 0u);
  EXPECT_EQ(in_flight.next_wakeup(), std::nullopt);
}

TEST(InFlight, AReplyFromElsewhereDoesNotDisturbTheCall) {
  InFlight in_flight(0, 8, secret, start);
  const Transaction transaction = *in_flight.open(start, call_to(7), seconds(1));
  Endpoint other_port = endpoint(7);
  other_port.port = 1;

  const Match elsewhere = in_flight.match(start, transaction, endpoint(8));
  EXPECT_EQ(elsewhere.result, MatchResult::wrong_source);
  EXPECT_EQ(elsewhere.call.to, endpoint(7)) << "whose call it was";
  EXPECT_EQ(in_flight.match(start, transaction, other_port).result, MatchResult::wrong_source);
  EXPECT_EQ(in_flight.match(start, transaction, endpoint(7)).result, MatchResult::answered);
}

TEST(InFlight, ATransactionWrongInAnyByteOrOfAnyOtherLengthIsUnknown) {
  InFlight in_flight(5, 8, secret, start);
  const Transaction transaction = *in_flight.open(start, call_to(7), seconds(1));
  for (size_t i = 0; i < transaction.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Transaction forged = transaction;
      forged[i] = static_cast<uint8_t>(forged[i] ^ (1 << bit));
      EXPECT_EQ(in_flight.match(start, forged, endpoint(7)).result, MatchResult::unknown);
    }
    const Bytes prefix = Bytes(transaction).first(i);
    EXPECT_EQ(in_flight.match(start, prefix, endpoint(7)).result, MatchResult::unknown);
  }
  std::vector<uint8_t> longer(transaction.begin(), transaction.end());
  longer.push_back(0);
  EXPECT_EQ(in_flight.match(start, longer, endpoint(7)).result, MatchResult::unknown);
  EXPECT_EQ(in_flight.match(start, transaction, endpoint(7)).result, MatchResult::answered);
}

TEST(InFlight, TheFirstByteOfATransactionNamesTheShardSoThatAReplyCanBeSteered) {
  for (const ShardIndex shard : std::to_array<ShardIndex>({0, 1, 63})) {
    InFlight in_flight(shard, 4, secret, start);
    EXPECT_EQ((*in_flight.open(start, call_to(1), seconds(1)))[0], shard);
  }
}

TEST(InFlight, TransactionsReplayWithEqualSecretsAndDifferInAllHashBytesOtherwise) {
  InFlight::Secret other = secret;
  other[0] ^= 1;
  InFlight first(0, 4, secret, start);
  InFlight again(0, 4, secret, start);
  InFlight foreign(0, 4, other, start);
  for (int i = 0; i < 4; ++i) {
    const Transaction transaction = *first.open(start, call_to(1), seconds(1));
    EXPECT_EQ(transaction, *again.open(start, call_to(1), seconds(1)));
    const Transaction unlike = *foreign.open(start, call_to(1), seconds(1));
    int equal_bytes = 0;
    for (size_t at = 4; at < transaction_size; ++at) equal_bytes += transaction[at] == unlike[at];
    EXPECT_LE(equal_bytes, 3);
  }
}

TEST(InFlight, NoTransactionIsUsedTwice) {
  InFlight in_flight(0, 1, secret, start);  // Always the same slot.
  std::set<Transaction> seen;
  for (int i = 0; i < 1000; ++i) {
    const Transaction transaction = *in_flight.open(start, call_to(1), seconds(1));
    EXPECT_TRUE(seen.insert(transaction).second);
    EXPECT_EQ(in_flight.match(start, transaction, call_to(1).to).result, MatchResult::answered);
  }
}

TEST(InFlight, RefusesWhenFull) {
  InFlight in_flight(0, 2, secret, start);
  const Transaction first = *in_flight.open(start, call_to(1), seconds(1));
  EXPECT_TRUE(in_flight.open(start, call_to(2), seconds(1)).has_value());
  EXPECT_FALSE(in_flight.open(start, call_to(3), seconds(1)).has_value());
  EXPECT_EQ(in_flight.match(start, first, call_to(1).to).result, MatchResult::answered);
  EXPECT_TRUE(in_flight.open(start, call_to(3), seconds(1)).has_value());
}

TEST(InFlight, Checklist17ACallIsSlowAtItsAdaptiveTimeoutAndALateAnswerStillCounts) {
  InFlight in_flight(0, 8, secret, start);
  const Transaction transaction = *in_flight.open(start, call_to(7, 1), milliseconds(300));

  EXPECT_TRUE(reported_by(in_flight, start + milliseconds(299)).empty());
  EXPECT_EQ(reported_by(in_flight, start + milliseconds(301)),
            (std::vector<Reported>{{1, Overdue::slow}}));
  EXPECT_TRUE(reported_by(in_flight, start + milliseconds(4999)).empty());
  const Match match = in_flight.match(start + milliseconds(4999), transaction, endpoint(7));
  EXPECT_EQ(match.result, MatchResult::answered);
  EXPECT_EQ(match.round_trip, milliseconds(4999));
}

TEST(InFlight, ACallExpiresAfterFiveSecondsAndItsAnswerIsUnknownThen) {
  InFlight in_flight(0, 8, secret, start);
  const Transaction transaction = *in_flight.open(start, call_to(7, 1), milliseconds(300));
  reported_by(in_flight, start + seconds(1));
  EXPECT_EQ(reported_by(in_flight, start + seconds(5) + timer_tick),
            (std::vector<Reported>{{1, Overdue::expired}}));
  EXPECT_EQ(in_flight.match(start + seconds(6), transaction, endpoint(7)).result,
            MatchResult::unknown);
  EXPECT_EQ(in_flight.next_wakeup(), std::nullopt);
}

// A suspended node finds the answer in its socket when it wakes up, before its timers have run.
TEST(InFlight, AnAnswerOlderThanTheLifetimeIsUnknownThoughTheCallHasNotExpiredYet) {
  InFlight in_flight(0, 8, secret, start);
  const Transaction transaction = *in_flight.open(start, call_to(7, 1), milliseconds(300));
  const Instant awake = start + seconds(5);
  EXPECT_EQ(in_flight.match(awake, transaction, endpoint(7)).result, MatchResult::unknown);
  EXPECT_EQ(in_flight.match(awake, transaction, endpoint(8)).result, MatchResult::unknown);
  EXPECT_EQ(reported_by(in_flight, awake + timer_tick),
            (std::vector<Reported>{{1, Overdue::expired}}));
}

TEST(InFlight, ACallThatWasOpenOverALongSleepExpiresAtOnce) {
  InFlight in_flight(0, 8, secret, start);
  const Transaction transaction = *in_flight.open(start, call_to(7, 1), milliseconds(300));
  const Instant awake = start + hours(2);
  EXPECT_EQ(reported_by(in_flight, awake), (std::vector<Reported>{{1, Overdue::expired}}));
  EXPECT_EQ(in_flight.match(awake, transaction, endpoint(7)).result, MatchResult::unknown);
}

TEST(InFlight, ACallWhoseAdaptiveTimeoutIsItsLifetimeIsNeverSlow) {
  InFlight in_flight(0, 8, secret, start);
  ASSERT_TRUE(in_flight.open(start, call_to(7, 1), adaptive_timeout_max).has_value());
  EXPECT_EQ(reported_by(in_flight, start + seconds(6)),
            (std::vector<Reported>{{1, Overdue::expired}}));
}

TEST(InFlight, TheOwnerMayOpenCallsWhileItIsToldOfOverdueOnes) {
  InFlight in_flight(0, 1, secret, start);
  ASSERT_TRUE(in_flight.open(start, call_to(1, 1), adaptive_timeout_max).has_value());
  const Instant later = start + seconds(6);
  in_flight.advance(later, [&](const Call& call, Overdue what) {
    EXPECT_EQ(call.row, 1u);
    EXPECT_EQ(what, Overdue::expired);
    EXPECT_TRUE(in_flight.open(later, call_to(2, 2), seconds(1)).has_value());
  });
  EXPECT_EQ(in_flight.open_count(), 1u);
  EXPECT_EQ(reported_by(in_flight, later + seconds(2)),
            (std::vector<Reported>{{2, Overdue::slow}}));
}

// The model: every open call, by transaction, with the times of its two reports.
class Drive {
 public:
  explicit Drive(uint64_t seed) : rng_(seed), in_flight_(1, calls_max, secret, start) {}

  void run() {
    for (int step = 0; step < 4000 && !testing::Test::HasFailure(); ++step) {
      const uint64_t choice = rng_.bounded(10);
      if (choice < 4) open();
      if (choice >= 4 && choice < 6) answer();
      if (choice >= 6 && choice < 8) forge();
      if (choice >= 8) advance();
      EXPECT_EQ(in_flight_.open_count(), model_.size());
    }
  }

 private:
  static constexpr uint32_t calls_max = 32;
  struct Open {
    Call call;
    Instant sent;
    std::optional<Instant> slow_at;
  };

  void open() {
    const auto number = static_cast<uint32_t>(rng_.bounded(50));
    const Call call = call_to(number, next_row_++);
    const Duration adaptive = milliseconds(200 + static_cast<int64_t>(rng_.bounded(4900)));
    const auto transaction = in_flight_.open(now_, call, adaptive);
    ASSERT_EQ(transaction.has_value(), model_.size() < calls_max);
    if (!transaction) return;
    Open open{call, now_, std::nullopt};
    if (adaptive < transaction_lifetime) open.slow_at = now_ + adaptive;
    ASSERT_TRUE(model_.emplace(*transaction, open).second);
    past_.push_back(*transaction);
  }
  void answer() {
    if (model_.empty()) return;
    const auto at = std::next(model_.begin(), static_cast<long>(rng_.bounded(model_.size())));
    const Match match = in_flight_.match(now_, at->first, at->second.call.to);
    if (is_late(at->second)) {
      EXPECT_EQ(match.result, MatchResult::unknown);
      return;
    }
    EXPECT_EQ(match.result, MatchResult::answered);
    EXPECT_EQ(match.call.row, at->second.call.row);
    EXPECT_EQ(match.round_trip, now_ - at->second.sent);
    model_.erase(at);
  }
  void forge() {
    Transaction transaction;
    rng_.fill(transaction);
    if (!past_.empty() && rng_.chance(0.8)) transaction = past_[rng_.bounded(past_.size())];
    if (rng_.chance(0.3)) transaction[rng_.bounded(transaction_size)] ^= 0x10;
    const Endpoint stranger = endpoint(1000);
    const auto open = model_.find(transaction);
    const auto expected = open != model_.end() && !is_late(open->second) ? MatchResult::wrong_source
                                                                         : MatchResult::unknown;
    EXPECT_EQ(in_flight_.match(now_, transaction, stranger).result, expected);
  }
  bool is_late(const Open& open) const { return now_ >= open.sent + transaction_lifetime; }
  void advance() {
    now_ = now_ + milliseconds(static_cast<int64_t>(rng_.bounded(rng_.chance(0.1) ? 9000 : 400)));
    if (rng_.chance(0.2)) return;  // Answers come first in a turn.
    in_flight_.advance(now_, [&](const Call& call, Overdue what) { overdue(call, what); });
    for (const auto& [transaction, open] : model_) {  // Nothing is overdue and unreported.
      if (open.slow_at) {
        EXPECT_LT(now_ - timer_tick, *open.slow_at);
      }
      EXPECT_LT(now_ - timer_tick, open.sent + transaction_lifetime);
    }
  }
  void overdue(const Call& call, Overdue what) {
    const auto at = std::find_if(model_.begin(), model_.end(), [&](const auto& open) {
      return open.second.call.row == call.row;
    });
    ASSERT_NE(at, model_.end());
    if (what == Overdue::slow) {
      ASSERT_TRUE(at->second.slow_at.has_value());
      EXPECT_GE(now_, *at->second.slow_at);
      at->second.slow_at.reset();
    } else {
      EXPECT_GE(now_, at->second.sent + transaction_lifetime);
      model_.erase(at);
    }
  }

  Rng rng_;
  InFlight in_flight_;
  Instant now_ = start;
  uint16_t next_row_ = 1;
  std::map<Transaction, Open> model_;
  std::vector<Transaction> past_;
};

TEST(InFlight, AgreesWithAMapWhateverIsOpenedAnsweredForgedOrLate) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Drive(seed).run();
  }
}

// ---- Transactions of four bytes.

Bytes short_of(const Transaction& transaction) {
  return Bytes(transaction).first(transaction_short);
}

TEST(InFlightShort, NamesTheShardAndIsAnsweredOnceFromWhereItWasAsked) {
  for (const ShardIndex shard : std::array<ShardIndex, 4>{0, 1, 2, 4}) {
    InFlight in_flight(shard, 64, secret, start, transaction_short, 5);
    const Transaction transaction = *in_flight.open(start, call_to(1, 9), seconds(1));
    EXPECT_EQ(in_flight.shard_of(short_of(transaction)), shard);
    EXPECT_EQ(in_flight.shard_of(transaction), std::nullopt) << "20 bytes are none of ours";
    EXPECT_EQ(in_flight.match(start, short_of(transaction), call_to(2).to).result,
              MatchResult::wrong_source);
    const Match match = in_flight.match(start, short_of(transaction), call_to(1).to);
    EXPECT_EQ(match.result, MatchResult::answered);
    EXPECT_EQ(match.call.row, 9);
    EXPECT_EQ(in_flight.match(start, short_of(transaction), call_to(1).to).result,
              MatchResult::unknown);
  }
}

TEST(InFlightShort, EqualsAMapOverRandomOpensAndAnswers) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    InFlight in_flight(1, 50, secret, start, transaction_short, 2);
    std::vector<std::pair<Transaction, uint16_t>> open;
    for (uint16_t row = 0; row < 2000; ++row) {
      if (open.size() < 50 && rng.bounded(2) == 0) {
        open.emplace_back(*in_flight.open(start, call_to(row % 7, row), seconds(1)), row);
      } else if (!open.empty()) {
        const size_t at = rng.bounded(open.size());
        const auto [transaction, opened] = open[at];
        const Match match = in_flight.match(start, short_of(transaction), call_to(opened % 7).to);
        ASSERT_EQ(match.result, MatchResult::answered);
        ASSERT_EQ(match.call.row, opened);
        open.erase(open.begin() + static_cast<ptrdiff_t>(at));
      }
      ASSERT_EQ(in_flight.open_count(), open.size());
    }
  }
}

TEST(InFlightShort, AGuessHitsOneOpenCallInMillions) {
  InFlight in_flight(0, 64, secret, start, transaction_short, 1);
  for (uint32_t i = 0; i < 64; ++i) ASSERT_TRUE(in_flight.open(start, call_to(1), seconds(1)));
  Rng rng(3);
  int hits = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    Transaction guess{};
    store_be32(guess.data(), static_cast<uint32_t>(rng.next()));
    hits += in_flight.match(start, short_of(guess), call_to(2).to).result != MatchResult::unknown;
  }
  EXPECT_LE(hits, 2);
}

}  // namespace
}  // namespace xord
