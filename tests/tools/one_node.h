// A network of one node, on its own thread and a free port of the loopback interface: it answers
// ping, find and store as the Python library does. For the commands' tests, which need a real
// socket.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"

namespace xord {

enum class OnRequest : uint8_t {
  answer,
  refuse_stores,
  answer_the_first,
  keep_silent,
  interrupt_the_process
};

class OneNode {
 public:
  explicit OneNode(OnRequest on_request = OnRequest::answer, int family = AF_INET)
      : on_request_(on_request), socket_(socket(family, SOCK_DGRAM, 0)) {
    id_.bytes.fill(0x11);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    const bool is_v4 = family == AF_INET;
    const auto* address =
        is_v4 ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
    is_bound_ = bind(socket_, address, is_v4 ? sizeof v4 : sizeof v6) == 0;
    if (!is_bound_) return;  // A host without IPv6.
    sockaddr_in6 bound{};
    socklen_t size = sizeof bound;
    CHECK(getsockname(socket_, reinterpret_cast<sockaddr*>(&bound), &size) == 0);
    const uint16_t port = ntohs(bound.sin6_port);  // At the same offset in both families.
    endpoint_ = (is_v4 ? "127.0.0.1:" : "[::1]:") + std::to_string(port);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneNode() {
    is_ending_ = true;
    shutdown(socket_, SHUT_RDWR);  // Wakes recvfrom().
    if (thread_.joinable()) thread_.join();
    close(socket_);
  }
  OneNode(const OneNode&) = delete;
  OneNode& operator=(const OneNode&) = delete;

  bool is_bound() const { return is_bound_; }
  const std::string& endpoint() const { return endpoint_; }
  const Id& id() const { return id_; }
  int requests_count() const { return requests_count_; }

 private:
  void serve() {
    std::array<uint8_t, 16384> in;
    std::array<uint8_t, 16384> out;
    while (!is_ending_) {
      sockaddr_storage from{};
      socklen_t from_size = sizeof from;
      auto* source = reinterpret_cast<sockaddr*>(&from);
      const ssize_t size = recvfrom(socket_, in.data(), in.size(), 0, source, &from_size);
      Request request;
      if (size <= 0 || rpcudp::parse_request(Bytes(in).first(static_cast<size_t>(size)),
                                             &request) != ParseError::none) {
        continue;
      }
      ++requests_count_;
      if (on_request_ == OnRequest::interrupt_the_process) kill(getpid(), SIGINT);
      if (on_request_ == OnRequest::interrupt_the_process) continue;
      if (on_request_ == OnRequest::keep_silent) continue;
      if (on_request_ == OnRequest::answer_the_first && requests_count_ > 1) continue;
      const size_t reply = answer(request, out);
      sendto(socket_, out.data(), reply, 0, source, from_size);
    }
  }
  size_t answer(const Request& request, MutableBytes out) {
    if (request.method == Method::ping) {
      return rpcudp::encode_ping_reply(out, request.transaction, id_);
    }
    if (request.method == Method::store) {
      const bool is_taken = on_request_ != OnRequest::refuse_stores;
      if (is_taken) values_[request.target].assign(request.value.begin(), request.value.end());
      return rpcudp::encode_store_reply(out, request.transaction, is_taken);
    }
    const auto value = values_.find(request.target);
    if (request.method == Method::find_value && value != values_.end()) {
      return rpcudp::encode_value_reply(out, request.transaction, value->second);
    }
    return rpcudp::ContactsReply(out, request.transaction, 0).size();
  }

  OnRequest on_request_;
  int socket_;
  bool is_bound_ = false;
  std::string endpoint_;
  Id id_;
  std::map<Id, std::vector<uint8_t>> values_;
  std::atomic<int> requests_count_{0};
  std::atomic<bool> is_ending_{false};
  std::thread thread_;  // Last: it uses all the others.
};

}  // namespace xord
