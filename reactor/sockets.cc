#include "reactor/sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "reactor/base/check.h"
#include "reactor/socket_address.h"
#include "reactor/steering.h"

namespace xord {
namespace {

// How many ports to try for two listens on one free port, when the port is free in one family and
// taken in the other.
constexpr uint32_t free_port_attempts_max = 16;

enum class Joining : uint8_t { first_of_group, joins_group };

bool set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

uint32_t set_receive_buffer(int fd, uint32_t bytes) {
  const int asked = static_cast<int>(std::min(bytes, uint32_t{1} << 30));
  // SO_RCVBUFFORCE may exceed net.core.rmem_max, but needs CAP_NET_ADMIN.
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, asked)) {
    set_option(fd, SOL_SOCKET, SO_RCVBUF, asked);
  }
  int granted = 0;
  socklen_t size = sizeof granted;
  if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &size) != 0) return 0;
  return static_cast<uint32_t>(granted) / 2;  // The kernel doubles the size asked for.
}

// Sets the options of the address's family. False: errno says why.
bool set_family_options(int fd, const BoundSocket& socket) {
  if (socket.bound.is_ipv4()) {
    return (!socket.is_wildcard || set_option(fd, IPPROTO_IP, IP_PKTINFO, 1)) &&
           set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  }
  return set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
         (!socket.is_wildcard || set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)) &&
         set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
}

IoError listen_error(const Endpoint& endpoint, int error_number) {
  std::string advice;
  switch (error_number) {
    case EADDRINUSE:
      advice = "another program holds this UDP port; stop it or choose another port";
      break;
    case EADDRNOTAVAIL:
      advice = "this host has no such address";
      break;
    case EAFNOSUPPORT:
      advice = "this host does not have that kind of address";
      break;
    case EACCES:
      advice = "ports below 1024 need the capability CAP_NET_BIND_SERVICE";
      break;
    default:
      break;
  }
  IoError error = io_error("cannot listen on " + endpoint.text(), error_number);
  if (!advice.empty()) error.sentence += " (" + advice + ")";
  return error;
}

// Opens and binds one socket. Returns 0, or the errno of what was refused.
int open_socket(const Endpoint& endpoint, Joining joining, uint32_t receive_buffer_bytes,
                BoundSocket* out) {
  const int family = endpoint.is_ipv4() ? AF_INET : AF_INET6;
  // Not O_NONBLOCK: io_uring would then not wait for datagrams. Calls that must not block pass
  // MSG_DONTWAIT.
  BoundSocket socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!socket.is_open()) return errno;
  socket.bound = endpoint;
  socket.is_wildcard = endpoint.address.is_unspecified();
  if (!set_family_options(socket.fd(), socket)) return errno;
  socket.receive_buffer_bytes = set_receive_buffer(socket.fd(), receive_buffer_bytes);
  if (joining == Joining::joins_group && !set_option(socket.fd(), SOL_SOCKET, SO_REUSEPORT, 1)) {
    return errno;
  }
  SocketAddress address{};
  socklen_t size = write_socket_address(endpoint, &address);
  if (bind(socket.fd(), &address.any, size) != 0) return errno;
  size = sizeof address;
  if (getsockname(socket.fd(), &address.any, &size) != 0) return errno;
  socket.bound = endpoint_of(address);
  *out = std::move(socket);
  return 0;
}

bool means_family_missing(int error_number) {
  // EADDRNOTAVAIL: the kernel knows IPv6 but no interface has it (disable_ipv6).
  return error_number == EAFNOSUPPORT || error_number == EADDRNOTAVAIL;
}

// Called once all shards have joined: before that the first socket has no group to attach to.
void steer(const Listen& listen, std::vector<ShardSockets>& shards) {
  if (shards.size() == 1 || listen.steering.empty()) return;
  const auto count = static_cast<uint32_t>(shards.size());
  CHECK(!shards[0].empty() && shards[0].back().is_open());
  const int refused =
      attach_steering(shards[0].back().fd(), steering_program(listen.steering, count));
  for (ShardSockets& sockets : shards) {
    BoundSocket& socket = sockets.back();
    socket.is_steered = refused == 0;
    if (refused == 0) continue;
    socket.unsteered_because =
        io_error("the kernel does not steer the datagrams of " + socket.bound.text(), refused)
            .sentence;
  }
}

