// The server's log: one line an event, on standard error, as text for people or as JSON for
// programs. A line is a message, which is a fixed word or two, and fields: docs/LOG.md lists them
// all. Used by the admin thread alone, which is the only one that calls spdlog: shards and commit
// threads hand it what happened as messages.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "node/server/log_limiter.h"
#include "node/server/server_config.h"

namespace spdlog {
class logger;
}

namespace xord {

std::string_view name_of(LogLevel level);

class Log {
 public:
  using Fields = nlohmann::ordered_json;  // An object; its order is that of the line.

  Log(LogLevel level, LogFormat format);
  ~Log();  // Says what was left out.
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Whether lines of `level` are written: what is costly to say need not be put together.
  bool is_on(LogLevel level) const;

  // What may happen again and again: no message comes more often than LogLimiter lets it.
  //   text: 2026-11-24T02:05:06.123Z info joined network=rpcudp contacts=7
  //   json: {"time":"2026-11-24T02:05:06.123Z","level":"info","message":"joined",
  //          "network":"rpcudp","contacts":7}
  // In text a string is in quotes, escaped as in JSON, where it is not plain.
  void write(LogLevel level, std::string_view message, const Fields& fields = Fields::object());
  // What happens a fixed number of times, or as often as somebody asked for it: without that limit.
  void write_each(LogLevel level, std::string_view message,
                  const Fields& fields = Fields::object());
  // Once a second or so: says how many lines were left out, of messages whose minute is over.
  void tell_left_out();

 private:
  void tell(const std::vector<LogLimiter::LeftOut>& left_out);

  LogFormat format_;
  LogLimiter limiter_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace xord
