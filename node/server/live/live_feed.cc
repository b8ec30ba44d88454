#include "node/server/live/live_feed.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "node/server/log/json_text.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration read_disk_interval = seconds(10);

// To the microsecond, or to a millionth of whatever it is; null for what is not known.
Json shown(double value) {
  if (std::isnan(value)) return nullptr;
  return std::round(value * 1e6) / 1e6;
}

Json reasons_of(const HealthReport& report) {
  Json reasons = Json::array();
  for (size_t i = 0; i < health_checks; ++i) {
    const HealthResult& result = report.results[i];
    if (result.level == HealthLevel::ok) continue;
    reasons.push_back({{"name", name_of(static_cast<HealthCheck>(i))},
                       {"status", name_of(result.level)},
                       {"detail", result.sentence}});
  }
  return reasons;
}

Json limits_of(const ServerConfig& config, const std::optional<DiskSpace>& disk) {
  Json limits = {{"contacts", config.contacts_max},
                 {"records", config.records_max},
                 {"storage_bytes", config.storage_max},
                 {"memory_bytes", config.memory_max}};
  if (disk) limits["disk_bytes"] = disk->size;
  return limits;
}

Json series_of(const LiveFigures& figures) {
  Json series = Json::object();
  for (size_t i = 0; i < series_count; ++i) {
    const auto which = static_cast<Series>(i);
    series[std::string(name_of(which))] = shown(static_cast<double>(figures.values[which]));
  }
  return series;
}

Json totals_of(const LiveFigures& figures) {
  Json totals = Json::object();
  for (size_t i = 0; i < series_count; ++i) {
    const auto which = static_cast<Series>(i);
    if (kind_of(which) == SeriesKind::rate) {
      totals[std::string(name_of(which))] = figures.totals[i];
    }
  }
  return totals;
}

Json shards_of(const LiveFigures& figures) {
  Json shards = Json::array();
  for (const ShardFigures& each : figures.shards) {
    shards.push_back({{"busy", shown(each.busy)},
                      {"requests", shown(each.requests)},
                      {"records", each.records},
                      {"queue", each.queue},
                      {"turn_s", shown(each.turn_longest)}});
  }
  return shards;
}

}  // namespace

Json json_of(const LogLine& line) {
  Json json = {{"number", line.number},
               {"time_s", static_cast<double>(line.at.whole_milliseconds()) / 1000},
               {"level", name_of(line.level)},
               {"message", line.message},
               {"fields", Json::parse(line.fields, nullptr, false)}};
  CHECK(json["fields"].is_object());
  if (line.are_fields_cut) json["fields_cut"] = true;
  return json;
}

void LiveFeed::tick(MonotonicTime now, HttpCounters& counters) {
  if (ticked_at_ && now <= *ticked_at_) return;
  const ServerStats stats = admin_.stats();
  if (stats.shards.empty()) return;  // It has not quite started.
  ticked_at_ = now;
  read_disk(now);
  const LiveFigures figures = sampler_.take(stats, disk_, now);
  const int64_t second = now.nanoseconds / 1'000'000'000;
  history_.add(figures.values, second);
  wall_offset_ = wall_time().whole_seconds() - second;
  last_event_ = make_event(stats, figures);
  send(last_event_, counters);
}

void LiveFeed::read_disk(MonotonicTime now) {
  if (read_disk_at_ && now < *read_disk_at_) return;
  read_disk_at_ = now + read_disk_interval;
  CHECK(!admin_.config().data_dir.empty());
  disk_ = disk_space_of(admin_.config().data_dir);
}

std::string LiveFeed::make_event(const ServerStats& stats, const LiveFigures& figures) {
  const HealthReport report = admin_.health();
  CHECK(stats.shards.size() == figures.shards.size());
  Json json = {{"number", ++number_},
               {"time_s", static_cast<double>(wall_time().whole_milliseconds()) / 1000},
               {"id", admin_.id().hex()},
               {"version", admin_.config().version},
               {"io", stats.io},
               {"state", name_of(report.state)},
               {"reasons", reasons_of(report)},
               {"uptime_s", shown(stats.uptime_seconds)},
               {"storage_state", name_of(stats.storage_state)},
               {"limits", limits_of(admin_.config(), disk_)},
               {"series", series_of(figures)},
               {"totals", totals_of(figures)},
               {"shards", shards_of(figures)},
               {"log", Json::array()}};
  const auto lines = admin_.log_lines().lines(LogLevel::debug, logged_, event_log_lines_max);
  for (const LogLine& line : lines) json["log"].push_back(json_of(line));
  if (!lines.empty()) logged_ = lines.back().number;
  const std::string head = (number_ == 1 ? "retry: 2000\n" : "") + std::string("id: ") +
                           std::to_string(number_) + "\ndata: ";
  std::string event = head + json_text(json) + "\n\n";
  if (event.size() > event_bytes_max) {
    json["log"] = Json::array();  // GET /v1/log has them.
    event = head + json_text(json) + "\n\n";
  }
  CHECK(event.size() <= event_bytes_max);
  return event;
}

void LiveFeed::send(const std::string& event, HttpCounters& counters) {
  std::erase_if(streams_, [](const auto& stream) { return stream->is_over(); });
  CHECK(!event.empty() && streams_.size() <= feed_streams_max);
  counters.set(HttpCount::event_streams, streams_.size());
  for (const auto& stream : streams_) {
    if (stream->push(event)) continue;
    if (!stream->is_over()) counters.add(HttpCount::events_lost);
  }
}

std::shared_ptr<HttpStream> LiveFeed::open() {
  std::erase_if(streams_, [](const auto& stream) { return stream->is_over(); });
  if (streams_.size() == feed_streams_max) return nullptr;
  streams_.push_back(std::make_shared<HttpStream>());
  if (!last_event_.empty()) CHECK(streams_.back()->push(last_event_));
  return streams_.back();
}

}  // namespace xord
