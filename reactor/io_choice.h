// Which of the two ways to do I/O a person may choose.
#pragma once

#include <cstdint>

namespace xord {

enum class IoChoice : uint8_t {
  automatic,  // io_uring, or epoll where the host refuses io_uring.
  uring,      // io_uring, or an error.
  epoll,
};

}  // namespace xord
