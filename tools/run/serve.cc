#include "tools/run/serve.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "node/server/server.h"

namespace xord {
namespace {

// The signals that a server's operator sends. They are blocked before the first thread is made, so
// that only wait() receives them. They stay blocked until the process ends: a late one must not
// turn a clean end into another exit status.
class SignalSet {
 public:
  SignalSet() {
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);  // The node must survive the reader of its log.
  }
  SignalSet(const SignalSet&) = delete;
  SignalSet& operator=(const SignalSet&) = delete;

  int wait() const {
    int signal = 0;
    while (sigwait(&set_, &signal) != 0) continue;
    return signal;
  }

 private:
  sigset_t set_;
};

// SIGHUP has two meanings: a request to reload, or the loss of the terminal. The second ends the
// node, unless nohup(1) or the like made the process ignore the signal.
class TerminalWatch {
 public:
  TerminalWatch() : had_terminal_(has_terminal()) {
    struct sigaction action {};
    sigaction(SIGHUP, nullptr, &action);
    is_ignored_ = action.sa_handler == SIG_IGN;
  }
  bool is_gone() const { return had_terminal_ && !is_ignored_ && !has_terminal(); }

 private:
  static bool has_terminal() {
    return isatty(STDIN_FILENO) == 1 || isatty(STDOUT_FILENO) == 1 || isatty(STDERR_FILENO) == 1;
  }

  bool had_terminal_;
  bool is_ignored_;
};

// Returns when the node is to end.
void serve_until_end(const SignalSet& signals, const TerminalWatch& terminal, Server& server) {
  while (true) {
    const int signal = signals.wait();
    if (signal == SIGUSR1) {
      server.log_stats();
    } else if (signal == SIGHUP && !terminal.is_gone()) {
      server.reload();
    } else {
      return;
    }
  }
}

// Stops `server`. After another SIGTERM or SIGINT it waits for nothing but the disk.
void stop(const SignalSet& signals, Server& server) {
  std::atomic<bool> is_stopped{false};
  std::thread impatience;
  try {
    impatience = std::thread([&] {
      while (true) {
        const int signal = signals.wait();
        if (is_stopped.load(std::memory_order_acquire)) return;
        if (signal == SIGTERM || signal == SIGINT) server.hurry_stop();
      }
    });
  } catch (const std::system_error&) {  // No thread for the second signal: the stop takes its time.
  }
  server.stop();
  if (!impatience.joinable()) return;
  is_stopped.store(true, std::memory_order_release);
  pthread_kill(impatience.native_handle(), SIGUSR1);
  impatience.join();
}

}  // namespace

ExitCode serve(const ServerConfig& config, std::function<ServerConfig()> read_again) {
  static_assert(static_cast<int>(ServerErrorKind::config) == static_cast<int>(ExitCode::usage));
  static_assert(static_cast<int>(ServerErrorKind::environment) ==
                static_cast<int>(ExitCode::environment));
  const TerminalWatch terminal;
  const SignalSet signals;
  Server server;
  ServerHooks hooks;
  hooks.shut_down = [] { kill(getpid(), SIGTERM); };
  hooks.read_config = [read = std::move(read_again)]() -> std::variant<ServerConfig, ServerError> {
    try {
      return read();
    } catch (const Failure& failure) {
      return ServerError{ServerErrorKind::config, failure.what()};
    }
  };
  if (const auto error = server.start(config, hooks)) {
    throw Failure(static_cast<ExitCode>(error->kind), error->sentence);
  }
  serve_until_end(signals, terminal, server);
  stop(signals, server);
  return ExitCode::done;
}

}  // namespace xord
