// LiveFeed: takes the figures of a running node once a second, remembers them, and sends them to
// those who watch (GET /v1/events). Used by the HTTP server's thread.
//
// Bounds: feed_streams_max streams, each with at most http_stream_max bytes that wait for its
// reader; a reader that is slower loses whole events, which are counted. An event has at most
// event_bytes_max bytes, with 64 shards and log lines as long as they may be; a history is 0.94 MiB
// (node/server/live/figure_history.h).
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "node/server/admin/admin.h"
#include "node/server/http/http_counters.h"
#include "node/server/http/http_stream.h"
#include "node/server/live/figure_history.h"
#include "node/server/live/live_figures.h"

namespace xord {

constexpr size_t feed_streams_max = 8;
constexpr size_t event_log_lines_max = 10;
constexpr size_t event_bytes_max = http_stream_max;

// The log's lines as events and GET /v1/log show them.
nlohmann::ordered_json json_of(const LogLine& line);

class LiveFeed {
 public:
  // `admin` is borrowed.
  explicit LiveFeed(Admin& admin) : admin_(admin) {}

  // Call it once a second: takes figures, and sends an event to every stream. `counters` are of the
  // server.
  void tick(MonotonicTime now, HttpCounters& counters);
  // A stream of events, which begins with the last one; null if there are as many as there may be.
  // It goes on until it is over at its other end.
  std::shared_ptr<HttpStream> open();

  const FigureHistory& history() const { return history_; }
  // What to add to a time of the history to get one since 1970, by the host's clock.
  int64_t wall_offset() const { return wall_offset_; }

 private:
  void read_disk(MonotonicTime now);
  std::string make_event(const ServerStats& stats, const LiveFigures& figures);
  void send(const std::string& event, HttpCounters& counters);

  Admin& admin_;
  LiveSampler sampler_;
  FigureHistory history_;
  int64_t wall_offset_ = 0;
  std::optional<DiskSpace> disk_;
  std::optional<MonotonicTime> read_disk_at_;
  std::optional<MonotonicTime> ticked_at_;
  uint64_t number_ = 0;     // Of the last event.
  uint64_t logged_ = 0;     // The last line that was in an event.
  std::string last_event_;  // Empty: there was none yet.
  std::vector<std::shared_ptr<HttpStream>> streams_;
};

}  // namespace xord
