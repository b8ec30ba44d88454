// Opens the UDP sockets of a node: for each address to listen on, one socket a shard, all on one
// port (SO_REUSEPORT). Runs at start-up on one thread, before any shard reads. socket(7), ip(7),
// ipv6(7).
//
// A port in use is an error even when its holder set SO_REUSEPORT too: shard 0 binds without the
// option, sets it on the bound socket, and only then do the other shards join. The kernel's index
// of a socket in the group is then its shard, which is what steering needs (reactor/steering.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reactor/base/endpoint.h"
#include "reactor/base/shard.h"
#include "reactor/base/steering_rule.h"
#include "reactor/io_error.h"
#include "reactor/kernel_drops.h"

namespace xord {

constexpr uint32_t listens_max = 16;  // Addresses a node listens on; an index fits LocalAddress.

enum class IfFamilyMissing : uint8_t {
  fail,  // The address was configured by name: if it is unavailable, that is an error.
  skip,  // A host without IPv6 only logs a line (BoundSocket::absent_because), unless it skips all.
};

struct Listen {
  Endpoint endpoint;  // Port 0: a free one, readable afterwards in BoundSocket::bound.
  IfFamilyMissing if_family_missing = IfFamilyMissing::fail;
  // Index of an earlier Listen whose bound port this one takes, whatever `endpoint` says: for
  // "0.0.0.0 and [::] on one free port". When that port is taken here, both move to another one.
  std::optional<uint32_t> port_of = std::nullopt;
  // Which bytes of a datagram choose its shard; empty: the kernel's hash alone does.
  std::span<const SteeringRule> steering = {};
};

// One socket of one shard. Closed on destruction; moved, never copied.
class BoundSocket {
 public:
  BoundSocket() = default;
  explicit BoundSocket(int fd) : fd_(fd) {}
  ~BoundSocket();
  BoundSocket(BoundSocket&& other) noexcept;
  BoundSocket& operator=(BoundSocket&& other) noexcept;

  void close();  // Keeps what was bound.
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  // Datagrams that the kernel dropped here since the last call, or since the socket was opened; 0
  // if it does not tell, or if the socket is closed.
  uint32_t take_kernel_drops();

  Endpoint bound;                     // With the port that was bound.
  bool is_wildcard = false;           // 0.0.0.0 or [::]: replies name their source address.
  uint32_t receive_buffer_bytes = 0;  // As granted; log it if less than requested.
  std::string absent_because;         // Not empty: skipped, and why.
  bool is_steered = false;            // Its group runs the steering program of its Listen.
  std::string unsteered_because;      // Not empty: the kernel refused that program, and why.

 private:
  int fd_ = -1;
  KernelDrops drops_;
};

// The sockets of one shard, one for each Listen, in that order: LocalAddress::socket is an index
// here. One that was skipped keeps its place.
using ShardSockets = std::vector<BoundSocket>;

struct SocketOptions {
  uint32_t shards = 1;                              // 1..shards_max.
  uint32_t receive_buffer_bytes = 4 * 1024 * 1024;  // The default of 208 KiB is 1 ms of load.
};

// Opens all sockets of all shards: `out` has options.shards elements. Steering is installed before
// any shard reads; a kernel that refuses it is not an error (BoundSocket::unsteered_because). On an
// error everything is closed again and the sentence names address and port.
[[nodiscard]] std::optional<IoError> open_sockets(std::span<const Listen> listens,
                                                  const SocketOptions& options,
                                                  std::vector<ShardSockets>* out);

}  // namespace xord
