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

Interrupt::Interrupt() : catcher_(on_signal) {}

Interrupt::Forgetter::~Forgetter() {
  was_requested.store(false, std::memory_order_relaxed);
}

bool Interrupt::requested() {
  return was_requested.load(std::memory_order_relaxed);
}

void stop_if_interrupted() {
  if (Interrupt::requested()) throw Failure(ExitCode::interrupted, "interrupted");
}

}  // namespace xord
