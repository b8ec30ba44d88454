// A stand-in for a node's admin port, on a free port of this host or on a Unix socket. It takes one
// connection for each of its answers, reads a whole request, answers and hangs up. After the last
// one it refuses connections.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/socket_address.h"

namespace xord {

// An answer of the API; `body` is JSON.
inline std::string http_answer(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Said\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HttpNode {
 public:
  // On TCP.
  explicit HttpNode(std::vector<std::string> answers) : answers_(std::move(answers)) {
    SocketAddress address;
    socklen_t size = write_socket_address(Endpoint::ipv4(INADDR_LOOPBACK, 0), &address);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener_, &address.any, size) == 0 && listen(listener_, 8) == 0);
    CHECK(getsockname(listener_, &address.any, &size) == 0);
    url_ = "http://" + endpoint_of(address).text();
    thread_ = std::thread([this] { serve(); });
  }
  HttpNode(const std::string& path, std::vector<std::string> answers)
      : answers_(std::move(answers)), url_("unix:" + path) {
    sockaddr_un address{};
    CHECK(path.size() < sizeof address.sun_path);
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(listen(listener_, 8) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpNode() {
    shutdown(listener_, SHUT_RDWR);  // Wakes accept().
    thread_.join();
    close(listener_);
  }
  HttpNode(const HttpNode&) = delete;
  HttpNode& operator=(const HttpNode&) = delete;

  const std::string& url() const { return url_; }
  // "127.0.0.1:PORT", of TCP.
  std::string host() const { return url_.substr(std::string("http://").size()); }
  // Those that came whole.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    for (const std::string& answer : answers_) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      read_request(connection);
      size_t at = 0;
      while (at < answer.size()) {
        const ssize_t sent = send(connection, &answer[at], answer.size() - at, MSG_NOSIGNAL);
        if (sent <= 0) break;
        at += static_cast<size_t>(sent);
      }
      close(connection);
    }
    shutdown(listener_, SHUT_RDWR);
  }
  void read_request(int connection) {
    std::string request;
    for (char byte; !is_whole(request) && recv(connection, &byte, 1, 0) == 1;) request += byte;
    const std::lock_guard lock(mutex_);
    if (is_whole(request)) requests_.push_back(request);
  }
  static bool is_whole(const std::string& request) {
    const std::string length = "Content-Length: ";
    const size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const size_t at = request.find(length);
    const size_t body = at > end ? 0 : std::stoul(request.substr(at + length.size()));
    return request.size() >= end + 4 + body;
  }

  const std::vector<std::string> answers_;
  std::string url_;
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;  // Last: it uses all the others.
};

}  // namespace xord
