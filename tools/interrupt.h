// SIGINT and SIGTERM as a flag, for commands that poll: they end early and print what they have.
#pragma once

#include <csignal>

namespace xord {

// Catches both for as long as it lives; one at a time in a process.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  static bool requested();

 private:
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
};

}  // namespace xord
