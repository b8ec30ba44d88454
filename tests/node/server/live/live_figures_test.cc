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

// docs/ADMIN.md, "Live figures": what each series is made of.
struct SeriesSource {
  Series series;
  std::vector<NamedCount> ShardStats::*list;
  std::vector<std::string_view> counts;
};

const SeriesSource sources[] = {
    {Series::requests_ping, &ShardStats::node, {"requests_ping"}},
    {Series::requests_find_node, &ShardStats::node, {"requests_find_node"}},
    {Series::requests_find_value, &ShardStats::node, {"requests_find_value"}},
    {Series::requests_store, &ShardStats::node, {"requests_store"}},
    {Series::requests_stun, &ShardStats::node, {"requests_stun"}},
    {Series::received, &ShardStats::io, {"received"}},
    {Series::sent, &ShardStats::io, {"sent"}},
    {Series::received_bytes, &ShardStats::io, {"received_bytes"}},
    {Series::sent_bytes, &ShardStats::io, {"sent_bytes"}},
    {Series::kernel_drops, &ShardStats::io, {"receive_dropped"}},
    {Series::limited,
     &ShardStats::node,
     {"limited_contacts", "limited_values", "limited_stuns", "limited_reads", "limited_pings"}},
    {Series::stores_acknowledged, &ShardStats::node, {"stores_acknowledged"}},
    {Series::stores_refused, &ShardStats::node, {"stores_refused"}},
};

TEST_F(LiveSamplerTest, ARateCountsItsCountersAndNoOthers) {
  take(seconds(0));
  int at = 0;
  for (const SeriesSource& source : sources) {
    for (const std::string_view name : source.counts) {
      count_in(stats.total.*source.list, name) += 10;
      const LiveFigures figures = take(seconds(++at));
      for (const SeriesSource& each : sources) {
        EXPECT_FLOAT_EQ(figures.values[each.series], each.series == source.series ? 10 : 0)
            << name_of(each.series) << " by " << name;
      }
    }
  }
}

TEST_F(LiveSamplerTest, ATableIsSummedByItsColumns) {
  const std::pair<Series, std::string_view> columns[] = {{Series::calls_answered, "answered"},
                                                         {Series::calls_expired, "expired"},
                                                         {Series::calls_malformed, "malformed"},
                                                         {Series::calls_no_slot, "no_slot"}};
  take(seconds(0));
  int at = 0;
  for (const auto& [series, name] : columns) {
    count_in(stats.total.calls.front().counts, name) += 3;
    count_in(stats.total.calls.back().counts, name) += 4;
    const LiveFigures figures = take(seconds(++at));
    for (const auto& [each, other] : columns) {
      EXPECT_FLOAT_EQ(figures.values[each], each == series ? 7 : 0) << name_of(each);
    }
  }
}

TEST_F(LiveSamplerTest, GaugesAndFiguresOfTheDatabaseAreThoseOfTheWholeServer) {
  take(seconds(0));
  count_in(stats.total.shard, "contacts") = 11;
  count_in(stats.total.shard, "contacts_answerable") = 12;
  count_in(stats.total.node, "network_size") = 13;
  count_in(stats.total.storage, "records") = 14;
  count_in(stats.total.storage, "writes_pending") = 15;
  count_in(stats.database, "table_bytes") = 16;
  count_in(stats.database, "bytes_logged") += 17;
  count_in(stats.database, "bytes_flushed") += 18;
  count_in(stats.database, "bytes_compacted") += 19;
  const LiveFigures figures = take(seconds(1));
  const Series in_order[] = {
      Series::contacts,     Series::contacts_answerable, Series::network_size,
      Series::records,      Series::writes_pending,      Series::table_bytes,
      Series::bytes_logged, Series::bytes_flushed,       Series::bytes_compacted};
  float value = 11;
  for (const Series series : in_order) {
    EXPECT_FLOAT_EQ(figures.values[series], value++) << name_of(series);
  }
}

TEST_F(LiveSamplerTest, EachRateHasTheTotalSinceTheStartAndNoOtherSeriesHasOne) {
  const LiveFigures figures = take(seconds(0));
  for (size_t i = 0; i < series_count; ++i) {
    const auto series = static_cast<Series>(i);
    EXPECT_EQ(figures.totals[i] > 0, kind_of(series) == SeriesKind::rate) << name_of(series);
  }
  EXPECT_EQ(figures.totals[static_cast<size_t>(Series::bytes_flushed)],
            count_in(stats.database, "bytes_flushed"));
}

