#include "node/server/log/log_ring.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

std::vector<uint64_t> numbers(const std::vector<LogLine>& lines) {
  std::vector<uint64_t> all;
  for (const LogLine& line : lines) all.push_back(line.number);
  return all;
}

TEST(LogRing, KeepsWhatWasWrittenInItsOrder) {
  LogRing ring;
  EXPECT_TRUE(ring.lines(LogLevel::debug, 0, 10).empty());
  ring.add(LogLevel::info, "ready", R"({"shards":2})", seconds(7));
  ring.add(LogLevel::warning, "alone", "{}", seconds(8));
  const auto lines = ring.lines(LogLevel::debug, 0, 10);
  ASSERT_EQ(numbers(lines), (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(lines[0].message, "ready");
  EXPECT_EQ(lines[0].fields, R"({"shards":2})");
  EXPECT_EQ(lines[0].at, seconds(7));
  EXPECT_EQ(lines[1].level, LogLevel::warning);
}

TEST(LogRing, OfMoreThanItHoldsTheLastStay) {
  LogRing ring;
  for (uint64_t i = 0; i < log_ring_lines + 5; ++i) ring.add(LogLevel::info, "line", "{}", {});
  const auto all = ring.lines(LogLevel::debug, 0, 1000);
  ASSERT_EQ(all.size(), log_ring_lines);
  EXPECT_EQ(all.front().number, 6u);
  EXPECT_EQ(all.back().number, log_ring_lines + 5);
}

TEST(LogRing, FindsByLevelNumberAndCount) {
  LogRing ring;
  for (const LogLevel level : {LogLevel::info, LogLevel::error, LogLevel::debug, LogLevel::warning,
                               LogLevel::info, LogLevel::error}) {
    ring.add(level, "line", "{}", {});
  }
  EXPECT_EQ(numbers(ring.lines(LogLevel::warning, 0, 10)), (std::vector<uint64_t>{2, 4, 6}));
  EXPECT_EQ(numbers(ring.lines(LogLevel::warning, 2, 10)), (std::vector<uint64_t>{4, 6}));
  EXPECT_EQ(numbers(ring.lines(LogLevel::warning, 0, 2)), (std::vector<uint64_t>{4, 6}));
  EXPECT_TRUE(ring.lines(LogLevel::debug, 6, 10).empty());
  EXPECT_TRUE(ring.lines(LogLevel::debug, 100, 10).empty());
}

TEST(LogRing, LeavesOutFieldsThatAreTooLong) {
  LogRing ring;
  const auto fields_of = [](size_t size) { return "{" + std::string(size - 2, ' ') + "}"; };
  ring.add(LogLevel::info, "just", fields_of(log_fields_bytes_max), {});
  ring.add(LogLevel::info, "beyond", fields_of(log_fields_bytes_max + 1), {});
  const auto lines = ring.lines(LogLevel::debug, 0, 10);
  EXPECT_EQ(lines[0].fields.size(), log_fields_bytes_max);
  EXPECT_FALSE(lines[0].are_fields_cut);
  EXPECT_EQ(lines[1].fields, "{}");
  EXPECT_TRUE(lines[1].are_fields_cut);
}

}  // namespace
}  // namespace xord
