#include "tools/serve.h"

#include <csignal>

#include "node/server/server.h"

namespace xord {
namespace {

// The signals that a server's owner acts on, blocked from before the first thread is made, so that
// no thread but this one ever takes one.
class SignalSet {
 public:
  SignalSet() {
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, &old_);
    std::signal(SIGPIPE, SIG_IGN);  // A node outlives the reader of its log...
    std::signal(SIGXFSZ, SIG_IGN);  // ...and a file that may not grow: a write that fails.
  }
  ~SignalSet() { pthread_sigmask(SIG_SETMASK, &old_, nullptr); }
  SignalSet(const SignalSet&) = delete;
  SignalSet& operator=(const SignalSet&) = delete;

  int wait() const {
    int signal = 0;
    while (sigwait(&set_, &signal) != 0) continue;
    return signal;
  }

 private:
  sigset_t set_;
  sigset_t old_;
};

}  // namespace

ExitCode serve(const ServerConfig& config) {
  const SignalSet signals;
  Server server;
  if (const auto error = server.start(config)) {
    throw Failure(static_cast<ExitCode>(error->kind), error->sentence);
  }
  while (signals.wait() == SIGUSR1) server.log_stats();
  server.stop();
  return ExitCode::done;
}

}  // namespace xord
