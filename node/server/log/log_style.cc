#include "node/server/log/log_style.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "node/server/log/log.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view plain = "\x1b[0m";

// By LogLevel: blue, green, yellow, red. Dark and light terminals show all of them.
constexpr std::array<std::string_view, 4> colours = {"\x1b[34m", "\x1b[32m", "\x1b[33m",
                                                     "\x1b[31m"};
// By LogLevel, as sd-daemon(3) writes the priorities of syslog(3).
constexpr std::array<std::string_view, 4> priorities = {"<7>", "<6>", "<4>", "<3>"};
static_assert(colours.size() == static_cast<size_t>(LogLevel::off));
static_assert(priorities.size() == static_cast<size_t>(LogLevel::off));

constexpr size_t level_width = 7;  // Of "warning".

std::string_view text_of_variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

}  // namespace

LogDestination log_destination(int descriptor) {
  LogDestination destination;
  destination.is_terminal = isatty(descriptor) == 1;
  destination.refuses_colour =
      !text_of_variable("NO_COLOR").empty() || text_of_variable("TERM") == "dumb";
  struct stat file {};
  if (fstat(descriptor, &file) != 0) return destination;
  const std::string name = std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
  destination.is_journal = text_of_variable("JOURNAL_STREAM") == name;
  return destination;
}

LogStyle log_style(const LogDestination& destination, LogColor color) {
  if (destination.is_journal) return {LogLayout::journal, false};
  if (color == LogColor::always) return {LogLayout::terminal, true};
  if (!destination.is_terminal) return {LogLayout::dated, false};
  return {LogLayout::terminal, color == LogColor::automatic && !destination.refuses_colour};
}

std::string styled_line(const LogStyle& style, LogLevel level, std::string_view message,
                        std::string_view fields) {
  CHECK(level < LogLevel::off);
  CHECK(!style.is_coloured || style.layout == LogLayout::terminal);
  const auto index = static_cast<size_t>(level);
  std::string line;
  if (style.layout == LogLayout::journal) line += priorities[index];
  if (style.is_coloured) line += colours[index];
  line += name_of(level);
  if (style.is_coloured) line += plain;
  if (style.layout == LogLayout::terminal) {
    CHECK(name_of(level).size() <= level_width);
    line.append(level_width - name_of(level).size(), ' ');
  }
  line += " ";
  line += message;
  if (fields.empty()) return line;
  line += " ";
  if (style.is_coloured) line += dim;
  line += fields;
  if (style.is_coloured) line += plain;
  return line;
}

}  // namespace xord
