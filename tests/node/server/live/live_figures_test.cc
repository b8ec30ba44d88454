#include "node/server/live/live_figures.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/node/server/made_up_stats.h"

namespace xord {
namespace {

constexpr MonotonicTime start{1'000'000'000};

uint64_t& count_in(std::vector<NamedCount>& counts, std::string_view name) {
  for (NamedCount& count : counts) {
    if (count.info->name == name) return count.value;
  }
  ADD_FAILURE() << "no count " << name;
  return counts.front().value;
}

NamedHistogram& histogram_in(ShardStats& stats, std::string_view name) {
  for (NamedHistogram& each : stats.histograms) {
    if (each.info->name == name) return each;
  }
  ADD_FAILURE() << "no histogram " << name;
  return stats.histograms.front();
}

class LiveSamplerTest : public testing::Test {
 protected:
  LiveFigures take(Duration after) { return sampler.take(stats, disk, start + after); }
  // The figures of the second in which `stats` became what they are.
  template <class Change>
  LiveFigures changed(Change&& change) {
    take(seconds(0));
    change();
    return take(seconds(1));
  }

  ServerStats stats = MadeUpStats(1000).make(2);
  std::optional<DiskSpace> disk = DiskSpace{4096, 8192};
  LiveSampler sampler;
};

TEST_F(LiveSamplerTest, EverySeriesHasItsOwnName) {
  for (size_t i = 0; i < series_count; ++i) {
    const auto series = static_cast<Series>(i);
    EXPECT_EQ(series_named(name_of(series)), series) << name_of(series);
  }
  EXPECT_FALSE(series_named("requests"));
}

TEST_F(LiveSamplerTest, AtFirstGaugesAreKnownAndRatesAreNot) {
  const LiveFigures figures = take(seconds(0));
  EXPECT_TRUE(std::isnan(figures.values[Series::requests_ping]));
  EXPECT_TRUE(std::isnan(figures.values[Series::busy]));
  EXPECT_EQ(figures.values[Series::contacts],
            static_cast<float>(count_in(stats.total.shard, "contacts")));
  EXPECT_EQ(figures.values[Series::disk_free_bytes], 4096);
  disk.reset();
  EXPECT_TRUE(std::isnan(take(seconds(1)).values[Series::disk_free_bytes]));
}

TEST_F(LiveSamplerTest, ARateIsWhatWasAddedByTheTime) {
  take(seconds(0));
  count_in(stats.total.node, "requests_ping") += 300;
  count_in(stats.total.io, "receive_dropped") += 8;
  for (CountRow& row : stats.total.calls) count_in(row.counts, "answered") += 10;
  count_in(stats.total.node, "limited_values") += 4;
  count_in(stats.total.node, "limited_pings") += 2;
  for (NamedCount& each : stats.total.malformed) each.value += 2;
  const LiveFigures figures = take(seconds(2));
  EXPECT_FLOAT_EQ(figures.values[Series::requests_ping], 150);
  EXPECT_FLOAT_EQ(figures.values[Series::requests_store], 0);
  EXPECT_FLOAT_EQ(figures.values[Series::kernel_drops], 4);
  EXPECT_FLOAT_EQ(figures.values[Series::calls_answered],
                  5 * static_cast<float>(stats.total.calls.size()));
  EXPECT_FLOAT_EQ(figures.values[Series::limited], 3);
  EXPECT_FLOAT_EQ(figures.values[Series::malformed],
                  static_cast<float>(stats.total.malformed.size()));
  EXPECT_EQ(figures.totals[static_cast<size_t>(Series::requests_ping)],
            count_in(stats.total.node, "requests_ping"));
  EXPECT_EQ(figures.totals[static_cast<size_t>(Series::contacts)], 0u) << "a gauge has no total";
}

TEST_F(LiveSamplerTest, ACounterThatShrankCountedNothing) {
  const LiveFigures figures = changed([&] { count_in(stats.total.node, "requests_ping") -= 300; });
  EXPECT_EQ(figures.values[Series::requests_ping], 0);
}

TEST_F(LiveSamplerTest, LookupsOfAValueThatIsNowhereAreDone) {
  const LiveFigures figures = changed([&] {
    CountRow& row = stats.total.lookups.front();
    count_in(row.counts, "done") += 1;
    count_in(row.counts, "not_found") += 2;
    count_in(row.counts, "no_contacts") += 4;
    count_in(row.counts, "refused") += 8;
  });
  EXPECT_FLOAT_EQ(figures.values[Series::lookups_done], 3);
  EXPECT_FLOAT_EQ(figures.values[Series::lookups_failed], 12);
}

TEST_F(LiveSamplerTest, CommitsFallIntoTheirBuckets) {
  const LiveFigures figures = changed([&] {
    auto& counts = histogram_in(stats.total, "commit_duration_seconds").counts;
    counts.front() += 7;
    counts.back() += 1;
  });
  EXPECT_FLOAT_EQ(figures.values[Series::commits_100us], 7);
  EXPECT_FLOAT_EQ(figures.values[Series::commits_longer], 1);
  EXPECT_FLOAT_EQ(figures.values[Series::commit_p99_s], 5);
}

TEST_F(LiveSamplerTest, RoundTripsAreThoseOfTheLastTenSeconds) {
  auto& counts = histogram_in(stats.total, "call_duration_seconds").counts;
  EXPECT_TRUE(std::isnan(take(seconds(0)).values[Series::call_p50_s]));
  counts[3] += 100;  // 5 to 10 ms
  EXPECT_FLOAT_EQ(take(seconds(1)).values[Series::call_p50_s], 0.0075F);
  for (int i = 2; i <= 10; ++i) {
    EXPECT_FLOAT_EQ(take(seconds(i)).values[Series::call_p95_s], 0.00975F) << i;
  }
  EXPECT_TRUE(std::isnan(take(seconds(11)).values[Series::call_p50_s]));
}

TEST_F(LiveSamplerTest, AShardsFiguresAreItsOwn) {
  const LiveFigures figures = changed([&] {
    ShardStats& shard = stats.shards[1];
    count_in(shard.io, "busy_nanoseconds") += 250'000'000;
    count_in(shard.node, "requests_store") += 40;
    count_in(shard.node, "requests_stun") += 2;
    count_in(shard.storage, "records") = 11;
    count_in(shard.storage, "writes_pending") = 3;
    histogram_in(shard, "turn_duration_seconds").counts[4] += 1;  // Up to 2.5 ms.
  });
  ASSERT_EQ(figures.shards.size(), 2u);
  EXPECT_EQ(figures.shards[0].busy, 0);
  EXPECT_DOUBLE_EQ(figures.shards[1].busy, 0.25);
  EXPECT_DOUBLE_EQ(figures.shards[1].requests, 42);
  EXPECT_EQ(figures.shards[1].records, 11u);
  EXPECT_EQ(figures.shards[1].queue, 3u);
  EXPECT_FLOAT_EQ(static_cast<float>(figures.shards[1].turn_longest), 0.0025F);
  EXPECT_FLOAT_EQ(figures.values[Series::busy], 0.25F);
  EXPECT_FLOAT_EQ(figures.values[Series::busiest], 0.25F);
  EXPECT_FLOAT_EQ(figures.values[Series::turn_longest_s], 0.0025F);
}

TEST_F(LiveSamplerTest, TheLongestTurnIsForgottenAfterAMinute) {
  take(seconds(0));
  histogram_in(stats.shards[0], "turn_duration_seconds").counts.back() += 1;
  for (int i = 1; i <= 60; ++i) {
    EXPECT_FLOAT_EQ(static_cast<float>(take(seconds(i)).shards[0].turn_longest), 1) << i;
  }
  const LiveFigures later = take(seconds(61));
  EXPECT_EQ(later.shards[0].turn_longest, 0);
  EXPECT_EQ(later.values[Series::turn_longest_s], 0);
}

TEST(Quantile, IsSpreadEvenlyWithinABucket) {
  const std::vector<uint64_t> bounds = {10, 20, 40};
  const auto of = [&](std::vector<uint64_t> counts, double share) {
    return quantile_of(counts, bounds, share);
  };
  EXPECT_FALSE(of({0, 0, 0, 0}, 0.5));
  EXPECT_DOUBLE_EQ(*of({4, 0, 0, 0}, 0.5), 5);
  EXPECT_DOUBLE_EQ(*of({0, 0, 4, 0}, 0.5), 30);
  EXPECT_DOUBLE_EQ(*of({2, 0, 2, 0}, 0.75), 30);
  EXPECT_DOUBLE_EQ(*of({1, 1, 1, 1}, 1), 40) << "beyond the last bound nothing more is known";
}

}  // namespace
}  // namespace xord