// A counter may be drawn over any span; what is not one says how its seconds are joined.
TEST(SeriesKinds, AllButTheseAreRates) {
  const std::pair<Series, SeriesKind> others[] = {
      {Series::call_p50_s, SeriesKind::greatest},  {Series::call_p95_s, SeriesKind::greatest},
      {Series::contacts, SeriesKind::gauge},       {Series::contacts_answerable, SeriesKind::gauge},
      {Series::network_size, SeriesKind::gauge},   {Series::records, SeriesKind::gauge},
      {Series::table_bytes, SeriesKind::gauge},    {Series::disk_free_bytes, SeriesKind::gauge},
      {Series::writes_pending, SeriesKind::gauge}, {Series::busy, SeriesKind::mean},
      {Series::busiest, SeriesKind::greatest},     {Series::turn_longest_s, SeriesKind::greatest},
      {Series::commit_p99_s, SeriesKind::greatest}};
  size_t rates = 0;
  for (size_t i = 0; i < series_count; ++i) {
    rates += kind_of(static_cast<Series>(i)) == SeriesKind::rate;
  }
  EXPECT_EQ(rates + std::size(others), series_count);
  for (const auto& [series, kind] : others) EXPECT_EQ(kind_of(series), kind) << name_of(series);
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

TEST_F(LiveSamplerTest, EachBucketOfCommitsIsASeries) {
  const LiveFigures figures = changed([&] {
    auto& counts = histogram_in(stats.total, "commit_duration_seconds").counts;
    for (size_t bucket = 0; bucket < counts.size(); ++bucket) counts[bucket] += bucket + 1;
  });
  const auto first = static_cast<size_t>(Series::commits_100us);
  for (size_t i = first; i < series_count; ++i) {
    EXPECT_FLOAT_EQ(figures.values.values[i], static_cast<float>(i - first + 1))
        << name_of(static_cast<Series>(i));
  }
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

TEST_F(LiveSamplerTest, AllShardsTogetherAreBusyByTheSumAndTheBusiestIsTheGreatest) {
  const LiveFigures figures = changed([&] {
    count_in(stats.shards[0].io, "busy_nanoseconds") += 500'000'000;
    count_in(stats.shards[1].io, "busy_nanoseconds") += 250'000'000;
    histogram_in(stats.shards[0], "turn_duration_seconds").counts[4] += 1;
    histogram_in(stats.shards[0], "turn_duration_seconds").counts[0] += 9;
  });
  EXPECT_FLOAT_EQ(figures.values[Series::busy], 0.75F);
  EXPECT_FLOAT_EQ(figures.values[Series::busiest], 0.5F);
  EXPECT_FLOAT_EQ(figures.values[Series::turn_longest_s], 0.0025F) << "of the first shard";
}

TEST_F(LiveSamplerTest, AShardIsBusyForAllOfItsTimeAtMost) {
  const LiveFigures figures =
      changed([&] { count_in(stats.shards[0].io, "busy_nanoseconds") += 3'000'000'000; });
  EXPECT_EQ(figures.shards[0].busy, 1);
}

TEST_F(LiveSamplerTest, TheFirstFiguresOfAShardHaveNoRates) {
  const LiveFigures figures = take(seconds(0));
  EXPECT_EQ(figures.shards[0].busy, 0);
  EXPECT_EQ(figures.shards[0].requests, 0);
  EXPECT_EQ(figures.shards[0].turn_longest, 0);
  EXPECT_EQ(figures.shards[0].records, count_in(stats.shards[0].storage, "records"));
  EXPECT_TRUE(std::isnan(figures.values[Series::busiest]));
  EXPECT_TRUE(std::isnan(figures.values[Series::turn_longest_s]));
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
  EXPECT_DOUBLE_EQ(*of({1, 1, 1, 1}, 0.25), 10);
  EXPECT_DOUBLE_EQ(*of({1, 1, 1, 1}, 0.75), 40);
  EXPECT_DOUBLE_EQ(*of({0, 0, 0, 3}, 0.5), 40);
  EXPECT_DOUBLE_EQ(*of({1, 1, 1, 1}, 1), 40) << "beyond the last bound nothing more is known";
}

}  // namespace
}  // namespace xord
