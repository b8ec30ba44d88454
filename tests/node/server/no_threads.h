// A host that grants no more threads, as a container at its limit of processes does.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <thread>

namespace xord {

// Runs `body` on a thread of its own, to which the limit of threads (RLIMIT_NPROC) applies: not to
// root, so there the thread becomes a user that nobody else is. Threads that it starts do, too.
inline void as_nobody_else(const std::function<void()>& body) {
  std::thread([&] {
    // The raw call changes this thread only.
    const auto nobody_else = static_cast<uid_t>(0x50000000 + getpid());
    if (geteuid() == 0) {
      ASSERT_EQ(syscall(SYS_setresuid, nobody_else, nobody_else, nobody_else), 0);
    }
    body();
  }).join();
}

// While it lives, no thread of as_nobody_else() can start another.
class NoThreads {
 public:
  NoThreads() {
    EXPECT_EQ(getrlimit(RLIMIT_NPROC, &before_), 0);
    const rlimit none{0, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NPROC, &none), 0);
  }
  ~NoThreads() { EXPECT_EQ(setrlimit(RLIMIT_NPROC, &before_), 0); }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  rlimit before_{};
};

}  // namespace xord
