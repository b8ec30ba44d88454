#include "node/server/stats/collect_stats.h"

#include <algorithm>

#include "node/counters.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

template <class Enum>
std::vector<NamedCount> read_all(const Counters<Enum>& counters) {
  CHECK(info_of(Enum{}).size() == Counters<Enum>::size);
  std::vector<NamedCount> counts;
  size_t index = 0;
  for (const CountInfo& info : info_of(Enum{})) {
    counts.push_back({&info, counters.read(static_cast<Enum>(index++))});
  }
  return counts;
}

// Appends the figures that are computed when they are read: value_of(Enum) each.
template <class Enum, class ValueOf>
void append_sums(std::vector<NamedCount>* counts, ValueOf&& value_of) {
  size_t index = 0;
  for (const CountInfo& info : info_of(Enum{})) {
    counts->push_back({&info, value_of(static_cast<Enum>(index++))});
  }
  CHECK(index == static_cast<size_t>(Enum::count));
}

template <class Row, class Enum>
std::vector<CountRow> read_table(const CounterTable<Row, Enum>& table) {
  std::vector<CountRow> rows;
  for (size_t index = 0; index < table.rows; ++index) {
    const auto row = static_cast<Row>(index);
    rows.push_back({name_of(row), read_all(table[row])});
  }
  return rows;
}

template <class Enum>
std::vector<NamedHistogram> read_all(const Histograms<Enum>& histograms) {
  CHECK(info_of(Enum{}).size() == Histograms<Enum>::size);
  std::vector<NamedHistogram> all;
  for (const HistogramInfo& info : info_of(Enum{})) {
    const auto which = static_cast<Enum>(all.size());
    NamedHistogram one{&info, {}, histograms.sum(which)};
    for (size_t bucket = 0; bucket <= info.bounds.size(); ++bucket) {
      one.counts.push_back(histograms.count_in(which, bucket));
    }
    all.push_back(std::move(one));
  }
  return all;
}

// Adds `more` to `sum`, figure by figure; both are of one set.
void accumulate(std::vector<NamedCount>& sum, const std::vector<NamedCount>& more) {
  if (sum.empty()) {
    sum = more;
    return;
  }
  CHECK(sum.size() == more.size());
  for (size_t i = 0; i < sum.size(); ++i) {
    CHECK(sum[i].info == more[i].info);
    uint64_t& value = sum[i].value;
    switch (sum[i].info->kind) {
      case CountKind::counter:
      case CountKind::gauge:
        value += more[i].value;
        break;
      case CountKind::least:
        value = std::min(value, more[i].value);
        break;
      case CountKind::greatest:
        value = std::max(value, more[i].value);
        break;
    }
  }
}

void accumulate(std::vector<CountRow>& sum, const std::vector<CountRow>& more) {
  if (sum.empty()) {
    sum = more;
    return;
  }
  CHECK(sum.size() == more.size());
  for (size_t i = 0; i < sum.size(); ++i) {
    CHECK(sum[i].name == more[i].name);
    accumulate(sum[i].counts, more[i].counts);
  }
}

void accumulate(std::vector<NamedHistogram>& sum, const std::vector<NamedHistogram>& more) {
  if (sum.empty()) {
    sum = more;
    return;
  }
  CHECK(sum.size() == more.size());
  for (size_t i = 0; i < sum.size(); ++i) {
    CHECK(sum[i].info == more[i].info && sum[i].counts.size() == more[i].counts.size());
    for (size_t bucket = 0; bucket < sum[i].counts.size(); ++bucket) {
      sum[i].counts[bucket] += more[i].counts[bucket];
    }
    sum[i].sum += more[i].sum;
  }
}

void append(std::vector<NamedHistogram>* all, std::vector<NamedHistogram> more) {
  for (NamedHistogram& each : more) all->push_back(std::move(each));
}

std::vector<NamedCount> node_counts(const NodeCounters& counters) {
  std::vector<NamedCount> counts = read_all(counters.node);
  append_sums<NodeSum>(&counts, [&](NodeSum which) { return counters.sum(which); });
  return counts;
}

std::vector<NamedCount> commit_counts(const CommitThread& commits) {
  std::vector<NamedCount> counts = read_all(commits.counters());
  append_sums<CommitSum>(&counts,
                         [&](CommitSum which) { return sum_of(commits.histograms(), which); });
  return counts;
}

std::vector<NamedCount> io_counts(const IoCounters& counters) {
  std::vector<NamedCount> counts = read_all(counters);
  append_sums<IoSum>(&counts, [&](IoSum which) { return sum_of(counters, which); });
  return counts;
}

