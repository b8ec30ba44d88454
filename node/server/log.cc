#include "node/server/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <nlohmann/json.hpp>

namespace xord {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      break;
  }
  return spdlog::level::off;
}

// JSON text of a string. What is not UTF-8 (a name that a resolver repeats) is replaced, not
// thrown.
std::string json_text(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A line is a line: whatever a host name or a path holds cannot forge another one.
std::string one_line(const std::string& text) {
  std::string line = text;
  for (char& character : line) {
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) character = '?';
  }
  return line;
}

}  // namespace

std::string_view name_of(LogLevel level) {
  constexpr std::string_view names[] = {"trace", "debug", "info", "warning", "error", "off"};
  return names[static_cast<size_t>(level)];
}

Log::Log(LogLevel level, LogFormat format)
    : format_(format),
      logger_(std::make_unique<spdlog::logger>("xord",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_level(spdlog_level(level));
  logger_->flush_on(spdlog::level::trace);  // Whoever waits for the ready line reads a pipe.
  const auto zone = spdlog::pattern_time_type::utc;
  if (format == LogFormat::json) {
    logger_->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", zone);
  } else {
    logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", zone);
  }
}

Log::~Log() = default;

void Log::write(LogLevel level, const std::string& message) {
  write(level, message, nlohmann::ordered_json::object());
}

void Log::write(LogLevel level, const std::string& message, const nlohmann::ordered_json& fields) {
  const auto at = spdlog_level(level);
  if (!logger_->should_log(at)) return;
  std::string line;
  if (format_ == LogFormat::json) {
    line = "\"message\":" + json_text(message);
    const std::string members = json_text(fields);  // {"a":1}
    if (!fields.empty()) line += "," + members.substr(1, members.size() - 2);
  } else {
    line = one_line(message);
    for (const auto& [name, value] : fields.items()) line += " " + name + "=" + json_text(value);
  }
  logger_->log(at, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace xord
