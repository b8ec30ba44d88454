#include "reactor/epoll_backend.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "reactor/base/check.h"
#include "reactor/datagram_batch.h"
#include "reactor/message_header.h"
#include "reactor/send_groups.h"

namespace xord {
namespace {

constexpr uint32_t doorbell_mark = listens_max;  // In epoll_event::data, alongside socket indices.

// What recvmmsg fills: one buffer for each datagram of the batch.
struct ReceiveSlot {
  iovec payload;
  alignas(8) uint8_t name[receive_name_size];
  alignas(cmsghdr) uint8_t control[receive_control_size];
  alignas(64) uint8_t bytes[datagram_bytes_max];
};

class EpollBackend final : public UdpBackend {
 public:
  EpollBackend(const ShardSockets& sockets, IoCounters& counters, int epoll)
      : sockets_(sockets), counters_(counters), epoll_(epoll) {
    for (uint32_t i = 0; i < batch_max; ++i) {
      receive_slots_[i].payload = {receive_slots_[i].bytes, datagram_bytes_max};
      prepare_receive(i);
    }
  }
  ~EpollBackend() override { close(epoll_); }

  std::string_view name() const override { return "epoll"; }
  std::optional<IoError> start() override { return std::nullopt; }
  uint32_t receive(DatagramSink& sink) override;
  void send(const Outbox& outbox) override;
  void send_and_wait(const Outbox& outbox, std::optional<Duration> timeout) override;
  void set_coalescing(bool on) override { coalesces_ = on; }
  void stop() override {}

 private:
  void prepare_receive(uint32_t slot);
  uint32_t receive_from(uint8_t index, uint32_t datagrams_max, DatagramSink& sink);
  void take(uint8_t index, const mmsghdr& received);
  void send_planned(const Outbox& outbox);
  void prepare_group(const Outbox& outbox, const SendGroups::Group& group,
                     const BoundSocket& socket);
  void send_run();
  void send_singly(const SendSlot& slot, size_t size);
  int wait(epoll_event* events, std::optional<Duration> timeout);

