// The configurable choice between the two ways to do I/O.
#pragma once

#include <cstdint>

namespace xord {

enum class IoChoice : uint8_t {
  automatic,  // io_uring, or epoll where the host refuses io_uring.
  uring,      // io_uring, or an error.
  epoll,
};

}  // namespace xord
