#include "bench/floor/plain_loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "reactor/udp_backend.h"

namespace xord {
namespace {

// One datagram of a batch: received and answered here. Name and control are sent back unchanged: to
// the asker, from the address that was asked.
struct Slot {
  alignas(8) uint8_t name[receive_name_size];
  alignas(cmsghdr) uint8_t control[receive_control_size];
  iovec received;
  iovec sent;
  uint8_t request[datagram_bytes_max];
  uint8_t answer[datagram_bytes_max];
};

class PlainLoop {
 public:
  PlainLoop(int fd, const FixedReply& reply) : fd_(fd), reply_(reply) {
    for (Slot& slot : slots_) {
      slot.received = {slot.request, sizeof slot.request};
      slot.sent = {slot.answer, reply.size()};
    }
  }

  // Answers up to batch_max datagrams; false when there were none.
  bool serve_batch() {
    for (uint32_t i = 0; i < batch_max; ++i) prepare(i);
    const int count = recvmmsg(fd_, in_.data(), batch_max, MSG_DONTWAIT, nullptr);
    if (count <= 0) return false;
    uint32_t answers = 0;
    for (uint32_t i = 0; i < static_cast<uint32_t>(count); ++i) {
      if (!reply_.write({slots_[i].request, in_[i].msg_len}, slots_[i].answer)) continue;
      msghdr& answer = out_[answers++].msg_hdr;
      answer = in_[i].msg_hdr;
      answer.msg_iov = &slots_[i].sent;
      answer.msg_flags = 0;
    }
    for (uint32_t done = 0; done < answers;) {
      const int sent = sendmmsg(fd_, &out_[done], answers - done, MSG_DONTWAIT);
      done += sent > 0 ? static_cast<uint32_t>(sent) : 1;
    }
    return true;
  }

 private:
  void prepare(uint32_t i) {
    msghdr& header = in_[i].msg_hdr;
    header = {};
    header.msg_name = slots_[i].name;
    header.msg_namelen = sizeof slots_[i].name;
    header.msg_iov = &slots_[i].received;
    header.msg_iovlen = 1;
    header.msg_control = slots_[i].control;
    header.msg_controllen = sizeof slots_[i].control;
  }

  const int fd_;
  const FixedReply& reply_;
  std::array<mmsghdr, batch_max> in_{};
  std::array<mmsghdr, batch_max> out_{};
  std::array<Slot, batch_max> slots_;
};

}  // namespace

void run_plain_loop(const ShardSockets& sockets, const FixedReply& reply,
                    const std::atomic<bool>& stop) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<PlainLoop>> loops;
  for (uint32_t i = 0; i < sockets.size(); ++i) {
    loops.push_back(std::make_unique<PlainLoop>(sockets[i].fd(), reply));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = i;
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i].fd(), &event) == 0);
  }
  while (!stop.load(std::memory_order_relaxed)) {
    std::array<epoll_event, listens_max> ready;
    const int count = epoll_wait(epoll, ready.data(), listens_max, 100);
    for (int i = 0; i < count; ++i) loops[ready[static_cast<size_t>(i)].data.u32]->serve_batch();
  }
  close(epoll);
}

}  // namespace xord
