#include "tools/cli/interrupt.h"

#include <atomic>

#include "reactor/base/check.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

std::atomic<bool> was_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int) {
  was_requested.store(true, std::memory_order_relaxed);
}

// The handler of the live SignalCatcher.
std::atomic<void (*)(int)> caught_handler{nullptr};
std::atomic<bool> was_caught{false};
static_assert(std::atomic<void (*)(int)>::is_always_lock_free);

void on_caught(int signal) {
  was_caught.store(true, std::memory_order_relaxed);
  caught_handler.load(std::memory_order_relaxed)(signal);
}

}  // namespace

SignalCatcher::SignalCatcher(void (*handler)(int)) {
  CHECK(handler != nullptr);
  caught_handler.store(handler, std::memory_order_relaxed);
  was_caught.store(false, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = on_caught;
  sigaction(SIGINT, &action, &old_interrupt_);
  sigaction(SIGTERM, &action, &old_terminate_);
}

SignalCatcher::~SignalCatcher() {
  if (was_caught.load(std::memory_order_relaxed)) {
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGTERM, SIG_IGN);
    return;
  }
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
