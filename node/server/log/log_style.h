// How a line of the log looks, by where it goes: a person at a terminal wants the time of day and
// colours, systemd's journal stamps lines itself and reads their priority from a prefix, and a file
// or a pipe gets date, time and plain text. Only lines of text differ; JSON is the same everywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "node/server/config/server_config.h"

namespace xord {

// What standard error is.
struct LogDestination {
  bool is_terminal = false;
  bool is_journal = false;      // It leads to systemd's journal.
  bool refuses_colour = false;  // NO_COLOR is set, or the terminal is a dumb one.
};

enum class LogLayout : uint8_t {
  dated,     // 2026-11-24T02:05:06.123Z info joined contacts=7
  terminal,  // 02:05:06.123 info    joined contacts=7: local time, levels of one width
  journal,   // <6>info joined contacts=7
};

struct LogStyle {
  LogLayout layout = LogLayout::dated;
  bool is_coloured = false;  // Never in the journal, which would keep the escapes.

  bool operator==(const LogStyle&) const = default;
};

// What `descriptor` is, by isatty(3) and the environment. A process inherits JOURNAL_STREAM with
// the rest of its environment, so it counts only if it names the device and the inode of
// `descriptor` (systemd.exec(5)).
LogDestination log_destination(int descriptor);

// LogColor::always gives a file the lines of a terminal, for `less -R`.
LogStyle log_style(const LogDestination& destination, LogColor color);

// A line of text without its time and its newline. `message` and `fields` are printable; `fields`
// is empty or as "a=1 b=2". `level` is not `off`.
std::string styled_line(const LogStyle& style, LogLevel level, std::string_view message,
                        std::string_view fields);

}  // namespace xord
