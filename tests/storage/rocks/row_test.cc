// Rows as specified in docs/STORAGE.md.
#include "storage/rocks/row.h"

#include <gtest/gtest.h>

#include "reactor/base/hex.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

Row a_row(Bytes value) {
  return {{0x01020304, 0x11121314, 0x21222324, 0x31323334}, 0x4142, value};
}

TEST(Row, LiesOnDiskAsTheDocumentSays) {
  const Id key = *Id::from_hex("000102030405060708090a0b0c0d0e0f1011aabb");
  const RowKey row_key = row_key_of(key);
  EXPECT_EQ(to_hex(row_key), "aabb000102030405060708090a0b0c0d0e0f1011");
  EXPECT_EQ(key_of_row(row_key), key);
  std::string row;
  encode_row(row_key, a_row(bytes_of("hi")), row);
  EXPECT_EQ(to_hex(bytes_of(row)).substr(0, 2 * 24),
            "01000000"
            "04030201"
            "14131211"
            "24232221"
            "34333231"
            "4241"
            "6869");
  EXPECT_EQ(row.size(), row_header_size + 2 + row_checksum_size);
  EXPECT_EQ(expiry_of_row(bytes_of(row)), 0x31323334u);
}

TEST(Row, ComesBackAsItWasAndNoChangedByteIsTakenForWhole) {
  Rng rng(5);
  for (size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{8192}}) {
    std::vector<uint8_t> value(size);
    rng.fill(value);
    RowKey row_key{};
    rng.fill(row_key);
    std::string bytes;
    encode_row(row_key, a_row(value), bytes);
    const auto row = parse_row(row_key, bytes_of(bytes));
    ASSERT_TRUE(row);
    EXPECT_EQ(row->times, a_row({}).times);
    EXPECT_EQ(row->source_prefix, 0x4142);
    EXPECT_TRUE(equal(row->value, value));
    for (size_t i = 0; i<bytes.size(); i += size> 1000 ? 97 : 1) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      EXPECT_FALSE(parse_row(row_key, bytes_of(changed))) << i;
      EXPECT_FALSE(parse_row(row_key, bytes_of(bytes).first(i))) << i;
    }
    row_key[7] ^= 1;  // The right row in the wrong place.
    EXPECT_FALSE(parse_row(row_key, bytes_of(bytes)));
  }
}

TEST(Row, WhatIsWrongWithADamagedOneIsSaid) {
  const RowKey row_key{1, 2, 3};
  std::string whole;
  encode_row(row_key, a_row(bytes_of("")), whole);
  ASSERT_EQ(whole.size(), row_header_size + row_checksum_size) << "the shortest";
  EXPECT_EQ(damage_of(row_key, bytes_of(whole)), "it is not");
  EXPECT_EQ(expiry_of_row(bytes_of(whole)), a_row({}).times.expiry);
  const Bytes cut = bytes_of(whole).first(whole.size() - 1);
  EXPECT_EQ(damage_of(row_key, cut),
            "its row has " + std::to_string(cut.size()) + " bytes, fewer than any row");
  EXPECT_EQ(expiry_of_row(cut), std::nullopt);
  std::string other = whole;
  other[6] ^= 1;
  EXPECT_EQ(damage_of(row_key, bytes_of(other)), "its row does not match its checksum");
  EXPECT_EQ(expiry_of_row(bytes_of(other)), a_row({}).times.expiry) << "it is not looked at";
  other = whole;
  other[0] = 9;
  EXPECT_EQ(damage_of(row_key, bytes_of(other)),
            "its row has version 9, which this xord does not know");
  EXPECT_EQ(expiry_of_row(bytes_of(other)), std::nullopt);
}

TEST(Row, WhatNoPeerCanHaveStoredIsSaid) {
  const std::string text = "hello";
  const ValueRules any{.size_max = 5};
  const auto fault = [&](const RecordTimes& times, const ValueRules& rules) {
    const char* said = fault_of({times, 0, bytes_of(text)}, rules);
    return std::string(said == nullptr ? "" : said);
  };
  const RecordTimes good{100, 100, 100, 101};  // First seen, published, last stored, expiry.
  EXPECT_EQ(fault(good, any), "");
  EXPECT_EQ(fault(good, {.size_max = 4}), "its value is larger than any that peers store");
  ValueRules none = any;
  none.is_storable = [](Bytes) { return false; };
  EXPECT_EQ(fault(good, none), "its value is not of a type that peers store");
  none.is_storable = [](Bytes) { return true; };
  EXPECT_EQ(fault(good, none), "");
  const std::string contradict = "its times contradict each other";
  EXPECT_EQ(fault({0, 100, 99, 101}, any), contradict) << "stored before it was published";
  EXPECT_EQ(fault({0, 100, 100, 100}, any), contradict) << "expired when it was published";
  EXPECT_EQ(fault({0, 100, 100, 100 + ttl_max}, any), "");
  EXPECT_EQ(fault({0, 100, 100, 101 + ttl_max}, any), contradict) << "longer than any lives";
}

TEST(RowRange, OfEveryShardTogetherIsEveryKeyOnce) {
  for (uint32_t shards = 1; shards <= shards_max; ++shards) {
    uint32_t end = 0;
    for (uint32_t shard = 0; shard < shards; ++shard) {
      const RowRange range = row_range_of(shard, shards);
      EXPECT_EQ(range.first, end);
      end = range.end;
      for (uint32_t edge : {range.first, range.end - 1}) {
        Id key;
        store_be16(&key.bytes[18], static_cast<uint16_t>(edge));
        EXPECT_EQ(shard_of(key, shards), shard);
        EXPECT_EQ(load_be16(row_key_of(key).data()), edge);
      }
    }
    EXPECT_EQ(end, 65'536u);
  }
}

}  // namespace
}  // namespace xord
