#include "tools/interrupt.h"

#include <atomic>

namespace xord {
namespace {

std::atomic<bool> was_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int) {
  was_requested.store(true, std::memory_order_relaxed);
}

}  // namespace

Interrupt::Interrupt() {
  was_requested.store(false, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, &old_interrupt_);
  sigaction(SIGTERM, &action, &old_terminate_);
}

Interrupt::~Interrupt() {
  sigaction(SIGINT, &old_interrupt_, nullptr);
  sigaction(SIGTERM, &old_terminate_, nullptr);
}

bool Interrupt::requested() {
  return was_requested.load(std::memory_order_relaxed);
}

}  // namespace xord
