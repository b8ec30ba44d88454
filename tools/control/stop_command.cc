// `xord stop`: ends the running node of this host, and waits until it has ended.
#include <cerrno>
#include <chrono>
#include <thread>
#include <variant>

#include "node/server/config/server_config.h"
#include "reactor/base/check.h"
#include "reactor/io_error.h"
#include "reactor/monotonic.h"
#include "storage/files/data_directory.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/units.h"
#include "tools/control/node_flags.h"

namespace xord {
namespace {

// As long as drain-max and drain-delay may be, and a minute for the disk.
constexpr Duration wait_most = minutes(21);
constexpr std::chrono::milliseconds look_interval{50};
constexpr Duration status_within = seconds(1);

static_assert(wait_most > drain_bounds.most * 2);

// The node holds the directory's lock until everything is saved.
bool is_free(const std::string& data_dir) {
  const auto opened = DataDirectory::open_to_read(data_dir);
  const auto* error = std::get_if<IoError>(&opened);
  return error == nullptr || error->error_number != EWOULDBLOCK;
}

// The port closes when all that was acknowledged is on disk, a moment before the lock is released.
// A tunnel in front of it goes on taking connections, which it closes unanswered.
bool is_gone(const NodePlace& place) {
  CHECK(place.admin);
  try {
    open_node(place)->ask({{"command", "status"}}, status_within);
  } catch (const NodeGone&) {
    return true;
  } catch (const Failure& failure) {
    if (failure.code() == ExitCode::interrupted) throw;
  }
  return false;
}

bool has_ended(const NodePlace& place) {
  return place.admin ? is_gone(place) : is_free(place.data_dir);
}

Duration wait_of(const std::vector<std::string>& texts) {
  const std::string text = one_value("--wait", texts);
  const auto duration = parse_duration(text);
  if (duration && *duration >= Duration{} && *duration <= wait_most) return *duration;
  throw Failure(ExitCode::usage, "--wait \"" + text + "\" is not a duration of 0s to " +
                                     show_duration(wait_most) + ", such as 30s");
}

}  // namespace

ExitCode stop_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("End the running node on this host, and wait until it has ended.", "xord stop");
  NodeFlags flags;
  std::vector<std::string> wait_flag;
  add_node_flags(app, flags);
  add_repeatable(app, "--wait", wait_flag, "How long to wait for its end [1m]")
      ->type_name("DURATION");
  app.footer(
      "It ends as on SIGTERM: within drain-delay and drain-max, and what was acknowledged is on\n"
      "disk. With --data-dir the wait is over when the directory is free, with --admin when the\n"
      "port no longer answers, a moment before that.\n"
      "Exit codes: 0 it has ended, 1 it may not be ended so, 2, 4 no node answers, or it has not\n"
      "ended in time.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const Duration wait = wait_flag.empty() ? minutes(1) : wait_of(wait_flag);
  const NodePlace place = place_of(flags, terminal);
  const Interrupt interrupt;
  open_node(place)->ask({{"command", "shutdown"}});
  const MonotonicTime deadline = monotonic_time() + wait;
  while (!has_ended(place)) {
    stop_if_interrupted();
    if (monotonic_time() >= deadline) {
      throw Failure(ExitCode::environment, place.text() + " has not ended within " +
                                               show_duration(wait) +
                                               ": it goes on ending; look at its log");
    }
    std::this_thread::sleep_for(look_interval);
  }
  return ExitCode::done;
}

}  // namespace xord
