// The server's log: one line an event, on standard error, as text for people or as JSON for
// programs. Used by the admin thread alone, which is the only one that calls spdlog: shards and
// commit threads hand it their lines as messages.
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "node/server/server_config.h"

namespace spdlog {
class logger;
}

namespace xord {

std::string_view name_of(LogLevel level);

class Log {
 public:
  Log(LogLevel level, LogFormat format);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // One sentence, without a full stop. Control characters in it are escaped.
  //   text: 2026-11-24T02:05:06.123Z info started
  //   json: {"time":"2026-11-24T02:05:06.123Z","level":"info","message":"started"}
  void write(LogLevel level, const std::string& message);
  // The same with `fields`, an object: behind the sentence in text, members of the line in JSON.
  void write(LogLevel level, const std::string& message, const nlohmann::ordered_json& fields);

 private:
  LogFormat format_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace xord
