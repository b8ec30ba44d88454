#include "reactor/doorbell.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <ctime>

#include "reactor/base/check.h"

namespace xord {

Doorbell::Doorbell() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) open_error_ = errno;
}

Doorbell::~Doorbell() {
  if (fd_ >= 0) close(fd_);
}

std::optional<IoError> Doorbell::error() const {
  if (fd_ >= 0) return std::nullopt;
  return io_error("cannot open an eventfd; raise the limit on open files", open_error_);
}

void Doorbell::ring() {
  // The one failure of an open eventfd, EAGAIN at 2^64 - 2 rings, is out of reach.
  const ssize_t written = eventfd_write(fd_, 1);
  CHECK(written == 0);
}

void Doorbell::ring_if_asleep() {
  if (!sleeping_.load(std::memory_order_seq_cst)) return;
  // Of several threads that saw the sleeper, one rings.
  if (sleeping_.exchange(false, std::memory_order_acq_rel)) ring();
}

void Doorbell::wait(std::optional<Duration> timeout) {
  pollfd polled{fd_, POLLIN, 0};
  timespec most{};
  if (timeout && timeout->nanoseconds > 0) {
    most.tv_sec = timeout->whole_seconds();
    most.tv_nsec = timeout->nanoseconds % 1'000'000'000;
  }
  ppoll(&polled, 1, timeout ? &most : nullptr, nullptr);
  awake();
  eventfd_t rings = 0;
  eventfd_read(fd_, &rings);  // EAGAIN: no rings.
}

}  // namespace xord
