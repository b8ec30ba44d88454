// Rules of pings without a slot: what proves a source, for how long, and on which shard.
#include "node/calls/ping_cookies.h"

#include <gtest/gtest.h>

#include "node/budget.h"

namespace xord {
namespace {

constexpr Instant start = Instant{} + hours(7) + milliseconds(400);
constexpr InFlight::Secret secret = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

Endpoint endpoint(uint32_t number) {
  return Endpoint::ipv4(0x0a000000 + number, 8468);
}

class PingCookiesTest : public testing::TestWithParam<size_t> {
 protected:
  static PingCookies cookies(ShardIndex shard, const InFlight::Secret& key = secret) {
    return PingCookies(shard, key, GetParam(), 4);
  }
  Bytes sent(Instant now, const Endpoint& to) {
    transaction = shard_2.transaction(now, to);
    return Bytes(transaction).first(GetParam());
  }

  const PingCookies shard_2 = cookies(2);
  Transaction transaction{};
};

INSTANTIATE_TEST_SUITE_P(Sizes, PingCookiesTest,
                         testing::Values(transaction_size, transaction_short));

TEST_P(PingCookiesTest, APongOfThePingedEndpointIsValidForFourToFiveSeconds) {
  const Bytes ping = sent(start, endpoint(1));
  EXPECT_TRUE(shard_2.is_valid(start, ping, endpoint(1)));
  EXPECT_TRUE(shard_2.is_valid(start + seconds(4), ping, endpoint(1)));
  EXPECT_FALSE(shard_2.is_valid(start + seconds(5), ping, endpoint(1)));
  EXPECT_FALSE(shard_2.is_valid(start + hours(24 * 365), ping, endpoint(1)));
  for (int64_t ms = 0; ms < 1000; ms += 50) {
    const Bytes at_once = sent(start + milliseconds(ms), endpoint(1));
    EXPECT_TRUE(shard_2.is_valid(start + milliseconds(ms) + held_lifetime, at_once, endpoint(1)));
    EXPECT_FALSE(
        shard_2.is_valid(start + milliseconds(ms) + transaction_lifetime, at_once, endpoint(1)));
  }
}

TEST_P(PingCookiesTest, NoOtherEndpointCanUseIt) {
  const Bytes ping = sent(start, endpoint(1));
  EXPECT_FALSE(shard_2.is_valid(start, ping, endpoint(2)));
  Endpoint other = endpoint(1);
  other.port = 8469;
  EXPECT_FALSE(shard_2.is_valid(start, ping, other));
  other = endpoint(1);
  other.scope = 3;
  EXPECT_FALSE(shard_2.is_valid(start, ping, other));
}

TEST_P(PingCookiesTest, NoOtherShardAndNoOtherSecretAcceptsIt) {
  const Bytes ping = sent(start, endpoint(1));
  EXPECT_FALSE(cookies(1).is_valid(start, ping, endpoint(1)));
  InFlight::Secret other = secret;
  other[15] ^= 1;
  EXPECT_FALSE(cookies(2, other).is_valid(start, ping, endpoint(1)));
}

TEST_P(PingCookiesTest, AnyChangedByteMakesItInvalidAndSoDoesAnyOtherLength) {
  const Bytes ping = sent(start, endpoint(1));
  for (size_t at = 0; at < GetParam(); ++at) {
    Transaction changed = transaction;
    changed[at] ^= 1;
    EXPECT_FALSE(shard_2.is_valid(start, Bytes(changed).first(GetParam()), endpoint(1))) << at;
  }
  EXPECT_FALSE(shard_2.is_valid(start, {}, endpoint(1)));
  EXPECT_FALSE(shard_2.is_valid(start, ping.first(GetParam() - 1), endpoint(1)));
}

TEST_P(PingCookiesTest, ItsFirstByteNamesTheShardAsThatOfACallDoes) {
  const InFlight calls(2, 16, secret, start, GetParam(), 4);
  for (uint32_t i = 0; i < 100; ++i) {
    EXPECT_EQ(calls.shard_of(sent(start + seconds(i), endpoint(i))), ShardIndex{2});
  }
}

TEST_P(PingCookiesTest, ACallsTransactionProvesNothingByItself) {
  InFlight calls(2, 16, secret, start, GetParam(), 4);
  Call call;
  call.to = endpoint(1);
  for (int i = 0; i < 16; ++i) {
    const auto opened = calls.open(start, call, seconds(1));
    ASSERT_TRUE(opened);
    EXPECT_FALSE(shard_2.is_valid(start, Bytes(*opened).first(GetParam()), endpoint(1)));
  }
}

}  // namespace
}  // namespace xord
