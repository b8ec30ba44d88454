// Shared by the socket tests: a plain UDP client on loopback, the backends as test parameters, and
// a way to run part of a test where the kernel refuses something. A datagram sent on loopback is in
// the receiver's socket when sendto() returns, so nothing here waits for time to pass.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/endpoint.h"
#include "reactor/sockets.h"
#include "reactor/udp_backend.h"
#include "tests/own_loopback.h"
#include "tests/skip_if_refused.h"

namespace xord {

inline Endpoint endpoint(std::string_view text) {
  const auto parsed = Endpoint::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Endpoint{});
}

// The peer's UDP socket. A connected one receives only from the address it asked.
class LoopbackClient {
 public:
  explicit LoopbackClient(const Endpoint& bound);
  ~LoopbackClient();
  LoopbackClient(const LoopbackClient&) = delete;
  LoopbackClient& operator=(const LoopbackClient&) = delete;

  void connect(const Endpoint& server);
  void send(std::string_view bytes);  // To the server connected to.
  void send_to(const Endpoint& to, std::string_view bytes);
  // The next datagram; fails the test if none arrives within 10 s.
  std::string receive();
  std::string receive_from(Endpoint* sender);  // The same, and who sent it.
  std::optional<std::string> receive_if_there();
  Endpoint local() const;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// An IPv4 address that only this process uses, or ::1.
enum class Family : uint8_t { ipv4, ipv6 };
inline Endpoint loopback(Family family, uint16_t port = 0) {
  if (family == Family::ipv4) return own_loopback(port);
  Endpoint result = endpoint("[::1]:0");
  result.port = port;
  return result;
}
inline Endpoint wildcard(Family family) {
  return endpoint(family == Family::ipv4 ? "0.0.0.0:0" : "[::]:0");
}

// Opens sockets for one shard, failing the test on an error.
ShardSockets open_for_one_shard(const std::vector<Listen>& listens);

// Every socket test runs on both backends. Where the host refuses io_uring, its half is skipped and
// reported.
class OnBothBackends : public testing::TestWithParam<IoChoice> {
 protected:
  void SetUp() override { skip_if_refused(GetParam()); }
};
std::string backend_test_name(const testing::TestParamInfo<IoChoice>& parameter);
#define ON_BOTH_BACKENDS(suite)                                                                \
  INSTANTIATE_TEST_SUITE_P(Loopback, suite, testing::Values(IoChoice::uring, IoChoice::epoll), \
                           backend_test_name)

// From now on system call `number` of the calling thread fails with `error_number` if one of its
// arguments has that value (empty: always). seccomp(2); no privilege needed.
struct SystemCallArgument {
  uint32_t index;
  uint32_t value;
};
void refuse_system_call(long number, std::optional<SystemCallArgument> argument, int error_number);
// Runs `body` on a new thread with such a refusal.
void with_refused_system_call(long number, std::optional<SystemCallArgument> argument,
                              int error_number, const std::function<void()>& body);

// Runs `body` on a new thread that may lock at most `bytes` of memory (RLIMIT_MEMLOCK counts by
// user: as root, the thread takes a user id that no other process has).
void with_lockable_memory(uint64_t bytes, const std::function<void()>& body);

}  // namespace xord