// Opens the sockets of one listen for all shards and appends one to each of `shards`.
std::optional<IoError> open_listen(const Listen& listen, const SocketOptions& options,
                                   std::vector<ShardSockets>& shards) {
  Endpoint endpoint = listen.endpoint;
  if (listen.port_of) {
    const BoundSocket& leader = shards[0][*listen.port_of];
    if (leader.is_open()) endpoint.port = leader.bound.port;
  }
  for (size_t shard = 0; shard < shards.size(); ++shard) {
    const Joining joining = shard == 0 ? Joining::first_of_group : Joining::joins_group;
    BoundSocket socket;
    const int refused = open_socket(endpoint, joining, options.receive_buffer_bytes, &socket);
    if (refused != 0) {
      const IoError error = listen_error(endpoint, refused);
      const bool may_skip = listen.if_family_missing == IfFamilyMissing::skip && shard == 0;
      if (!may_skip || !means_family_missing(refused)) return error;
      for (ShardSockets& sockets : shards) {
        BoundSocket absent;
        absent.bound = listen.endpoint;
        absent.absent_because = error.sentence;
        sockets.push_back(std::move(absent));
      }
      return std::nullopt;
    }
    endpoint.port = socket.bound.port;  // For port 0, the first shard's port.
    shards[shard].push_back(std::move(socket));
    if (shard == 0 && shards.size() > 1 &&
        !set_option(shards[0].back().fd(), SOL_SOCKET, SO_REUSEPORT, 1)) {
      return listen_error(endpoint, errno);
    }
  }
  steer(listen, shards);
  return std::nullopt;
}

bool another_port_may_help(std::span<const Listen> listens, size_t index, const IoError& error) {
  const Listen& listen = listens[index];
  return error.error_number == EADDRINUSE && listen.port_of &&
         listens[*listen.port_of].endpoint.port == 0;
}

}  // namespace

BoundSocket::~BoundSocket() {
  close();
}

BoundSocket::BoundSocket(BoundSocket&& other) noexcept {
  *this = std::move(other);
}

BoundSocket& BoundSocket::operator=(BoundSocket&& other) noexcept {
  if (this == &other) return *this;
  close();
  bound = other.bound;
  is_wildcard = other.is_wildcard;
  receive_buffer_bytes = other.receive_buffer_bytes;
  absent_because = std::move(other.absent_because);
  is_steered = other.is_steered;
  unsteered_because = std::move(other.unsteered_because);
  fd_ = std::exchange(other.fd_, -1);
  drops_ = other.drops_;
  return *this;
}

uint32_t BoundSocket::take_kernel_drops() {
  if (!is_open()) return 0;
  const auto counted = read_kernel_drops(fd_);
  return counted ? drops_.take(*counted) : 0;
}

void BoundSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::optional<IoError> open_sockets(std::span<const Listen> listens, const SocketOptions& options,
                                    std::vector<ShardSockets>* out) {
  CHECK(options.shards >= 1 && options.shards <= shards_max);
  CHECK(!listens.empty() && listens.size() <= listens_max);
  for (size_t i = 0; i < listens.size(); ++i) {
    CHECK(!listens[i].port_of || *listens[i].port_of < i);
  }
  for (uint32_t attempt = 1;; ++attempt) {
    out->clear();
    out->resize(options.shards);
    std::optional<IoError> error;
    size_t index = 0;
    for (; index < listens.size() && !error; ++index) {
      error = open_listen(listens[index], options, *out);
    }
    if (!error) {
      for (const ShardSockets& sockets : *out) CHECK(sockets.size() == listens.size());
      const ShardSockets& first = out->front();
      if (std::ranges::any_of(first, &BoundSocket::is_open)) return std::nullopt;
      error = IoError{first.front().absent_because};
    }
    out->clear();
    if (attempt == free_port_attempts_max) return error;
    if (!another_port_may_help(listens, index - 1, *error)) return error;
  }
}

}  // namespace xord
