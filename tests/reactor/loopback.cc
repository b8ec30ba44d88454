#include "tests/reactor/loopback.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <thread>

#include "reactor/socket_address.h"
#include "tests/lowered_limit.h"

namespace xord {

LoopbackClient::LoopbackClient(const Endpoint& bound)
    : fd_(socket(bound.is_ipv4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  EXPECT_GE(fd_, 0);
  SocketAddress address;
  const socklen_t size = write_socket_address(bound, &address);
  EXPECT_EQ(bind(fd_, &address.any, size), 0) << strerror(errno);
  const timeval most{10, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  const int buffer = 1 << 20;
  setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
}

LoopbackClient::~LoopbackClient() {
  close(fd_);
}

void LoopbackClient::connect(const Endpoint& server) {
  SocketAddress address;
  const socklen_t size = write_socket_address(server, &address);
  ASSERT_EQ(::connect(fd_, &address.any, size), 0) << strerror(errno);
}

void LoopbackClient::send(std::string_view bytes) {
  ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
}

void LoopbackClient::send_to(const Endpoint& to, std::string_view bytes) {
  SocketAddress address;
  const socklen_t size = write_socket_address(to, &address);
  ASSERT_EQ(sendto(fd_, bytes.data(), bytes.size(), 0, &address.any, size),
            static_cast<ssize_t>(bytes.size()))
      << strerror(errno);
}

std::string LoopbackClient::receive() {
  Endpoint ignored;
  return receive_from(&ignored);
}

std::string LoopbackClient::receive_from(Endpoint* sender) {
  std::string bytes(65536, '\0');
  SocketAddress from{};
  socklen_t from_size = sizeof from;
  ssize_t size = 0;
  do {  // Closing a ring interrupts the thread that made it.
    size = recvfrom(fd_, bytes.data(), bytes.size(), 0, &from.any, &from_size);
  } while (size < 0 && errno == EINTR);
  EXPECT_GE(size, 0) << "no datagram: " << strerror(errno);
  if (size >= 0) *sender = endpoint_of(from);
  bytes.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return bytes;
}

std::optional<std::string> LoopbackClient::receive_if_there() {
  std::string bytes(65536, '\0');
  const ssize_t size = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  bytes.resize(static_cast<size_t>(size));
  return bytes;
}

Endpoint LoopbackClient::local() const {
  SocketAddress address{};
  socklen_t size = sizeof address;
  EXPECT_EQ(getsockname(fd_, &address.any, &size), 0);
  return endpoint_of(address);
}

ShardSockets open_for_one_shard(const std::vector<Listen>& listens) {
  std::vector<ShardSockets> shards;
  const auto error = open_sockets(listens, {}, &shards);
  EXPECT_FALSE(error) << error->sentence;
  return error ? ShardSockets{} : std::move(shards[0]);
}

std::string backend_test_name(const testing::TestParamInfo<IoChoice>& parameter) {
  return parameter.param == IoChoice::uring ? "uring" : "epoll";
}

void refuse_system_call(long number, std::optional<SystemCallArgument> argument, int error_number) {
  // Its low half, on a little-endian machine.
  const uint32_t argument_at =
      static_cast<uint32_t>(offsetof(seccomp_data, args)) + 8 * (argument ? argument->index : 0);
  // Two jumps past the refusal: another call, or another argument.
  std::array<sock_filter, 6> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument_at),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argument ? argument->value : 0, 0,
               static_cast<uint8_t>(argument ? 1 : 0)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error_number)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  sock_fprog filter{static_cast<uint16_t>(program.size()), program.data()};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0) << strerror(errno);
}

void with_refused_system_call(long number, std::optional<SystemCallArgument> argument,
                              int error_number, const std::function<void()>& body) {
  std::thread([&] {
    refuse_system_call(number, argument, error_number);
    body();
  }).join();
}

void with_lockable_memory(uint64_t bytes, const std::function<void()>& body) {
  const LoweredLimit lockable(RLIMIT_MEMLOCK, bytes);
  as_nobody_else(body);
}

}  // namespace xord
