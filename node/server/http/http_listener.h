// A socket on which the HTTP server accepts connections: TCP, or a Unix socket of mode 0600, whose
// file is removed at the end. Owns its descriptor.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "reactor/base/endpoint.h"
#include "reactor/io_error.h"

namespace xord {

class HttpListener {
 public:
  // Port 0 takes a free one. IPv6 is bound V6ONLY.
  static std::variant<HttpListener, IoError> open(const Endpoint& endpoint);
  // A file that exists must be a socket that nothing listens on; it is replaced.
  static std::variant<HttpListener, IoError> open(const std::string& path);

  HttpListener(HttpListener&& other) noexcept;
  HttpListener& operator=(HttpListener&& other) noexcept;
  ~HttpListener() { close(); }

  int socket() const { return socket_; }
  bool is_unix() const { return !path_.empty(); }
  const Endpoint& endpoint() const { return endpoint_; }  // As bound; TCP only.
  const std::string& path() const { return path_; }       // Unix only.
  void close();

 private:
  HttpListener(int socket, Endpoint endpoint, std::string path);

  int socket_ = -1;
  Endpoint endpoint_;
  std::string path_;
};

}  // namespace xord
