// A peer for tests: one UDP socket that speaks a dialect and nothing more. It answers pings, so
// that it is proven, and requests for nodes, of which it knows none; and it shows what a node sent
// on the wire, with no library in between.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "node/contact_book.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "reactor/base/check.h"
#include "reactor/base/rng.h"
#include "reactor/monotonic.h"
#include "tests/own_loopback.h"

namespace xord {

class RawPeer {
 public:
  using Received = std::vector<uint8_t>;

  explicit RawPeer(uint64_t seed, const Dialect& dialect = rpcudp::dialect())
      : rng_(seed), dialect_(dialect), fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in any = address(0);
    CHECK(bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    rng_.fill(id_.bytes);
  }
  ~RawPeer() { close(fd_); }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  // Another id at the same endpoint, as after a restart without its files.
  void change_id() { rng_.fill(id_.bytes); }

  // Sends one request to a port of this process' address and returns its transaction.
  Transaction send_ping(uint16_t port) { return send(port, {Method::ping}); }
  Transaction send_store(uint16_t port, const Id& key, Bytes value) {
    return send(port, {Method::store, key, value, {}});
  }
  Transaction send_find_value(uint16_t port, const Id& key) {
    return send(port, {Method::find_value, key});
  }
  Transaction send_find_node(uint16_t port, const Id& target) {
    return send(port, {Method::find_node, target});
  }
  void send_bytes(uint16_t port, Bytes bytes) {
    const sockaddr_in to = address(port);
    sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

  Endpoint endpoint() const {
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    CHECK(getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size) == 0);
    return {own_loopback().address, 0, ntohs(bound.sin_port)};
  }

  // While this one receives, `other` answers pings too: a node names only contacts that do. Both
  // live.
  void keep_alive(RawPeer& other) { others_.push_back(&other); }

  // The next reply; answers pings meanwhile. Empty if none arrives within `within`.
  std::optional<Received> receive(Duration within) {
    const MonotonicTime deadline = monotonic_time() + within;
    while (true) {
      const int64_t left = (deadline - monotonic_time()).whole_milliseconds();
      std::vector<pollfd> ready{{fd_, POLLIN, 0}};
      for (const RawPeer* other : others_) ready.push_back({other->fd_, POLLIN, 0});
      if (left <= 0 || poll(ready.data(), ready.size(), static_cast<int>(left)) <= 0) return {};
      for (size_t i = 0; i < others_.size(); ++i) {
        if (ready[i + 1].revents != 0) others_[i]->take();
      }
      if (ready[0].revents == 0) continue;
      if (auto reply = take()) return reply;
    }
  }
  // Sends by `send_once` until its own reply arrives: again every 2 s, for 20 s.
  template <class SendOnce>
  std::optional<Received> call(SendOnce&& send_once) {
    for (int attempt = 0; attempt < 10; ++attempt) {
      const Transaction transaction = send_once();
      const MonotonicTime until = monotonic_time() + seconds(2);
      while (monotonic_time() < until) {
        auto reply = receive(milliseconds(500));
        if (reply && equal(dialect_.transaction_of(*reply), sent(transaction))) return reply;
      }
    }
    return std::nullopt;
  }

 private:
  // Takes one datagram: returns a reply, or empty after answering a ping.
  std::optional<Received> take() {
    Received datagram(65'536);
    sockaddr_in from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = recvfrom(fd_, datagram.data(), datagram.size(), MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0) return {};  // Or ECONNREFUSED from an earlier datagram: the node was killed.
    datagram.resize(static_cast<size_t>(size));
    if (dialect_.is_reply(datagram)) return datagram;
    answer(datagram, from);
    return {};
  }
  static sockaddr_in address(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(load_be32(&own_loopback().address.bytes[12]));
    return address;
  }
  Bytes sent(const Transaction& transaction) const {
    return Bytes(transaction).first(dialect_.traits().transaction_bytes);
  }
  Transaction send(uint16_t port, const Ask& ask) {
    Transaction transaction;
    rng_.fill(transaction);
    std::array<uint8_t, 9'000> buffer;
    const size_t size = dialect_.encode_request(buffer, sent(transaction), id_, ask);
    CHECK(size > 0);
    const sockaddr_in to = address(port);
    sendto(fd_, buffer.data(), size, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    return transaction;
  }
  void answer(const Received& datagram, const sockaddr_in& to) {
    Request request;
    if (dialect_.read_request(datagram, &request) != ParseError::none) return;
    std::array<uint8_t, 1'000> buffer;
    size_t size = 0;
    if (request.method == Method::ping) {
      size = dialect_.encode_pong(buffer, request.transaction, id_);
    } else if (request.method == Method::find_node) {
      size = dialect_.encode_contacts(buffer, request.transaction, id_, {}, no_contacts_);
    }
    if (size == 0) return;
    sendto(fd_, buffer.data(), size, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

  Rng rng_;
  const Dialect& dialect_;
  int fd_;
  Id id_;
  std::vector<RawPeer*> others_;
  ContactBook no_contacts_{16, dialect_.traits().encode_contact_tail, 0};
};

}  // namespace xord
