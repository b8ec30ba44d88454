// Makes the host grant less than it does, like a container at its limits: setrlimit(2).
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <thread>

namespace xord {

// Lowers a limit of this process for as long as the object lives.
class LoweredLimit {
 public:
  LoweredLimit(decltype(RLIMIT_AS) resource, rlim_t most) : resource_(resource) {
    EXPECT_EQ(getrlimit(resource_, &before_), 0);
    const rlimit lowered{most, before_.rlim_max};
    EXPECT_EQ(setrlimit(resource_, &lowered), 0);
  }
  ~LoweredLimit() { EXPECT_EQ(setrlimit(resource_, &before_), 0); }
  LoweredLimit(const LoweredLimit&) = delete;
  LoweredLimit& operator=(const LoweredLimit&) = delete;

 private:
  const decltype(RLIMIT_AS) resource_;
  rlimit before_{};
};

// Runs `body` on a new thread to which the limits that count by user apply (RLIMIT_NPROC,
// RLIMIT_MEMLOCK). They do not apply to root, so there the thread takes a user id that no other
// process has, without capabilities. Threads that it starts inherit both.
inline void as_nobody_else(const std::function<void()>& body) {
  std::thread([&] {
    // The raw call changes this thread only.
    const auto nobody_else = static_cast<uid_t>(0x40000000 + getpid());
    if (geteuid() == 0) {
      ASSERT_EQ(syscall(SYS_setresuid, nobody_else, nobody_else, nobody_else), 0);
    }
    body();
  }).join();
}

}  // namespace xord
