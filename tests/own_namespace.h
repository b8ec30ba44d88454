// A test in namespaces of its own (unshare(2)), where it may change the loopback device or what a
// file shows, and nobody else notices. That needs root, and a container that lets it; the test is
// skipped elsewhere. The namespaces end with the last thread that lives in them.
#pragma once

#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

namespace xord {

// In the words that tests/e2e/harness.py uses: the machine lacks it, the test does not fail.
inline constexpr char no_namespace[] = "mounting needs root, and a container that lets it";

// Runs `body` on a new thread for which `to` has the content of the file `from`. Threads that it
// starts see the same. Whether that is permitted here.
inline bool with_file_in_place(const std::string& from, const std::string& to,
                               const std::function<void()>& body) {
  bool is_permitted = false;
  std::thread([&] {
    // What is mounted below a shared mount would appear outside, too.
    is_permitted = unshare(CLONE_NEWNS) == 0 &&
                   mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) == 0;
    if (is_permitted) body();
  }).join();
  return is_permitted;
}

// Runs `body` on a new thread with a network of its own: a loopback device of this MTU, and no
// route to anywhere else. Whether that is permitted here.
inline bool in_own_network(int mtu, const std::function<void()>& body) {
  bool is_permitted = false;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) return;
    is_permitted = true;
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq device{};
    std::memcpy(device.ifr_name, "lo", 3);
    device.ifr_mtu = mtu;
    EXPECT_EQ(ioctl(any, SIOCSIFMTU, &device), 0) << strerror(errno);
    device.ifr_flags = IFF_UP | IFF_RUNNING;
    EXPECT_EQ(ioctl(any, SIOCSIFFLAGS, &device), 0) << strerror(errno);
    close(any);
    body();
  }).join();
  return is_permitted;
}

}  // namespace xord
