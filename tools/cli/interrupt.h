// SIGINT and SIGTERM as a flag, for commands that poll it: they end early and print what they have.
#pragma once

#include <csignal>

namespace xord {

// Calls `handler` on either signal while this object lives; one at a time in a process. If a signal
// came, both are ignored afterwards: the command is ending, and a second Ctrl-C must neither cut
// off its output nor change its exit code. Otherwise the previous handlers are restored.
class SignalCatcher {
 public:
  explicit SignalCatcher(void (*handler)(int));
  ~SignalCatcher();
  SignalCatcher(const SignalCatcher&) = delete;
  SignalCatcher& operator=(const SignalCatcher&) = delete;

 private:
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
};

// Records both signals while it lives; one at a time in a process.
class Interrupt {
 public:
  Interrupt();

  // Whether a signal came since the live Interrupt was made; false if there is none.
  static bool requested();

 private:
  // Clears the flag once the handler is gone, so that the next Interrupt starts without a signal.
  struct Forgetter {
    ~Forgetter();
  };

  Forgetter forgetter_;
  SignalCatcher catcher_;
};

// Throws Failure (interrupted) if requested().
void stop_if_interrupted();

}  // namespace xord
