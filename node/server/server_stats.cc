#include "node/server/server_stats.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "node/counters.h"
#include "node/server/admin.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

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

Json object_of(const std::vector<NamedCount>& counts) {
  Json object = Json::object();
  for (const NamedCount& count : counts) object[std::string(count.info->name)] = count.value;
  return object;
}

Json object_of(const std::vector<CountRow>& rows) {
  Json object = Json::object();
  for (const CountRow& row : rows) object[std::string(row.name)] = object_of(row.counts);
  return object;
}

// In the unit that the histogram's name says.
Json shown(const HistogramInfo& info, uint64_t value) {
  if (info.unit == HistogramUnit::number) return value;
  return static_cast<double>(value) / 1e9;
}

Json bounds_of(const HistogramInfo& info) {
  Json bounds = Json::array();
  for (const uint64_t bound : info.bounds) bounds.push_back(shown(info, bound));
  return bounds;
}

Json object_of(const NamedHistogram& histogram) {
  CHECK(histogram.counts.size() == histogram.info->bounds.size() + 1);
  return {{"bounds", bounds_of(*histogram.info)},
          {"counts", histogram.counts},
          {"sum", shown(*histogram.info, histogram.sum)}};
}

Json object_of(const std::vector<NamedHistogram>& histograms) {
  Json object = Json::object();
  for (const NamedHistogram& each : histograms) {
    object[std::string(each.info->name)] = object_of(each);
  }
  return object;
}

// By kind, then by outcome. Most of the eighty never occur.
Json object_of(const std::vector<OperationStats>& operations) {
  Json object = Json::object();
  for (const OperationStats& each : operations) {
    if (each.duration.count() == 0) continue;
    object[std::string(each.kind)][std::string(each.outcome)] = object_of(each.duration);
  }
  return object;
}

Json object_of(const ShardStats& stats) {
  return {{"shard", object_of(stats.shard)},
          {"node", object_of(stats.node)},
          {"malformed", object_of(stats.malformed)},
          {"table", object_of(stats.table)},
          {"io", object_of(stats.io)},
          {"storage", object_of(stats.storage)},
          {"published", object_of(stats.published)},
          {"commits", object_of(stats.commits)},
          {"calls", object_of(stats.calls)},
          {"lookups", object_of(stats.lookups)},
          {"histograms", object_of(stats.histograms)}};
}

}  // namespace

std::string_view name_of(StorageState state) {
  constexpr std::string_view names[] = {"opening", "loading", "ready",
                                        "damaged", "failed",  "stopped"};
  static_assert(std::size(names) == static_cast<size_t>(StorageState::stopped) + 1);
  CHECK(static_cast<size_t>(state) < std::size(names));
  return names[static_cast<size_t>(state)];
}

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

uint64_t ServerStats::count(std::string_view name) const {
  for (const auto* list : {&total.shard, &total.node, &total.malformed, &total.table, &total.io,
                           &total.storage, &total.commits, &database}) {
    for (const NamedCount& count : *list) {
      if (count.info->name == name) return count.value;
    }
  }
  return 0;
}

std::string ServerStats::json() const {
  Json object = {{"id", id},
                 {"io", io},
                 {"io_fallback_because", io_fallback_because},
                 {"storage_state", std::string(name_of(storage_state))},
                 {"uptime_seconds", std::round(uptime_seconds * 1000) / 1000},
                 {"sockets", Json::array()},
                 {"contacts", contacts},
                 {"records", records},
                 {"operations", operations},
                 {"operation_duration_seconds", object_of(operation_durations)},
                 {"histograms", object_of(histograms)},
                 {"total", object_of(total)},
                 {"database", object_of(database)},
                 {"http", object_of(http)}};
  for (const SocketStats& socket : sockets) {
    object["sockets"].push_back({{"endpoint", socket.endpoint},
                                 {"receive_buffer_bytes", socket.receive_buffer_bytes},
                                 {"steered", socket.steered}});
  }
  if (shards.size() > 1) {
    object["shards"] = Json::array();
    for (const ShardStats& shard : shards) object["shards"].push_back(object_of(shard));
  }
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace xord
