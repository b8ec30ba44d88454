// Rules of ids, keys and hexadecimal text.
#include "reactor/base/id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "reactor/base/hex.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

// Shares `bits` leading bits with `id` and differs in the next, if any.
Id sharing(const Id& id, uint32_t bits, Rng& rng) {
  Id other = random_id(rng);
  for (uint32_t at = 0; at <= bits && at < id_bits; ++at) {
    const bool wanted = at < bits ? id.bit(at) : !id.bit(at);
    const auto mask = static_cast<uint8_t>(0x80 >> at % 8);
    uint8_t& byte = other.bytes[at / 8];
    byte = wanted ? static_cast<uint8_t>(byte | mask) : static_cast<uint8_t>(byte & ~mask);
  }
  return other;
}

TEST(Id, IsReadFromFortyHexadecimalDigitsAndNothingElse) {
  const std::string digits = "0123456789abcdef0123456789ABCDEF01234567";
  const auto id = Id::from_hex(digits);
  ASSERT_TRUE(id);
  EXPECT_EQ(id->hex(), "0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(id->leading_word(), 0x0123456789abcdefu);
  EXPECT_FALSE(Id::from_hex(""));
  EXPECT_FALSE(Id::from_hex(digits.substr(1)));
  EXPECT_FALSE(Id::from_hex(digits + "0"));
  EXPECT_FALSE(Id::from_hex(digits + "00"));
  EXPECT_FALSE(Id::from_hex("g" + digits.substr(1)));
}

TEST(Id, AreOrderedAsBigEndianNumbers) {
  Id small, large;
  small.bytes[19] = 0xff;
  large.bytes[0] = 0x01;
  EXPECT_LT(small, large);
  small.bytes[0] = 0x7f;
  large.bytes[0] = 0x80;
  EXPECT_LT(small, large);
}

TEST(Id, SharesAsManyLeadingBitsAsWereMadeEqual) {
  for (uint32_t bits = 0; bits <= id_bits; ++bits) {
    Rng rng(bits);
    const Id id = random_id(rng);
    EXPECT_EQ(shared_prefix(id, sharing(id, bits, rng)), bits);
  }
}

TEST(Id, NearerAgreesWithTheOrderOfDistances) {
  for (uint64_t seed = 1; seed <= 5'000; ++seed) {
    Rng rng(seed);
    const Id target = random_id(rng);
    const Id a = sharing(target, static_cast<uint32_t>(rng.bounded(161)), rng);
    const Id b = sharing(a, static_cast<uint32_t>(rng.bounded(161)), rng);
    ASSERT_EQ(nearer(target, a, b), distance(target, a) < distance(target, b)) << "seed " << seed;
    ASSERT_FALSE(nearer(target, a, a));
  }
}

TEST(Id, ADistanceIsTheXorAndZeroOnlyToItself) {
  Rng rng(1);
  const Id a = random_id(rng);
  const Id b = random_id(rng);
  EXPECT_EQ(distance(a, a), Id{});
  EXPECT_EQ(distance(a, b), distance(b, a));
  EXPECT_EQ(distance(a, distance(a, b)), b);
}

TEST(ShardOf, IsTheShareOfTheLastTwoBytes) {
  for (uint32_t shards = 1; shards <= shards_max; ++shards) {
    std::vector<uint32_t> count(shards);
    for (uint32_t last = 0; last < 0x10000; ++last) {
      Id key;
      store_be16(&key.bytes[18], static_cast<uint16_t>(last));
      const ShardIndex owner = shard_of(key, shards);
      ASSERT_LT(owner, shards);
      ASSERT_EQ(owner, (uint64_t{last} * shards) / 0x10000);
      ++count[owner];
    }
    // All own the same number of keys, apart from rounding.
    EXPECT_LE(*std::max_element(count.begin(), count.end()) -
                  *std::min_element(count.begin(), count.end()),
              1u);
  }
}

TEST(ShardOf, LooksAtNothingButTheLastTwoBytes) {
  Rng rng(7);
  for (int i = 0; i < 1000; ++i) {
    const Id key = random_id(rng);
    Id other = random_id(rng);
    other.bytes[18] = key.bytes[18];
    other.bytes[19] = key.bytes[19];
    EXPECT_EQ(shard_of(key, 5), shard_of(other, 5));
  }
}

TEST(Hex, RoundTripsAndTakesEitherCase) {
  Rng rng(1);
  for (size_t size = 0; size < 70; ++size) {
    std::vector<uint8_t> bytes(size);
    rng.fill(bytes);
    std::string text = to_hex(bytes);
    EXPECT_EQ(text.size(), 2 * size);
    EXPECT_EQ(from_hex(text), bytes);
    for (char& digit : text) digit = static_cast<char>(std::toupper(digit));
    EXPECT_EQ(from_hex(text), bytes);
  }
}

TEST(Hex, RefusesOddLengthsAndWhateverIsNoDigit) {
  EXPECT_EQ(from_hex("0"), std::nullopt);
  EXPECT_EQ(from_hex("000"), std::nullopt);
  for (int c = 0; c < 256; ++c) {
    const bool is_digit = c < 128 && std::isxdigit(c) != 0;
    EXPECT_EQ(from_hex(std::string{'0', static_cast<char>(c)}).has_value(), is_digit) << c;
    EXPECT_EQ(from_hex(std::string{static_cast<char>(c), '0'}).has_value(), is_digit) << c;
  }
}

TEST(Id, BlocksBeginAndEndWhereTheirPrefixSays) {
  Rng rng(8);
  for (uint32_t depth = 0; depth <= id_bits; ++depth) {
    const Id id = random_id(rng);
    const Id first = first_of_block(id, depth);
    const Id last = last_of_block(id, depth);
    for (uint32_t bit = 0; bit < id_bits; ++bit) {
      ASSERT_EQ(first.bit(bit), bit < depth && id.bit(bit));
      ASSERT_EQ(last.bit(bit), bit >= depth || id.bit(bit));
    }
  }
  Id last;
  last.bytes.fill(0xff);
  EXPECT_FALSE(next_id(last));
  EXPECT_EQ(next_id(last_of_block(Id{}, 152)),
            first_of_block(*next_id(last_of_block(Id{}, 152)), 152));
}

}  // namespace
}  // namespace xord
