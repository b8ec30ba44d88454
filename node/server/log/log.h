// The server's log: one line per event, on standard error, as text for people or as JSON for
// programs. A line is a message, which is a fixed word or two, and fields: docs/LOG.md lists them
// all. Lines of text look as standard error wants them (node/server/log/log_style.h). Used only by
// the admin thread, the one thread that calls spdlog: shards and commit threads send it what
// happened as messages. The last lines that it wrote can be read by any thread.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "node/server/config/server_config.h"
#include "node/server/log/log_limiter.h"
#include "node/server/log/log_ring.h"
#include "node/server/log/log_style.h"

namespace spdlog {
class logger;
}

namespace xord {

std::string_view name_of(LogLevel level);
std::optional<LogLevel> log_level_of(std::string_view name);

class Log {
 public:
  using Fields = nlohmann::ordered_json;  // An object, in the order in which it is written.

  Log(LogLevel level, LogFormat format, LogColor color = LogColor::automatic);
  ~Log();  // Reports how many lines were omitted.
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Writes the lines that follow so.
  void change(LogLevel level, LogFormat format);

  // Whether lines of `level` are written, so that expensive fields need not be computed in vain.
  bool is_on(LogLevel level) const;

  // For events that may repeat: LogLimiter bounds how often each message is written.
  //   text: 2026-11-24T02:05:06.123Z info joined network=rpcudp contacts=7
  //   json: {"time":"2026-11-24T02:05:06.123Z","level":"info","message":"joined",
  //          "network":"rpcudp","contacts":7}
  // In text, a string is quoted and escaped as in JSON unless it is plain. On a terminal and in
  // the journal its beginning differs.
  void write(LogLevel level, std::string_view message, const Fields& fields = Fields::object());
  // For events that happen a fixed number of times, or only on request: not limited.
  void write_each(LogLevel level, std::string_view message,
                  const Fields& fields = Fields::object());
  // Called about once a second: reports how many lines were omitted, for messages whose minute is
  // over.
  void report_omitted();
  // Lines that were omitted, so far. Any thread.
  uint64_t limited_count() const { return limited_count_.load(std::memory_order_relaxed); }
  // Any thread. Lines below the level, which are not written, are not among them.
  const LogRing& last_lines() const { return last_lines_; }

 private:
  void report(const std::vector<LogLimiter::LeftOut>& left_out);

  LogFormat format_;
  const LogStyle style_;
  LogLimiter limiter_;
  std::atomic<uint64_t> limited_count_{0};
  LogRing last_lines_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace xord