ShardStats stats_of(const Shards& shards, uint32_t index) {
  ShardStats stats;
  const Shard& shard = shards.shard(index);
  stats.shard = read_all(shard.counters());
  for (NetworkIndex network = 0; network < shard.networks_count(); ++network) {
    const NodeCounters& counters = shard.node_counters(network);
    accumulate(stats.node, node_counts(counters));
    accumulate(stats.malformed, read_all(counters.malformed));
    accumulate(stats.calls, read_table(counters.calls));
    accumulate(stats.lookups, read_table(counters.lookups));
    accumulate(stats.histograms, read_all(counters.histograms));
    accumulate(stats.table, read_all(shard.table_refusals(network)));
    accumulate(stats.storage, read_all(shard.store_counters(network)));
    accumulate(stats.published, read_all(shard.published_counters(network)));
  }
  stats.io = io_counts(shards.reactor(index).counters());
  stats.commits = commit_counts(shards.commits(index));
  append(&stats.histograms, read_all(shards.commits(index).histograms()));
  append(&stats.histograms, read_all(shards.reactor(index).histograms()));
  return stats;
}

}  // namespace

StorageState storage_state(const Shards& shards) {
  bool loaded = true;
  bool opening = false;
  bool damaged = false;
  for (uint32_t index = 0; index < shards.count(); ++index) {
    const DatabaseState state = shards.commits(index).state();
    if (state == DatabaseState::refusing_writes || state == DatabaseState::unavailable) {
      return StorageState::failed;
    }
    const Shard& shard = shards.shard(index);
    opening = opening || state == DatabaseState::opening;
    damaged = damaged || shards.commits(index).is_damaged();
    loaded = loaded && shard.counters().read(ShardCount::networks_loaded) == shard.networks_count();
  }
  if (opening) return StorageState::opening;
  if (!loaded) return StorageState::loading;
  return damaged ? StorageState::damaged : StorageState::ready;
}

ServerStats collect_stats(const Shards& shards, const RocksStore& database,
                          const HttpCounters& http, const Id& id) {
  ServerStats stats;
  stats.id = id.hex();
  const Reactor& first = shards.reactor(0);
  stats.io = first.backend_name();
  stats.io_fallback_because = first.fallback_because();
  stats.storage_state = storage_state(shards);
  for (const BoundSocket& socket : first.sockets()) {
    if (socket.is_open()) {
      stats.sockets.push_back(
          {socket.bound.text(), socket.receive_buffer_bytes, socket.is_steered});
    }
  }
  for (uint32_t index = 0; index < shards.count(); ++index) {
    stats.shards.push_back(stats_of(shards, index));
    const ShardStats& one = stats.shards.back();
    accumulate(stats.total.shard, one.shard);
    accumulate(stats.total.node, one.node);
    accumulate(stats.total.malformed, one.malformed);
    accumulate(stats.total.table, one.table);
    accumulate(stats.total.io, one.io);
    accumulate(stats.total.storage, one.storage);
    accumulate(stats.total.published, one.published);
    accumulate(stats.total.commits, one.commits);
    accumulate(stats.total.calls, one.calls);
    accumulate(stats.total.lookups, one.lookups);
    accumulate(stats.total.histograms, one.histograms);
  }
  const size_t contacts = static_cast<size_t>(ShardCount::contacts);
  const size_t records = static_cast<size_t>(ShardCount::records);
  stats.contacts = stats.total.shard[contacts].value;
  stats.records = stats.total.shard[records].value;
  const DatabaseCounts counts = database.counts();
  const auto infos = info_of(DatabaseCount{});
  CHECK(infos.size() == counts.size());
  for (size_t i = 0; i < counts.size(); ++i) stats.database.push_back({&infos[i], counts[i]});
  stats.http = read_all(http);
  return stats;
}

void add_calls(const CallCounters& calls, ServerStats* stats) {
  CHECK(stats->operation_durations.empty() && stats->histograms.empty());
  for (size_t kind = 0; kind < CallCounters::kinds; ++kind) {
    for (size_t status = 0; status < CallCounters::statuses; ++status) {
      const auto of_kind = static_cast<CommandKind>(kind);
      const auto ended = static_cast<ServerStatus>(status);
      stats->operation_durations.push_back(
          {name_of(of_kind), name_of(ended), read_all(calls.durations(of_kind, ended)).front()});
    }
  }
  append(&stats->histograms, read_all(calls.replicas()));
}

}  // namespace xord
