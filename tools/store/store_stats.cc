#include "tools/store/store_stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "reactor/base/check.h"
#include "tools/cli/counted.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

static_assert(std::is_sorted(std::begin(expiry_bounds), std::end(expiry_bounds),
                             [](const ExpiryBound& a, const ExpiryBound& b) {
                               return a.at_most < b.at_most;
                             }));

uint64_t bytes_below(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    if (!at->is_regular_file(gone)) continue;
    const uint64_t size = at->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

void count_row(const StoredRecords::Visited& visited, NodeSeconds now, NetworkStats& stats) {
  if (!visited.row) {
    ++stats.damaged;
    return;
  }
  const Row& row = *visited.row;
  if (now >= row.times.expiry) {
    ++stats.expired;
    return;
  }
  ++stats.records;
  stats.value_bytes += row.value.size();
  stats.value_size_most = std::max(stats.value_size_most, static_cast<uint32_t>(row.value.size()));
  const NodeSeconds left = row.times.expiry - now;
  size_t bound = 0;
  while (left > expiry_bounds[bound].at_most) ++bound;
  ++stats.expiring[bound];
}

// Counts the list by walking it: a user maintains it, so it is short.
uint64_t published_count(const RocksReader& reader, NetworkIndex network) {
  uint64_t count = 0;
  if (!reader.has_published_list(network)) return count;
  reader.walk({network, StoreList::published}, row_range_of(0, 1),
              [&](const RowKey&, Bytes) { return ++count > 0; });
  return count;
}

std::string text_of(const NetworkStats& stats) {
  std::string text = fmt::format(
      "network {}\n"
      "  records      {}\n"
      "  value bytes  {}, {} on average, {} at most\n"
      "  tables       {} on disk\n"
      "  expired      {} rows still to be reclaimed\n"
      "  published    {} keys that the node publishes itself\n",
      stats.network, stats.records, stats.value_bytes,
      stats.records == 0 ? 0 : stats.value_bytes / stats.records, stats.value_size_most,
      stats.table_bytes, stats.expired, stats.published);
  if (stats.damaged > 0) text += fmt::format("  damaged      {} rows\n", stats.damaged);
  for (size_t i = 0; i < stats.expiring.size(); ++i) {
    if (stats.expiring[i] == 0) continue;
    const bool is_last = i + 1 == stats.expiring.size();
    text += fmt::format("  expire {:<6} {}\n",
                        is_last ? "later" : std::string("in ") + expiry_bounds[i].name,
                        stats.expiring[i]);
  }
  return text;
}

Json json_of(const NetworkStats& stats) {
  Json expiring = Json::object();
  for (size_t i = 0; i < stats.expiring.size(); ++i) {
    expiring[expiry_bounds[i].name] = stats.expiring[i];
  }
  return {{"network", stats.network},
          {"records", stats.records},
          {"value_bytes", stats.value_bytes},
          {"value_size_most", stats.value_size_most},
          {"table_bytes", stats.table_bytes},
          {"expired", stats.expired},
          {"damaged", stats.damaged},
          {"published", stats.published},
          {"expiring", expiring}};
}

}  // namespace

Json StoreStats::json() const {
  Json object = {{"disk_bytes", disk_bytes},
                 {"unreadable_ranges", unreadable.ranges},
                 {"networks", Json::array()}};
  for (const NetworkStats& network : networks) object["networks"].push_back(json_of(network));
  return object;
}

std::string StoreStats::text() const {
  std::string text = fmt::format("disk           {} bytes\n", disk_bytes);
  for (const NetworkStats& network : networks) text += text_of(network);
  if (networks.empty()) text += "no records: the node has stored nothing yet\n";
  if (unreadable.ranges > 0) {
    text += fmt::format("{} cannot be read ({}); `xord store check` says more\n",
                        counted(unreadable.ranges, "range", " of keys"), unreadable.cause);
  }
  return text;
}

StoreStats count_records(const StoredRecords& stored, Terminal& terminal) {
  StoreStats stats;
  for (NetworkIndex i = 0; i < stored.reader().networks().size(); ++i) {
    NetworkStats& network = stats.networks.emplace_back();
    network.network = stored.reader().networks()[i];
    network.table_bytes = stored.reader().table_bytes(i);
    network.published = published_count(stored.reader(), i);
  }
  const NodeSeconds now = node_seconds(stored.node_now());
  stats.unreadable = stored.walk("counted", terminal, [&](const StoredRecords::Visited& visited) {
    CHECK(visited.network < stats.networks.size());
    count_row(visited, now, stats.networks[visited.network]);
  });
  for (const NetworkStats& network : stats.networks) {
    const auto& expiring = network.expiring;
    CHECK(std::accumulate(expiring.begin(), expiring.end(), uint64_t{0}) == network.records);
  }
  stats.disk_bytes = bytes_below(stored.directory().path());
  return stats;
}

}  // namespace xord
