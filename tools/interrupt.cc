#include "tools/interrupt.h"

#include <atomic>

#include "tools/failure.h"

namespace xord {
namespace {

std::atomic<bool> was_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int) {
  was_requested.store(true, std::memory_order_relaxed);
}

using Handler = void (*)(int);

// What came before is forgotten first: once the handler is there, it would be what comes.
Handler fresh_handler() {
  was_requested.store(false, std::memory_order_relaxed);
  return on_signal;
}

}  // namespace

SignalCatcher::SignalCatcher(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigaction(SIGINT, &action, &old_interrupt_);
  sigaction(SIGTERM, &action, &old_terminate_);
}

SignalCatcher::~SignalCatcher() {
  sigaction(SIGINT, &old_interrupt_, nullptr);
  sigaction(SIGTERM, &old_terminate_, nullptr);
}

Interrupt::Interrupt() : catcher_(fresh_handler()) {}

bool Interrupt::requested() {
  return was_requested.load(std::memory_order_relaxed);
}

void stop_if_interrupted() {
  if (Interrupt::requested()) throw Failure(ExitCode::interrupted, "interrupted");
}

}  // namespace xord
