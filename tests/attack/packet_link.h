// Datagrams with any source address at all: whole IP packets, written to and read from one end of a
// veth pair by AF_PACKET. The node under attack listens behind the other end (attack.py makes the
// pair, in a network namespace of its own), so this end plays the rest of the internet. Needs
// CAP_NET_RAW. One address family each. Nothing allocates after construction.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

// The greatest datagram that is sent or received whole; the veth pair's MTU has room for it.
constexpr size_t datagram_max = 8'448;

class PacketLink {
 public:
  // Opens `device` for the family of `peer`, the node. Receives what is sent to `towards` only (any
  // address, if empty). Ends the process with a sentence if the host refuses.
  PacketLink(const std::string& device, const Endpoint& peer, const std::optional<Subnet>& towards);
  ~PacketLink();
  PacketLink(const PacketLink&) = delete;
  PacketLink& operator=(const PacketLink&) = delete;

  // Sends `payload`, which is copied, to the node as if from `source`: at the latest with the next
  // flush().
  void send(const Endpoint& source, Bytes payload);
  // The same, and not counted.
  void reply(const Endpoint& source, Bytes payload);
  void flush();
  // Waits at most `wait` for datagrams from the node, then calls handle(const Endpoint& to, Bytes
  // payload) for each that has come. At most 64 a call; returns how many.
  template <class Handle>
  size_t receive(Duration wait, Handle&& handle);

  uint64_t sent_count() const { return sent_count_; }
  // Payload bytes of these.
  uint64_t sent_bytes() const { return sent_bytes_; }
  // Packets that came while the receive buffer was full.
  uint64_t lost_count() const;

 private:
  static constexpr size_t batch = 64;
  static constexpr size_t headers_max = 14 + 40 + 8;  // Ethernet, IPv6, UDP.
  using Packet = std::array<uint8_t, headers_max + datagram_max>;

  size_t receive_batch(Duration wait);
  // The destination and the payload of a received packet; empty for anything but UDP.
  std::optional<Bytes> read(size_t index, Endpoint* to) const;

  Endpoint peer_;
  int socket_ = -1;
  uint64_t sent_count_ = 0;
  uint64_t sent_bytes_ = 0;
  mutable uint64_t lost_count_ = 0;
  size_t queued_ = 0;
  std::vector<Packet> out_;
  std::vector<Packet> in_;
  std::array<iovec, batch> out_parts_{};
  std::array<iovec, batch> in_parts_{};
  std::array<mmsghdr, batch> out_messages_{};
  std::array<mmsghdr, batch> in_messages_{};
};

template <class Handle>
size_t PacketLink::receive(Duration wait, Handle&& handle) {
  const size_t count = receive_batch(wait);
  for (size_t i = 0; i < count; ++i) {
    Endpoint to;
    if (const auto payload = read(i, &to)) handle(to, *payload);
  }
  return count;
}

}  // namespace xord
