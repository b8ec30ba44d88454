// SIGINT and SIGTERM as a flag, for commands that poll: they end early and print what they have.
#pragma once

#include <csignal>

namespace xord {

// Has `handler` called on both for as long as it lives; one at a time in a process. If one came,
// both are ignored afterwards: the command is ending, and a second Ctrl-C must neither cut off what
// it still prints nor change its exit code. Otherwise the former handlers are back.
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

// Catches both for as long as it lives; one at a time in a process.
class Interrupt {
 public:
  Interrupt();

  // Whether either came since the Interrupt that lives was made; false when none lives.
  static bool requested();

 private:
  // Forgets what came, once the handler is gone: so nothing came before the next is there.
  struct Forgetter {
    ~Forgetter();
  };

  Forgetter forgetter_;
  SignalCatcher catcher_;
};

// Failure (interrupted) when requested().
void stop_if_interrupted();

}  // namespace xord