  const ShardSockets& sockets_;
  IoCounters& counters_;
  const int epoll_;
  bool has_pwait2_ = true;
  std::array<bool, listens_max> readable_{};
  uint8_t first_ = 0;  // The socket that is read first; it rotates, so that none starves.
  std::array<mmsghdr, batch_max> receive_headers_{};
  DatagramBatch batch_;
  std::array<mmsghdr, batch_max> send_headers_{};
  std::array<SendSlot, batch_max> send_slots_;
  // The run being prepared: consecutive sends of one socket.
  uint32_t run_size_ = 0;
  int run_fd_ = -1;
  std::array<SendGroups::Group, batch_max> run_groups_;
  SendGroups groups_;  // For the batch that contains the run.
  std::array<iovec, batch_max> payloads_;
  uint32_t payloads_used_ = 0;
  bool coalesces_ = true;
  uint32_t singly_left_ = 0;  // After a refusal: how many more datagrams are sent singly.
  const std::unique_ptr<ReceiveSlot[]> receive_slots_ = std::make_unique<ReceiveSlot[]>(batch_max);
};

void EpollBackend::prepare_receive(uint32_t slot) {
  ReceiveSlot& buffers = receive_slots_[slot];
  msghdr& header = receive_headers_[slot].msg_hdr;
  header.msg_name = buffers.name;
  header.msg_namelen = sizeof buffers.name;
  header.msg_iov = &buffers.payload;
  header.msg_iovlen = 1;
  header.msg_control = buffers.control;
  header.msg_controllen = sizeof buffers.control;
  header.msg_flags = 0;
}

void EpollBackend::take(uint8_t index, const mmsghdr& received) {
  const msghdr& header = received.msg_hdr;
  if (header.msg_flags & MSG_TRUNC) return counters_.add(IoCounter::received_too_long);
  if (received.msg_len == 0) return counters_.add(IoCounter::received_empty);
  count_received(counters_, sockets_[index].bound.is_ipv4(), received.msg_len);
  const auto* bytes = static_cast<const uint8_t*>(header.msg_iov->iov_base);
  batch_.add({path_of(header, sockets_, index), {bytes, received.msg_len}});
}

uint32_t EpollBackend::receive_from(uint8_t index, uint32_t datagrams_max, DatagramSink& sink) {
  DCHECK(datagrams_max > 0 && datagrams_max <= batch_max);
  const int received =
      recvmmsg(sockets_[index].fd(), receive_headers_.data(), datagrams_max, MSG_DONTWAIT, nullptr);
  if (received < 0) {
    readable_[index] = false;
    if (errno != EAGAIN && errno != EINTR) counters_.add(IoCounter::receive_failed);
    return 0;
  }
  const auto count = static_cast<uint32_t>(received);
  if (count < datagrams_max) readable_[index] = false;
  for (uint32_t i = 0; i < count; ++i) {
    take(index, receive_headers_[i]);
    prepare_receive(i);
  }
  batch_.hand_over_to(sink);
  return count;
}

uint32_t EpollBackend::receive(DatagramSink& sink) {
  const auto sockets = static_cast<uint8_t>(sockets_.size());
  uint32_t handled = 0;
  for (uint8_t step = 0; step < sockets && handled < batch_max; ++step) {
    const auto index = static_cast<uint8_t>((first_ + step) % sockets);
    if (readable_[index]) handled += receive_from(index, batch_max - handled, sink);
  }
  first_ = static_cast<uint8_t>((first_ + 1) % sockets);
  return handled;
}

// Sends the run. An error concerns the first message left: it alone is dropped, or sent singly.
void EpollBackend::send_run() {
  for (uint32_t done = 0; done < run_size_;) {
    const int sent = sendmmsg(run_fd_, &send_headers_[done], run_size_ - done, MSG_DONTWAIT);
    if (sent > 0) {
      done += static_cast<uint32_t>(sent);
      continue;
    }
    const SendGroups::Group& group = run_groups_[done];
    if (group.count > 1 && may_refuse_segments(errno)) {
      send_singly(send_slots_[done], groups_.entry(group.first).size);
    } else {
      count_send_error(counters_, errno, group.count);
    }
    ++done;
  }
  run_size_ = 0;
}

// Sends the datagrams of a group whose common send was refused: `slot` and its payloads are
// unchanged.
void EpollBackend::send_singly(const SendSlot& slot, size_t size) {
  counters_.add(IoCounter::coalescing_refused);
  singly_left_ = singly_after_refusal;
  const msghdr& message = slot.message;
  for (size_t i = 0; i < message.msg_iovlen; ++i) {
    auto* at = static_cast<uint8_t*>(message.msg_iov[i].iov_base);
    DCHECK(message.msg_iov[i].iov_len % size == 0);
    for (size_t left = message.msg_iov[i].iov_len; left > 0; left -= size, at += size) {
      SendSlot single;
      prepare_segment_alone(slot, {at, size}, &single);
      if (sendmsg(run_fd_, &single.message, MSG_DONTWAIT) < 0) count_send_error(counters_, errno);
    }
  }
}

void EpollBackend::prepare_group(const Outbox& outbox, const SendGroups::Group& group,
                                 const BoundSocket& socket) {
  DCHECK(run_size_ < batch_max && group.count <= payloads_.size() - payloads_used_);
  SendSlot& slot = send_slots_[run_size_];
  const Outbox::Entry& first = groups_.entry(group.first);
  if (group.count == 1) {
    prepare_send(first.path, outbox.bytes(first), socket, &slot);
  } else {
    const std::span<iovec> payloads =
        groups_.gather(group, outbox, std::span(payloads_).subspan(payloads_used_));
    payloads_used_ += static_cast<uint32_t>(payloads.size());
    prepare_segments(first.path, payloads, static_cast<uint16_t>(first.size), socket, &slot);
    counters_.add(IoCounter::sent_coalesced, group.count);
  }
  send_headers_[run_size_].msg_hdr = slot.message;
  run_groups_[run_size_] = group;
  ++run_size_;
  count_sent(counters_, socket.bound.is_ipv4(), group.count, uint64_t{group.count} * first.size);
}

void EpollBackend::send_planned(const Outbox& outbox) {
  payloads_used_ = 0;
  for (const SendGroups::Group& group : groups_.groups()) {
    const auto index = socket_for(groups_.entry(group.first).path, sockets_);
    if (!index) {
      counters_.add(IoCounter::send_without_socket, group.count);
      continue;
    }
    const BoundSocket& socket = sockets_[*index];
    if (run_size_ > 0 && socket.fd() != run_fd_) send_run();
    run_fd_ = socket.fd();
    prepare_group(outbox, group, socket);
  }
  if (run_size_ > 0) send_run();
}

void EpollBackend::send(const Outbox& outbox) {
  for (auto left = outbox.entries(); !left.empty();) {
    const bool coalesce = coalesces_ && singly_left_ == 0;
    const size_t planned = groups_.plan(left, coalesce);
    singly_left_ -= std::min<uint32_t>(singly_left_, static_cast<uint32_t>(planned));
    send_planned(outbox);
    left = left.subspan(planned);
  }
}

int EpollBackend::wait(epoll_event* events, std::optional<Duration> timeout) {
  constexpr int events_max = static_cast<int>(listens_max) + 1;
  const int64_t most = timeout ? std::max<int64_t>(timeout->nanoseconds, 0) : -1;
  if (has_pwait2_) {
    const timespec until{most / 1'000'000'000, most % 1'000'000'000};
    const int ready = epoll_pwait2(epoll_, events, events_max, timeout ? &until : nullptr, nullptr);
    // Linux 5.11; seccomp profiles older than that answer EPERM.
    if (ready >= 0 || (errno != ENOSYS && errno != EPERM)) return ready;
    has_pwait2_ = false;
  }
  constexpr int64_t milliseconds_max =
      60'000;  // Rounded up: waking before a deadline would make the loop spin.
  const int64_t rounded = (most + 999'999) / 1'000'000;
  const int64_t waited = timeout ? std::min(rounded, milliseconds_max) : -1;
  return epoll_wait(epoll_, events, events_max, static_cast<int>(waited));
}

void EpollBackend::send_and_wait(const Outbox& outbox, std::optional<Duration> timeout) {
  send(outbox);
  std::array<epoll_event, listens_max + 1> events;
  const int ready = wait(events.data(), timeout);
  for (int i = 0; i < ready; ++i) {
    const uint32_t mark = events[static_cast<size_t>(i)].data.u32;
    DCHECK(mark == doorbell_mark || mark < sockets_.size());
    if (mark != doorbell_mark) readable_[mark] = true;
  }
}

}  // namespace

std::optional<IoError> make_epoll_backend(const ShardSockets& sockets, const Doorbell& doorbell,
                                          IoCounters& counters, std::unique_ptr<UdpBackend>* out) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return io_error("cannot make an epoll instance", errno);
  auto backend = std::make_unique<EpollBackend>(sockets, counters, epoll);
  const auto watch = [epoll](int fd, uint32_t events, uint32_t mark) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = mark;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
  };
  // Edge-triggered: each ring wakes once, and the eventfd need not be read.
  bool watched = watch(doorbell.fd(), EPOLLIN | EPOLLET, doorbell_mark);
  for (uint32_t i = 0; i < sockets.size() && watched; ++i) {
    if (sockets[i].is_open()) watched = watch(sockets[i].fd(), EPOLLIN, i);
  }
  if (!watched) return io_error("cannot watch a socket with epoll", errno);
  *out = std::move(backend);
  return std::nullopt;
}

}  // namespace xord
