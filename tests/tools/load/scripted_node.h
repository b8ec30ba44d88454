// A node on a thread and a socket of its own that answers as the Python library would, or as a test
// says, and remembers what it was asked.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"

namespace xord {

using Packed = std::vector<uint8_t>;
using Datagrams = std::vector<Packed>;

template <class Encode>
std::vector<uint8_t> datagram(Encode&& encode) {
  std::vector<uint8_t> bytes(9'000);
  bytes.resize(encode(MutableBytes(bytes)));
  return bytes;
}
inline std::vector<uint8_t> contacts_of(const Request& request, const std::vector<Id>& ids) {
  return datagram([&](MutableBytes out) {
    rpcudp::ContactsReply reply(out, request.transaction, ids.size());
    std::array<uint8_t, rpcudp::contact_tail_max> tail;
    const size_t size = rpcudp::encode_contact_tail(Endpoint::ipv4(0x7f000009, 9), tail);
    for (const Id& id : ids) reply.add(id, Bytes(tail).first(size));
    return reply.size();
  });
}
inline std::vector<uint8_t> stored(const Request& request, bool truth) {
  return datagram([&](MutableBytes out) {
    return rpcudp::encode_store_reply(out, request.transaction, truth);
  });
}
inline Id id_of(uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

// On its own thread and a free port of 127.0.0.1. Answers as the Python library would, with `named`
// contacts, unless the test says otherwise.
class ScriptedNode {
 public:
  // What it asked, in the order of arrival.
  struct Asked {
    Method method;
    Id sender;
    Id target;
    std::vector<uint8_t> value;
    IpAddress from;
  };
  // Sends these instead of the true answer, which is the argument.
  using Script = std::function<Datagrams(const Request&, std::vector<uint8_t> answer)>;

  explicit ScriptedNode(Script script = {}, size_t named = 20)
      : script_(std::move(script)), named_(named), socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(socket_, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    socklen_t size = sizeof any;
    CHECK(getsockname(socket_, reinterpret_cast<sockaddr*>(&any), &size) == 0);
    endpoint_ = Endpoint::ipv4(0x7f000001, ntohs(any.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedNode() {
    is_ending_ = true;
    shutdown(socket_, SHUT_RDWR);  // Wakes recvfrom().
    thread_.join();
    close(socket_);
  }
  ScriptedNode(const ScriptedNode&) = delete;
  ScriptedNode& operator=(const ScriptedNode&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }
  std::vector<Asked> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  size_t count(Method method) const {
    const auto all = asked();
    return static_cast<size_t>(std::count_if(
        all.begin(), all.end(), [&](const Asked& each) { return each.method == method; }));
  }

 private:
  void serve() {
    std::array<uint8_t, 16'384> in;
    while (!is_ending_) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      auto* source = reinterpret_cast<sockaddr*>(&from);
      const ssize_t got = recvfrom(socket_, in.data(), in.size(), 0, source, &size);
      Request request;
      if (got <= 0 || rpcudp::parse_request(Bytes(in).first(static_cast<size_t>(got)), &request) !=
                          ParseError::none) {
        continue;
      }
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back({request.method,
                          request.sender,
                          request.target,
                          {request.value.begin(), request.value.end()},
                          IpAddress::ipv4(ntohl(from.sin_addr.s_addr))});
      }
      Datagrams out = {answer(request)};
      if (script_) out = script_(request, out[0]);
      for (const auto& each : out) sendto(socket_, each.data(), each.size(), 0, source, size);
    }
  }
  std::vector<uint8_t> answer(const Request& request) {
    if (request.method == Method::ping) {
      return datagram([&](MutableBytes out) {
        return rpcudp::encode_ping_reply(out, request.transaction, id_of(0x11));
      });
    }
    if (request.method == Method::store) {
      values_[request.target].assign(request.value.begin(), request.value.end());
      return stored(request, true);
    }
    const auto value = values_.find(request.target);
    if (request.method == Method::find_value && value != values_.end()) {
      return datagram([&](MutableBytes out) {
        return rpcudp::encode_value_reply(out, request.transaction, value->second);
      });
    }
    return contacts_of(request, std::vector<Id>(named_, id_of(0x22)));
  }

  const Script script_;
  const size_t named_;
  const int socket_;
  Endpoint endpoint_;
  std::map<Id, std::vector<uint8_t>> values_;
  mutable std::mutex mutex_;
  std::vector<Asked> asked_;
  std::atomic<bool> is_ending_{false};
  std::thread thread_;  // Last: it uses all the others.
};

}  // namespace xord
