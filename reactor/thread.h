// Threads that may fail to start: a host or a container grants only so many, and std::thread throws
// where pthread_create(3) returns an error. All have the same stack size, whatever `ulimit -s`
// says.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "reactor/io_error.h"

namespace xord {

// A sanitizer's frames are larger; pages are taken as they are touched.
constexpr size_t thread_stack_bytes = 2 << 20;

class Thread {
 public:
  Thread() = default;
  ~Thread() { join(); }
  Thread(Thread&& other) noexcept;
  Thread& operator=(Thread&& other) noexcept;  // Joins the one that is replaced.

  // Runs `body` on a new thread, named `name` (15 characters are shown; empty: inherits its
  // parent's). No thread may be running yet. An error says why it could not start.
  [[nodiscard]] std::optional<IoError> start(const std::string& name, std::function<void()> body);
  bool is_joinable() const { return is_joinable_; }
  void join();  // Harmless if nothing runs.
  // Lets it run on alone.
  void detach();

 private:
  pthread_t thread_{};
  bool is_joinable_ = false;
};

// How many of `count` threads could be started at once, found by starting them. The answer may be
// outdated at once: others on the host start threads too.
uint32_t startable_threads(uint32_t count);

// "<what>: <error>", and the limits on threads that apply to this process, each with its number.
IoError thread_error(const std::string& what, int error_number);

}  // namespace xord
