// `xord stop`: ends the running node of this host, and waits until it has ended.
#include <cerrno>
#include <chrono>
#include <thread>
#include <variant>

#include "node/server/config/server_config.h"
#include "reactor/io_error.h"
#include "reactor/monotonic.h"
#include "storage/files/data_directory.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/units.h"
#include "tools/control/control_client.h"
#include "tools/control/data_dir_flags.h"

namespace xord {
namespace {

// As long as drain-max and drain-delay may be, and a minute for the disk.
constexpr Duration wait_most = minutes(21);
constexpr std::chrono::milliseconds look_interval{50};

static_assert(wait_most > drain_bounds.most * 2);

// The node holds the directory's lock until everything is saved.
bool is_free(const std::string& data_dir) {
  const auto opened = DataDirectory::open_to_read(data_dir);
  const auto* error = std::get_if<IoError>(&opened);
  return error == nullptr || error->error_number != EWOULDBLOCK;
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
  DataDirFlags flags;
  std::vector<std::string> wait_flag;
  add_data_dir_flag(app, flags);
  add_repeatable(app, "--wait", wait_flag, "How long to wait for its end [1m]")
      ->type_name("DURATION");
  app.footer(
      "It ends as on SIGTERM: within drain-delay and drain-max, and what was acknowledged is on\n"
      "disk. Exit codes: 0 it has ended, 1 it may not be ended so, 4 no node answers, or it has "
      "not\n"
      "ended in time.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const Duration wait = wait_flag.empty() ? minutes(1) : wait_of(wait_flag);
  const std::string data_dir = data_dir_of(flags, terminal);
  const Interrupt interrupt;
  ask_control(data_dir, {{"command", "shutdown"}});
  const MonotonicTime deadline = monotonic_time() + wait;
  while (!is_free(data_dir)) {
    stop_if_interrupted();
    if (monotonic_time() >= deadline) {
      throw Failure(ExitCode::environment, "the node on " + data_dir + " has not ended within " +
                                               show_duration(wait) +
                                               ": it goes on ending; look at its log");
    }
    std::this_thread::sleep_for(look_interval);
  }
  return ExitCode::done;
}

}  // namespace xord
