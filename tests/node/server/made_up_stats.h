// A ServerStats with every figure that a node has, each with a value of its own, without a server.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "node/counters.h"
#include "node/routing/routing_table.h"
#include "node/server/calls/call_counters.h"
#include "node/server/http/http_counters.h"
#include "node/server/metrics/metric_table.h"
#include "node/server/shards/shard_frames.h"
#include "node/server/stats/server_stats.h"
#include "reactor/io_counters.h"
#include "storage/rocks/commit_counters.h"
#include "storage/rocks/rocks_store.h"
#include "storage/store_config.h"

namespace xord {

// Each list with the infos of its figures, but for tables and histograms.
inline std::vector<std::pair<StatsList, std::vector<const CountInfo*>>> all_counts() {
  std::vector<std::pair<StatsList, std::vector<const CountInfo*>>> lists;
  const auto add = [&](StatsList list, std::initializer_list<std::span<const CountInfo>> parts) {
    lists.push_back({list, {}});
    for (const auto part : parts) {
      for (const CountInfo& info : part) lists.back().second.push_back(&info);
    }
  };
  add(StatsList::shard, {info_of(ShardCount{})});
  add(StatsList::node, {info_of(NodeCounter{}), info_of(NodeSum{})});
  add(StatsList::malformed, {info_of(ParseError{})});
  add(StatsList::table, {info_of(TableRefusal{})});
  add(StatsList::io, {info_of(IoCounter{}), info_of(IoSum{})});
  add(StatsList::storage, {info_of(StoreCount{})});
  add(StatsList::published, {info_of(StoreCount{})});
  add(StatsList::commits, {info_of(CommitCount{}), info_of(CommitSum{})});
  add(StatsList::database, {info_of(DatabaseCount{})});
  add(StatsList::http, {info_of(HttpCount{})});
  return lists;
}

class MadeUpStats {
 public:
  // Every value is `base` and a small number that no other one has.
  explicit MadeUpStats(uint64_t base) : next_(base) {}

  ServerStats make(uint32_t shards) {
    ServerStats stats;
    stats.id = "00112233445566778899aabbccddeeff00112233";
    stats.io = "uring";
    stats.storage_state = StorageState::ready;
    stats.operations = value();
    stats.total = of_shard();
    for (uint32_t i = 0; i < shards; ++i) stats.shards.push_back(of_shard());
    stats.database = counts(StatsList::database);
    stats.http = counts(StatsList::http);
    for (size_t kind = 0; kind < CallCounters::kinds; ++kind) {
      for (size_t status = 0; status < CallCounters::statuses; ++status) {
        stats.operation_durations.push_back({name_of(static_cast<CommandKind>(kind)),
                                             name_of(static_cast<ServerStatus>(status)),
                                             histogram(info_of(OperationHistogram{})[0])});
      }
    }
    for (const HistogramInfo& info : info_of(SetHistogram{})) {
      stats.histograms.push_back(histogram(info));
    }
    return stats;
  }

 private:
  uint64_t value() { return next_++; }

  std::vector<NamedCount> counts(StatsList list) {
    std::vector<NamedCount> counts;
    for (const auto& [each, infos] : all_counts()) {
      if (each != list) continue;
      for (const CountInfo* info : infos) counts.push_back({info, value()});
    }
    return counts;
  }
  std::vector<CountRow> rows(std::span<const char* const> names, std::span<const CountInfo> infos) {
    std::vector<CountRow> rows;
    for (const char* name : names) {
      rows.push_back({name, {}});
      for (const CountInfo& info : infos) rows.back().counts.push_back({&info, value()});
    }
    return rows;
  }
  NamedHistogram histogram(const HistogramInfo& info) {
    NamedHistogram histogram{&info, {}, value()};
    for (size_t i = 0; i <= info.bounds.size(); ++i) histogram.counts.push_back(value());
    return histogram;
  }
  void append(std::vector<NamedHistogram>* all, std::span<const HistogramInfo> infos) {
    for (const HistogramInfo& info : infos) all->push_back(histogram(info));
  }
  ShardStats of_shard() {
    ShardStats stats;
    stats.shard = counts(StatsList::shard);
    stats.node = counts(StatsList::node);
    stats.malformed = counts(StatsList::malformed);
    stats.table = counts(StatsList::table);
    stats.io = counts(StatsList::io);
    stats.storage = counts(StatsList::storage);
    stats.published = counts(StatsList::published);
    stats.commits = counts(StatsList::commits);
    stats.calls = rows(method_names, info_of(CallOutcome{}));
    stats.lookups = rows(lookup_purpose_names, info_of(LookupOutcome{}));
    append(&stats.histograms, info_of(NodeHistogram{}));
    append(&stats.histograms, info_of(CommitHistogram{}));
    append(&stats.histograms, info_of(IoHistogram{}));
    return stats;
  }

  uint64_t next_;
};

}  // namespace xord
