// The lines of an export, as specified in docs/STORAGE.md.
#include "storage/files/export_line.h"

#include <gtest/gtest.h>

#include "reactor/base/rng.h"

namespace xord {
namespace {

ExportRecord a_record() {
  ExportRecord record;
  record.network = "rpcudp";
  record.key = *Id::from_hex("000102030405060708090a0b0c0d0e0f1011aabb");
  record.times = {400000001, 400000000, 400000002, 400604800};
  record.source_prefix = 0x4142;
  record.value = {0xa2, 'h', 'i'};
  return record;
}

template <class Line>
std::string text_of(const Line& line) {
  std::string text;
  append_export_line(text, line);
  EXPECT_EQ(text.back(), '\n');
  text.pop_back();
  return text;
}

std::string text_of(const ExportLine& line) {
  if (const auto* header = std::get_if<ExportHeader>(&line)) return text_of(*header);
  if (const auto* record = std::get_if<ExportRecord>(&line)) return text_of(*record);
  return text_of(std::get<ExportEnd>(line));
}

TEST(ExportLine, LooksAsTheDocumentSays) {
  EXPECT_EQ(text_of(ExportHeader{{400000123'000000456}, {1764057600'000000789}}),
            "xord-export version=1 node_time=400000123000000456 wall_time=1764057600000000789 "
            "columns=record,network,key,first_seen,published,last_store,expiry,source_prefix,value,"
            "checksum 909dcd10");
  EXPECT_EQ(text_of(a_record()),
            "record rpcudp 000102030405060708090a0b0c0d0e0f1011aabb 400000001 400000000 400000002 "
            "400604800 4142 a26869 7c39bacd");
  EXPECT_EQ(text_of(ExportEnd{2}), "end 2 0abe8c8d");
}

TEST(ExportLine, ComesBackAsItWas) {
  Rng rng(7);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{8140}, size_t{65535}}) {
    ExportRecord record = a_record();
    record.value.resize(size);
    rng.fill(record.value);
    rng.fill(record.key.bytes);
    const ExportLine line = parse_export_line(text_of(record));
    ASSERT_TRUE(std::holds_alternative<ExportRecord>(line)) << size;
    EXPECT_EQ(std::get<ExportRecord>(line), record);
    EXPECT_LE(text_of(record).size(), export_line_max);
  }
  const ExportHeader header{{400000123'000000456}, {-5}};
  EXPECT_EQ(std::get<ExportHeader>(parse_export_line(text_of(header))), header);
  EXPECT_EQ(std::get<ExportEnd>(parse_export_line(text_of(ExportEnd{UINT64_MAX}))).records,
            UINT64_MAX);
}

TEST(ExportLine, NoChangedByteAndNoPrefixIsTakenForWhole) {
  const std::string whole = text_of(a_record());
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_TRUE(std::holds_alternative<ExportDamage>(parse_export_line(whole.substr(0, i)))) << i;
    for (const char other : {' ', '0', 'x', '\0'}) {
      std::string changed = whole;
      if (changed[i] == other) continue;
      changed[i] = other;
      EXPECT_TRUE(std::holds_alternative<ExportDamage>(parse_export_line(changed))) << changed;
    }
  }
}

// Any line that parses is in canonical form, even a mutated one with a correct checksum.
TEST(ExportLine, OneMeaningHasOneSpelling) {
  Rng rng(11);
  const std::string_view letters = "0123456789abcdefA -=recordn";
  uint32_t taken = 0;
  for (uint32_t round = 0; round < 20'000; ++round) {
    std::string line = round % 3 == 0 ? text_of(ExportEnd{round}) : text_of(a_record());
    if (round % 8 == 1) line = text_of(ExportHeader{{400000123'000000456}, {1764057600'000000789}});
    line.resize(line.rfind(' '));
    const size_t at = rng.bounded(line.size());
    line[at] = letters[rng.bounded(letters.size())];
    line += ' ' + export_checksum(line);
    const ExportLine parsed = parse_export_line(line);
    if (std::holds_alternative<ExportDamage>(parsed)) continue;
    ++taken;
    EXPECT_EQ(text_of(parsed), line);
  }
  EXPECT_GT(taken, 1'000u);
}

TEST(ExportLine, FieldsOutOfRangeAreDamage) {
  for (const std::string fields :
       {"end", "end 01", "end -1", "end 18446744073709551616", "end 1 2", "end  1", "",
        "record rpcudp 00 1 1 1 1 4142 a2", "xord-export version=2 node_time=1 wall_time=1",
        "record rpcudp 000102030405060708090a0b0c0d0e0f1011aabb 1 1 1 4294967296 4142 a2",
        "record rpcudp 000102030405060708090a0b0c0d0e0f1011aabb 1 1 1 1 4142 a",
        "record rpcudp 000102030405060708090a0b0c0d0e0f1011aabb 1 1 1 1 414 a2",
        "record rpcudp 000102030405060708090a0b0c0d0e0f1011aabb 1 1 1 1 4142 -a",
        "record a-name-that-is-longer-than-any-network-has "
        "000102030405060708090a0b0c0d0e0f1011aabb 1 1 1 1 4142 a2"}) {
    const ExportLine parsed = parse_export_line(fields + ' ' + export_checksum(fields));
    EXPECT_TRUE(std::holds_alternative<ExportDamage>(parsed)) << fields;
  }
}

}  // namespace
}  // namespace xord
