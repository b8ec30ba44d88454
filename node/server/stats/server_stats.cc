#include "node/server/stats/server_stats.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "reactor/base/check.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

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
