// An eventfd(2) that wakes one sleeping thread, and the handshake that rings it only when that
// thread sleeps. The sleeper is a shard (its reactor polls fd()) or a thread with nothing else to
// wait for (wait()). A ring costs 0.2 us and wakes in about 20 us; checking for a sleeper costs a
// load. Any number of threads may ring.
//
// The handshake is Dekker's: the producer publishes and then reads sleeping_, the sleeper sets
// sleeping_ and then reads what was published. With acquire and release both may miss the other's
// store, and the wake-up is lost; therefore these four accesses are seq_cst. They are accesses and
// not fences because the thread sanitizer of GCC 12 does not model std::atomic_thread_fence.
#pragma once

#include <atomic>
#include <optional>

#include "reactor/base/instant.h"
#include "reactor/io_error.h"

namespace xord {

class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // Why the eventfd could not be created (too many open files); if set, no other function may be
  // called.
  std::optional<IoError> error() const;

  // For other threads. ring() always wakes; ring_if_asleep() does so only if the owner announced
  // its sleep, at most once a sleep, and must follow a seq_cst store of whatever the owner checks.
  void ring();
  void ring_if_asleep();

  // For the owner: announce, then check once more (seq_cst) everything that may ring, and sleep
  // only if there is nothing. awake() withdraws the announcement.
  void announce_sleep() { sleeping_.store(true, std::memory_order_seq_cst); }
  void awake() { sleeping_.store(false, std::memory_order_relaxed); }

  // For a poll set. It need not be read: each ring is a new edge to EPOLLET and to a multishot
  // poll.
  int fd() const { return fd_; }
  // For an owner with no poll set: sleeps until a ring or until `timeout` has passed, and withdraws
  // the announcement. Rings since the last wait() count. May return early (a signal).
  void wait(std::optional<Duration> timeout);

 private:
  int fd_;
  int open_error_ = 0;
  alignas(64) std::atomic<bool> sleeping_{false};
};

}  // namespace xord
