// A client that says what a test tells it to, byte by byte, over TCP or a Unix socket. A read gives
// up after 30 s.
#pragma once

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "reactor/base/endpoint.h"
#include "reactor/socket_address.h"

namespace xord {

struct HttpReceived {
  int status = 0;                             // 0: no answer came.
  std::map<std::string, std::string> fields;  // Names as sent.
  std::string body;

  nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
};

class HttpClient {
 public:
  // From the address `from`, unless it is unspecified.
  explicit HttpClient(const Endpoint& server, const IpAddress& from = {}) {
    SocketAddress address;
    const socklen_t size = write_socket_address(server, &address);
    open(address.any.sa_family);
    SocketAddress own;
    const socklen_t own_size = write_socket_address({from, 0, 0}, &own);
    if (!from.is_unspecified()) bind(socket_, &own.any, own_size);
    is_connected_ = connect(socket_, &address.any, size) == 0;
  }
  explicit HttpClient(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    open(AF_UNIX);
    is_connected_ =
        connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  // One end of a socketpair(2).
  explicit HttpClient(int socket) : socket_(socket), is_connected_(true) { set_times(); }
  HttpClient(HttpClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        is_connected_(other.is_connected_),
        buffer_(std::move(other.buffer_)) {}
  HttpClient& operator=(HttpClient&&) = delete;
  ~HttpClient() {
    if (socket_ >= 0) close(socket_);
  }

  bool is_connected() const { return is_connected_; }
  // False: the server has closed the connection.
  bool send(const std::string& bytes) {
    size_t at = 0;
    while (at < bytes.size()) {
      const ssize_t sent = ::send(socket_, &bytes[at], bytes.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += static_cast<size_t>(sent);
    }
    return true;
  }
  // Says that no more will come.
  void shut() { shutdown(socket_, SHUT_WR); }
  // The next whole answer; the body is what Content-Length, or the end of the connection, says.
  HttpReceived answer(bool has_body = true) {
    HttpReceived received;
    const std::string head = read_until("\r\n\r\n");
    if (!head.starts_with("HTTP/1.1 ")) return received;
    received.status = std::stoi(head.substr(9, 3));
    for (size_t at = head.find("\r\n"); at + 2 < head.size();) {
      const size_t end = head.find("\r\n", at + 2);
      const std::string line = head.substr(at + 2, end - at - 2);
      const size_t colon = line.find(": ");
      if (colon != std::string::npos)
        received.fields[line.substr(0, colon)] = line.substr(colon + 2);
      at = end;
    }
    const auto length = received.fields.find("Content-Length");
    if (!has_body) return received;
    if (length == received.fields.end()) {
      received.body = rest();
    } else {
      const size_t size = std::stoul(length->second);
      while (buffer_.size() < size && receive()) continue;
      received.body = buffer_.substr(0, size);
      buffer_.erase(0, size);
    }
    return received;
  }
  HttpReceived ask(const std::string& request) {
    send(request);
    return answer(!request.starts_with("HEAD"));
  }
  // GET, with a Host that is accepted.
  HttpReceived get(const std::string& target) {
    return ask("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  // POST and the like, as JSON.
  HttpReceived change(const std::string& method, const std::string& target,
                      const std::string& body = "{}", const std::string& fields = "") {
    return ask(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields +
               "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body);
  }
  std::string read_until(const std::string& mark) {
    size_t at = 0;
    while ((at = buffer_.find(mark)) == std::string::npos) {
      if (!receive()) return std::exchange(buffer_, {});
    }
    const std::string text = buffer_.substr(0, at + mark.size());
    buffer_.erase(0, at + mark.size());
    return text;
  }
  // What comes until the connection ends.
  std::string rest() {
    while (receive()) continue;
    return std::exchange(buffer_, {});
  }
  // Whether it has ended, without waiting for that.
  bool is_ended() {
    char byte = 0;
    const ssize_t size = recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
  }

 private:
  void open(int family) {
    socket_ = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    set_times();
  }
  void set_times() {
    const timeval give_up{30, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &give_up, sizeof give_up);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &give_up, sizeof give_up);
  }
  bool receive() {
    char piece[4096];
    const ssize_t size = recv(socket_, piece, sizeof piece, 0);
    if (size > 0) buffer_.append(piece, static_cast<size_t>(size));
    return size > 0;
  }

  int socket_ = -1;
  bool is_connected_ = false;
  std::string buffer_;
};

}  // namespace xord
