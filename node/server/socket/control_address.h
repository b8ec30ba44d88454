// The address of a data directory's control socket. Socket addresses hold 107 bytes of path, so a
// longer one is reached through the directory's descriptor in /proc.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

namespace xord {

constexpr const char* control_name = "control";  // Of the socket in the data directory.

class ControlAddress {
 public:
  explicit ControlAddress(const std::string& directory);
  ~ControlAddress();
  ControlAddress(const ControlAddress&) = delete;
  ControlAddress& operator=(const ControlAddress&) = delete;

  // False, with errno set, when the directory cannot be opened.
  bool is_valid() const { return size_ > 0; }
  // Valid while this object lives.
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return size_; }

 private:
  sockaddr_un address_{};
  socklen_t size_ = 0;
  int directory_ = -1;  // Used if the path is too long for an address.
};

}  // namespace xord
