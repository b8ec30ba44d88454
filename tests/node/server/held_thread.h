// Holds up one thread of this process, whatever it is doing, as a host does that stops it: a signal
// whose handler does not return until it is let go.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace xord {

class HeldThread {
 public:
  // The oldest thread of that name, as RocksDB's inherit theirs from one of ours; there must be
  // one. One HeldThread at a time.
  explicit HeldThread(const std::string& name) {
    struct sigaction action {};
    action.sa_handler = hold;
    sigaction(SIGUSR2, &action, nullptr);
    is_held = false;
    is_let_go = false;
    pid_t thread = 0;
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/task")) {
      std::string own_name;
      std::getline(std::ifstream(each.path() / "comm") >> std::ws, own_name);
      if (own_name != name) continue;
      const pid_t number = std::atoi(each.path().filename().c_str());
      if (thread == 0 || number < thread) thread = number;
    }
    EXPECT_GT(thread, 0) << name;
    EXPECT_EQ(syscall(SYS_tgkill, getpid(), thread, SIGUSR2), 0);
    while (!is_held) pause();
  }
  ~HeldThread() { let_go(); }
  HeldThread(const HeldThread&) = delete;
  HeldThread& operator=(const HeldThread&) = delete;

  static void let_go() { is_let_go = true; }

 private:
  static void pause() { poll(nullptr, 0, 1); }  // May be called by a signal handler.
  static void hold(int) {
    is_held = true;
    while (!is_let_go) pause();
  }

  static inline std::atomic<bool> is_held{false};
  static inline std::atomic<bool> is_let_go{false};
};

}  // namespace xord
