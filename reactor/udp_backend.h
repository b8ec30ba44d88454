// The seam to the kernel: receive a batch, send a batch, sleep. Two implementations, io_uring
// (uring_backend.h) and epoll with recvmmsg and sendmmsg (epoll_backend.h), which pass the same
// tests and are equally fast (docs/DECISIONS.md). There are two because container profiles refuse
// io_uring. Created on any thread, then used by one, from start() to stop().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "reactor/base/datagram.h"
#include "reactor/doorbell.h"
#include "reactor/io_choice.h"
#include "reactor/io_counters.h"
#include "reactor/io_error.h"
#include "reactor/sockets.h"

namespace xord {

// A receive buffer holds the largest legal request (8,218 bytes of rpcudp) with what the kernel
// puts before it: io_uring's header (16), the sender's address, the destination address.
constexpr uint32_t receive_buffer_size = 8448;
constexpr uint32_t receive_name_size = 32;     // sockaddr_in6 (28), rounded up to 8
constexpr uint32_t receive_control_size = 40;  // CMSG_SPACE of an in6_pktinfo
constexpr uint32_t datagram_bytes_max =
    receive_buffer_size - 16 - receive_name_size - receive_control_size;
static_assert(datagram_bytes_max >= 8218);

// Datagrams handed over or sent in one system call. 64 keeps a batch in the L2 cache; 1000 cost 5
// to 10 % more (measured).
constexpr uint32_t batch_max = 64;

struct BackendOptions {
  uint32_t receive_buffers = 256;  // uring: a power of two, at least 4. 2.1 MiB a shard.
  uint32_t completions = 0;        // uring: 0 = more than buffers and sends; tests set less.
};

// How many more datagrams go singly after a send of several was refused.
constexpr uint32_t singly_after_refusal = 4096;

class DatagramSink {
 public:
  // Called first, with all datagrams that on_datagram() is about to be called with: prefetch here
  // the memory that those calls will touch.
  virtual void on_batch(std::span<const Datagram> /*batch*/) {}
  virtual void on_datagram(const Datagram& datagram) = 0;  // Its bytes are valid during the call.

 protected:
  ~DatagramSink() = default;
};

class UdpBackend {
 public:
  virtual ~UdpBackend() = default;

  virtual std::string_view name() const = 0;  // "uring" or "epoll"
  // The first call on the thread that uses the backend from then on.
  [[nodiscard]] virtual std::optional<IoError> start() = 0;
  // Hands up to batch_max waiting datagrams to `sink`, and returns how many completions or
  // datagrams it handled: 0 means that there are none. The sink may call send().
  virtual uint32_t receive(DatagramSink& sink) = 0;
  // Sends all of `outbox`, in order for each path and length. When it returns the bytes are no
  // longer needed; datagrams that the kernel refuses are counted and dropped.
  virtual void send(const Outbox& outbox) = 0;
  // send(), then sleeps until a datagram, a ring of the doorbell, or `timeout`; empty: no timeout.
  // A timeout of 0 only polls. May return early. On io_uring both are one system call.
  virtual void send_and_wait(const Outbox& outbox, std::optional<Duration> timeout) = 0;
  // Whether datagrams of one length along one path may leave in one send (reactor/send_groups.h).
  // On by default; a load generator turns it off, to send as many separate peers would.
  virtual void set_coalescing(bool on) = 0;
  // The last call on that thread: releases the sockets, so that closing them frees their port.
  virtual void stop() = 0;
};

struct ChosenBackend {
  std::unique_ptr<UdpBackend> backend;
  std::string fallback_because;  // Not empty: `automatic` chose epoll, and why. For log and metric.
};

// Creates the backend for one shard. `sockets`, `doorbell` and `counters` are borrowed and outlive
// it. An error only when `uring` was asked for by name and is refused, or epoll is.
[[nodiscard]] std::optional<IoError> choose_backend(IoChoice choice, const BackendOptions& options,
                                                    const ShardSockets& sockets,
                                                    const Doorbell& doorbell, IoCounters& counters,
                                                    ChosenBackend* out);

}  // namespace xord
