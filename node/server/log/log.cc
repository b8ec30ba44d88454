#include "node/server/log/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "node/server/log/json_text.h"
#include "reactor/base/check.h"
#include "reactor/base/printable.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
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

constexpr std::string_view level_names[] = {"debug", "info", "warning", "error", "off"};
static_assert(std::size(level_names) == static_cast<size_t>(LogLevel::off) + 1);

constexpr std::string_view plain_marks = "._:/[]%+-";

// A value in a line of text: a string is written bare if it cannot be mistaken for anything else.
std::string text_of_field(const Log::Fields& value) {
  if (!value.is_string()) return json_text(value);
  const auto& text = value.get_ref<const std::string&>();
  const bool is_plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char each) {
    const auto character = static_cast<unsigned char>(each);
    return std::isalnum(character) != 0 || plain_marks.find(each) != plain_marks.npos;
  });
  return is_plain ? text : json_text(value);
}

}  // namespace

std::string_view name_of(LogLevel level) {
  CHECK(static_cast<size_t>(level) < std::size(level_names));
  return level_names[static_cast<size_t>(level)];
}

std::optional<LogLevel> log_level_of(std::string_view name) {
  const auto* const found = std::find(std::begin(level_names), std::end(level_names), name);
  if (found == std::end(level_names)) return std::nullopt;
  return static_cast<LogLevel>(found - level_names);
}

Log::Log(LogLevel level, LogFormat format, LogColor color)
    : format_(format),
      style_(log_style(log_destination(STDERR_FILENO), color)),
      logger_(std::make_unique<spdlog::logger>("xord",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->flush_on(spdlog::level::trace);  // A waiting program reads the ready line from a pipe.
  change(level, format);
}

void Log::change(LogLevel level, LogFormat format) {
  using Zone = spdlog::pattern_time_type;
  format_ = format;
  logger_->set_level(spdlog_level(level));
  if (format == LogFormat::json) {
    logger_->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", Zone::utc);
    return;
  }
  switch (style_.layout) {
    case LogLayout::dated:
      logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %v", Zone::utc);
      return;
    case LogLayout::terminal:
      logger_->set_pattern("%H:%M:%S.%e %v", Zone::local);
      return;
    case LogLayout::journal:
      logger_->set_pattern("%v", Zone::utc);
      return;
  }
}

Log::~Log() {
  report(limiter_.take_all());
}

bool Log::is_on(LogLevel level) const {
  return logger_->should_log(spdlog_level(level));
}

void Log::write(LogLevel level, std::string_view message, const Fields& fields) {
  if (!is_on(level)) return;
  if (limiter_.admit(message, monotonic_time())) return write_each(level, message, fields);
  limited_count_.fetch_add(1, std::memory_order_relaxed);
}

void Log::write_each(LogLevel level, std::string_view message, const Fields& fields) {
  CHECK(fields.is_object());
  if (!is_on(level)) return;
  std::string line;
  if (format_ == LogFormat::json) {
    line = "\"message\":" + json_text(Fields(message));
    const std::string members = json_text(fields);  // {"a":1}
    if (!fields.empty()) line += "," + members.substr(1, members.size() - 2);
  } else {
    std::string texts;
    for (const auto& [name, value] : fields.items()) {
      texts += (texts.empty() ? "" : " ") + name + "=" + text_of_field(value);
    }
    // One event, one line: no name or path can forge another.
    line = styled_line(style_, level, printable(message), texts);
  }
  DCHECK(line.find('\n') == line.npos);
  logger_->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
  last_lines_.add(level, message, json_text(fields), wall_time());
}

void Log::report_omitted() {
  report(limiter_.take(monotonic_time()));
}

void Log::report(const std::vector<LogLimiter::LeftOut>& left_out) {
  for (const LogLimiter::LeftOut& each : left_out) {
    write_each(LogLevel::warning, "lines left out", {{"of", each.message}, {"count", each.count}});
  }
}

}  // namespace xord
