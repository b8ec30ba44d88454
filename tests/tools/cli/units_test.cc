#include "tools/cli/units.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

TEST(Units, ADurationIsANumberWithAUnit) {
  EXPECT_EQ(parse_duration("7d"), hours(168));
  EXPECT_EQ(parse_duration("1w"), hours(168));
  EXPECT_EQ(parse_duration("12h"), hours(12));
  EXPECT_EQ(parse_duration("5m"), minutes(5));
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("20us"), microseconds(20));
  EXPECT_EQ(parse_duration("3ns"), nanoseconds(3));
  EXPECT_EQ(parse_duration("0.5s"), milliseconds(500));
}

TEST(Units, TermsOfADurationAddUp) {
  EXPECT_EQ(parse_duration("1h30m"), minutes(90));
  EXPECT_EQ(parse_duration("1d0h1s"), hours(24) + seconds(1));
}

TEST(Units, OnlyZeroNeedsNoUnitOfTime) {
  EXPECT_EQ(parse_duration("0"), Duration{});
  EXPECT_FALSE(parse_duration("5"));
  EXPECT_FALSE(parse_duration("1h5"));
}

TEST(Units, WhatIsNoDurationIsRefused) {
  for (const char* text : {"", "d", "7x", "-1s", "1 s", "1..5s", "s1", "1e3s", "inf", "nan",
                           "99999999999999999999d", "101000d", "7D"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Units, ADurationShownIsReadBackAsItWas) {
  for (const Duration duration : {Duration{}, nanoseconds(1), microseconds(1500), milliseconds(250),
                                  seconds(90), minutes(61), hours(168), hours(25)}) {
    EXPECT_EQ(parse_duration(show_duration(duration)), duration) << show_duration(duration);
  }
  EXPECT_EQ(show_duration(hours(168)), "7d");
  EXPECT_EQ(show_duration(seconds(90)), "90s");
  EXPECT_EQ(show_duration(Duration{}), "0s");
}

TEST(Units, AnAgeIsShownInTwoOrders) {
  EXPECT_EQ(show_age(Duration{}), "0s");
  EXPECT_EQ(show_age(milliseconds(999)), "0s");
  EXPECT_EQ(show_age(seconds(24)), "24s");
  EXPECT_EQ(show_age(seconds(310)), "5m10s");
  EXPECT_EQ(show_age(minutes(60)), "1h");
  EXPECT_EQ(show_age(seconds(3 * 86'400 + 4 * 3'600 + 59)), "3d4h");
  EXPECT_EQ(show_age(hours(24 * 365)), "365d");
}

TEST(Units, ASizeMayHaveAUnit) {
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("64MiB"), 64u << 20);
  EXPECT_EQ(parse_size("2G"), uint64_t{2} << 30);
  EXPECT_EQ(parse_size("2gib"), uint64_t{2} << 30);
  EXPECT_EQ(parse_size("1KB"), 1000u);
  EXPECT_EQ(parse_size("1.5k"), 1536u);
  EXPECT_EQ(parse_size("18446744073709551615"), UINT64_MAX);
}

// Each by itself: 1 KiB for 1 kB or a minute for a month would be taken without a word.
TEST(Units, EachUnitIsWorthWhatItsNameSays) {
  const std::pair<const char*, uint64_t> sizes[] = {{"", 1},
                                                    {"B", 1},
                                                    {"KiB", 1024},
                                                    {"MiB", 1'048'576},
                                                    {"k", 1024},
                                                    {"m", 1'048'576},
                                                    {"GiB", 1'073'741'824},
                                                    {"TiB", 1'099'511'627'776},
                                                    {"kB", 1'000},
                                                    {"g", 1'073'741'824},
                                                    {"t", 1'099'511'627'776},
                                                    {"MB", 1'000'000},
                                                    {"GB", 1'000'000'000},
                                                    {"TB", 1'000'000'000'000}};
  for (const auto& [unit, bytes] : sizes) {
    EXPECT_EQ(parse_size(std::string("3") + unit), 3 * bytes) << unit;
  }
  const std::pair<const char*, Duration> durations[] = {
      {"ns", nanoseconds(1)}, {"us", nanoseconds(1'000)}, {"ms", nanoseconds(1'000'000)},
      {"s", seconds(1)},      {"m", seconds(60)},         {"h", seconds(3'600)},
      {"d", seconds(86'400)}, {"w", seconds(604'800)}};
  for (const auto& [unit, one] : durations) {
    EXPECT_EQ(parse_duration(std::string("3") + unit), one * 3) << unit;
  }
  const std::pair<const char*, uint64_t> counts[] = {
      {"", 1}, {"k", 1'000}, {"M", 1'000'000}, {"G", 1'000'000'000}};
  for (const auto& [unit, one] : counts) {
    EXPECT_EQ(parse_count(std::string("3") + unit), 3 * one) << unit;
  }
}

TEST(Units, EachIsShownWithTheLargestUnitThatDividesIt) {
  const std::pair<uint64_t, const char*> sizes[] = {{0, "0"},
                                                    {1'000, "1000"},
                                                    {1'024, "1KiB"},
                                                    {1'536, "1536"},
                                                    {3 << 20, "3MiB"},
                                                    {uint64_t{5} << 30, "5GiB"},
                                                    {2'097'153, "2097153"},
                                                    {uint64_t{7} << 40, "7TiB"},
                                                    {uint64_t{1'500} << 20, "1500MiB"}};
  for (const auto& [bytes, text] : sizes) EXPECT_EQ(show_size(bytes), text);
  const std::pair<Duration, const char*> durations[] = {
      {nanoseconds(7), "7ns"}, {microseconds(7), "7us"}, {milliseconds(7), "7ms"},
      {seconds(7), "7s"},      {minutes(7), "7m"},       {hours(7), "7h"},
      {hours(7 * 24), "7d"},   {hours(14 * 24), "14d"},  {milliseconds(1'500), "1500ms"}};
  for (const auto& [duration, text] : durations) EXPECT_EQ(show_duration(duration), text);
}

TEST(Units, WhatIsNoSizeIsRefused) {
  for (const char* text :
       {"", "MiB", "-1", "1.5", "1Q", "1 G", "18446744073709551616", "9999999T", "0x10", "1e9"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Units, ASizeShownIsReadBackAsItWas) {
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{1023}, uint64_t{64} << 20,
                               uint64_t{1536}, uint64_t{16} << 30, UINT64_MAX}) {
    EXPECT_EQ(parse_size(show_size(bytes)), bytes) << show_size(bytes);
  }
  EXPECT_EQ(show_size(uint64_t{64} << 20), "64MiB");
}

TEST(Units, ACountMayBeInThousands) {
  EXPECT_EQ(parse_count("65536"), 65536u);
  EXPECT_EQ(parse_count("10M"), 10'000'000u);
  EXPECT_EQ(parse_count("1.5k"), 1500u);
  EXPECT_FALSE(parse_count("1.5"));
  EXPECT_FALSE(parse_count("many"));
  EXPECT_FALSE(parse_count("-3"));
}

TEST(Units, ACenturyIsTheLongestDurationAndNineQuintillionTheLargestSize) {
  EXPECT_EQ(parse_duration("36500d"), hours(36'500 * 24));
  EXPECT_FALSE(parse_duration("36500d1s"));
  EXPECT_FALSE(parse_duration("36501d"));
  EXPECT_EQ(parse_size("9000000TB"), uint64_t{9'000'000} * 1'000'000'000'000);
  EXPECT_FALSE(parse_size("9000001TB"));
  EXPECT_EQ(parse_count("9000000000G"), uint64_t{9'000'000'000} * 1'000'000'000);
  EXPECT_FALSE(parse_count("9000000001G"));
}

TEST(Units, AUnitThatIsNoneIsRefusedBehindAnyNumber) {
  for (const char* text : {"1x", "1kk", "1 ", "1.5.5k", ".", "1ki", "1k1"}) {
    EXPECT_FALSE(parse_size(text)) << text;
    EXPECT_FALSE(parse_count(text)) << text;
  }
  EXPECT_EQ(parse_duration("1.5h0.25m"), minutes(90) + seconds(15));
  EXPECT_EQ(parse_duration("0.5ns"), nanoseconds(1)) << "rounded";
  EXPECT_EQ(parse_duration("0.4ns"), Duration{});
  EXPECT_EQ(show_age(seconds(86'400 + 60)), "1d") << "the next order is the only other";
  EXPECT_EQ(show_age(hours(7 * 24)), "7d");
  EXPECT_EQ(show_age(-seconds(5)), "0s");
  EXPECT_EQ(show_age(seconds(3'599)), "59m59s");
}

}  // namespace
}  // namespace xord
