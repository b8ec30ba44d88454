#include "reactor/uring_backend.h"

#include <liburing.h>
#include <poll.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/datagram_batch.h"
#include "reactor/message_header.h"
#include "reactor/send_groups.h"

namespace xord {
namespace {

constexpr uint32_t submissions_max = 2 * batch_max;    // A batch of sends, plus all re-arming.
constexpr uint32_t submissions_least = batch_max / 4;  // Halved down to this, then an error.
static_assert(submissions_least >= listens_max);
// The kernel usually takes a whole submission at once; short of memory it may take several.
constexpr uint32_t submit_attempts_max = 64;
constexpr Duration rearm_interval = milliseconds(10);  // Between attempts, without memory.
constexpr uint16_t buffer_group = 0;

// What a completion belongs to, stored in its user data.
enum class Completion : uint8_t { receive, send, group, handled, doorbell };
struct UserData {
  Completion kind{};
  uint8_t index = 0;        // Of a receive's socket, or of a group's slot.
  uint8_t datagrams = 1;    // In a group.
  uint32_t submission = 0;  // For a group: the number of the submission that used its slot.
};
static_assert(submissions_max <= UINT8_MAX + 1);
constexpr uint64_t packed(const UserData& data) {
  return uint64_t{data.submission} << 32 | uint64_t{data.datagrams} << 16 |
         static_cast<uint64_t>(data.kind) << 8 | data.index;
}
constexpr UserData unpacked(uint64_t bits) {
  return {static_cast<Completion>(bits >> 8 & 0xff), static_cast<uint8_t>(bits & 0xff),
          static_cast<uint8_t>(bits >> 16 & 0xff), static_cast<uint32_t>(bits >> 32)};
}

struct alignas(64) ReceiveBuffer {
  uint8_t bytes[receive_buffer_size];
};

class UringBackend final : public UdpBackend {
 public:
  UringBackend(const BackendOptions& options, const ShardSockets& sockets, const Doorbell& doorbell,
               IoCounters& counters);
  ~UringBackend() override;

  // 0, or the errno of what was refused.
  int open_ring(uint32_t submissions);
  int register_buffers();
  int register_files();

  std::string_view name() const override { return "uring"; }
  std::optional<IoError> start() override;
  uint32_t receive(DatagramSink& sink) override;
  void send(const Outbox& outbox) override;
  void send_and_wait(const Outbox& outbox, std::optional<Duration> timeout) override;
  void set_coalescing(bool on) override { coalesces_ = on; }
  void stop() override;

 private:
  io_uring_sqe* next_submission();
  bool arm_receive(uint8_t index);
  bool arm_doorbell();
  bool is_any_ended() const;
  void rearm_ended();
  void on_completion(const io_uring_cqe& completion);
  void on_receive(const io_uring_cqe& completion, uint8_t index);
  void take(uint8_t index, uint8_t* buffer, uint32_t filled);
  void give_back(uint16_t buffer);
  void prepare_sends(const Outbox& outbox);
  void prepare_group(const Outbox& outbox, const SendGroups::Group& group, uint8_t socket);
  void submit();
  void submit_all();
  void send_refused_singly();
  void send_singly(uint8_t slot);
  void abandon_unsubmitted();

  const BackendOptions options_;
  const ShardSockets& sockets_;
  const Doorbell& doorbell_;
  IoCounters& counters_;

  io_uring ring_{};
  bool has_ring_ = false;
  msghdr receive_header_{};  // How much room the kernel leaves for name and control.
  const std::unique_ptr<ReceiveBuffer[]> buffers_;
  io_uring_buf_ring* buffer_ring_ = nullptr;
  size_t buffer_ring_size_ = 0;
  DatagramBatch batch_;
  int given_back_ = 0;  // Buffers in the ring that the kernel has not been shown yet.
  std::array<bool, listens_max> receive_ended_{};
  bool doorbell_ended_ = false;
  std::vector<SendSlot> slots_;  // One for each submission; free again once it is submitted.
  uint32_t slots_used_ = 0;
  SendGroups groups_;
  // For groups in slots: their payloads, freed with the slots, and what sending them singly needs.
  std::array<iovec, 4 * batch_max> payloads_;
  uint32_t payloads_used_ = 0;
  struct GroupInSlot {
    uint16_t segment_size = 0;
    uint8_t socket = 0;
  };
  std::array<GroupInSlot, submissions_max> groups_in_slots_;
  uint32_t groups_prepared_ = 0;  // Since the last submission.
  uint32_t submission_ = 0;       // The number of the submission being prepared.
  const std::unique_ptr<SendSlot[]> singles_ = std::make_unique<SendSlot[]>(batch_max);
  bool coalesces_ = true;
  uint32_t singly_left_ = 0;  // After a refusal: how many more datagrams are sent singly.
};

UringBackend::UringBackend(const BackendOptions& options, const ShardSockets& sockets,
                           const Doorbell& doorbell, IoCounters& counters)
    : options_(options),
      sockets_(sockets),
      doorbell_(doorbell),
      counters_(counters),
      buffers_(std::make_unique<ReceiveBuffer[]>(options.receive_buffers)) {
  CHECK(std::has_single_bit(options.receive_buffers) && options.receive_buffers <= 32768);
  receive_header_.msg_namelen = receive_name_size;
  receive_header_.msg_controllen = receive_control_size;
}

UringBackend::~UringBackend() {
  if (has_ring_) io_uring_queue_exit(&ring_);
  if (buffer_ring_ != nullptr) munmap(buffer_ring_, buffer_ring_size_);
}

int UringBackend::open_ring(uint32_t submissions) {
  io_uring_params params{};
  // DEFER_TASKRUN is also the probe: it came with Linux 6.1, and everything else used here is
  // older. Disabled until start(): the thread that enables the ring becomes its single issuer.
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE;
  // A full completion queue ends the multishot receives: make room for every buffer and every send,
  // unless memory is short.
  const uint32_t wanted = options_.receive_buffers + 2 * submissions_max;
  const uint32_t completions = options_.completions > 0 ? options_.completions : wanted;
  params.cq_entries = std::bit_ceil(completions * submissions / submissions_max);
  params.cq_entries = std::max(params.cq_entries, submissions);
  const int refused = io_uring_queue_init_params(submissions, &ring_, &params);
  if (refused < 0) return -refused;
  has_ring_ = true;
  CHECK(submissions <= submissions_max);  // An index of a slot is a byte.
  slots_.resize(submissions);
  return 0;
}

int UringBackend::register_buffers() {
  buffer_ring_size_ = options_.receive_buffers * sizeof(io_uring_buf);
  void* memory =
      mmap(nullptr, buffer_ring_size_, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (memory == MAP_FAILED) return errno;
  buffer_ring_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_ring_init(buffer_ring_);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(memory);
  registration.ring_entries = options_.receive_buffers;
  registration.bgid = buffer_group;
  const int refused = io_uring_register_buf_ring(&ring_, &registration, 0);
  if (refused < 0) return -refused;
  for (uint32_t i = 0; i < options_.receive_buffers; ++i) give_back(static_cast<uint16_t>(i));
  io_uring_buf_ring_advance(buffer_ring_, given_back_);
  given_back_ = 0;
  return 0;
}

// Sockets at their own index, absent ones as holes, followed by the doorbell.
int UringBackend::register_files() {
  std::vector<int> files;
  for (const BoundSocket& socket : sockets_) files.push_back(socket.fd());
  files.push_back(doorbell_.fd());
  const auto count = static_cast<unsigned>(files.size());
  const int refused = io_uring_register_files(&ring_, files.data(), count);
  return refused < 0 ? -refused : 0;
}

std::optional<IoError> UringBackend::start() {
  // Not io_uring_enable_rings(): liburing 2.3 declares it but does not export it.
  const int refused = io_uring_register(static_cast<unsigned>(ring_.ring_fd),
                                        IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  if (refused < 0) return io_error("cannot start io_uring", -refused);
  for (uint8_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].is_open()) receive_ended_[i] = !arm_receive(i);
  }
  doorbell_ended_ = !arm_doorbell();
  submit();
  return std::nullopt;
}

// Null when the queue is full of submissions that the kernel refused for lack of memory.
io_uring_sqe* UringBackend::next_submission() {
  io_uring_sqe* submission = io_uring_get_sqe(&ring_);
  if (submission != nullptr) return submission;
  submit();
  return io_uring_get_sqe(&ring_);
}

bool UringBackend::arm_receive(uint8_t index) {
  io_uring_sqe* submission = next_submission();
  if (submission == nullptr) return false;
  io_uring_prep_recvmsg_multishot(submission, index, &receive_header_, 0);
  submission->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
  submission->buf_group = buffer_group;
  io_uring_sqe_set_data64(submission, packed({Completion::receive, index}));
  return true;
}

bool UringBackend::arm_doorbell() {
  io_uring_sqe* submission = next_submission();
  if (submission == nullptr) return false;
  // Each ring is a new completion; the eventfd itself is never read.
  io_uring_prep_poll_multishot(submission, static_cast<int>(sockets_.size()), POLLIN);
  submission->flags |= IOSQE_FIXED_FILE;
  io_uring_sqe_set_data64(submission, packed({Completion::doorbell}));
  return true;
}

void UringBackend::rearm_ended() {
  for (uint8_t i = 0; i < sockets_.size(); ++i) {
    if (!receive_ended_[i] || !arm_receive(i)) continue;
    receive_ended_[i] = false;
    counters_.add(IoCounter::receive_rearmed);
  }
  if (doorbell_ended_) doorbell_ended_ = !arm_doorbell();
}

bool UringBackend::is_any_ended() const {
  return doorbell_ended_ ||
         std::find(receive_ended_.begin(), receive_ended_.end(), true) != receive_ended_.end();
}

void UringBackend::give_back(uint16_t buffer) {
  DCHECK(buffer < options_.receive_buffers);
  DCHECK(given_back_ < static_cast<int>(options_.receive_buffers));
  const int mask = io_uring_buf_ring_mask(options_.receive_buffers);
  io_uring_buf_ring_add(buffer_ring_, buffers_[buffer].bytes, receive_buffer_size, buffer, mask,
                        given_back_);
  ++given_back_;
}

uint32_t UringBackend::receive(DatagramSink& sink) {
  std::array<io_uring_cqe*, batch_max> ready;
  std::array<io_uring_cqe, batch_max> batch;
  if (io_uring_cq_has_overflow(&ring_)) counters_.add(IoCounter::completions_overflowed);
  const unsigned count = io_uring_peek_batch_cqe(&ring_, ready.data(), batch_max);
  // Copied to a list before they are handled: the sink may send, which works on the same ring.
  for (unsigned i = 0; i < count; ++i) batch[i] = *ready[i];
  io_uring_cq_advance(&ring_, count);
  for (unsigned i = 0; i < count; ++i) on_completion(batch[i]);
  batch_.hand_over_to(sink);
  DCHECK(given_back_ <= static_cast<int>(count));  // At most a buffer for each completion.
  io_uring_buf_ring_advance(buffer_ring_, given_back_);
  given_back_ = 0;
  // Only after the buffers are back: a receive that ended for lack of them would end again.
  rearm_ended();
  return count;
}

void UringBackend::on_completion(const io_uring_cqe& completion) {
  const UserData data = unpacked(completion.user_data);
  DCHECK(data.kind <= Completion::doorbell);
  const bool ended = (completion.flags & IORING_CQE_F_MORE) == 0;
  switch (data.kind) {
    case Completion::receive:
      return on_receive(completion, data.index);
    case Completion::send:  // Those that succeed are silent (CQE_SKIP_SUCCESS).
    case Completion::group:
      if (completion.res >= 0) return;
      return count_send_error(counters_, -completion.res, data.datagrams);
    case Completion::handled:
      return;
    case Completion::doorbell:
      doorbell_ended_ = doorbell_ended_ || ended;
      return;
  }
}

void UringBackend::on_receive(const io_uring_cqe& completion, uint8_t index) {
  // Whatever the result says: an empty datagram, a lack of buffers and a full completion queue all
  // end a multishot receive (measured).
  DCHECK(index < sockets_.size());
  if ((completion.flags & IORING_CQE_F_MORE) == 0) receive_ended_[index] = true;
  if (completion.res == -ENOBUFS) {
    counters_.add(IoCounter::buffers_exhausted);
  } else if (completion.res < 0) {
    counters_.add(IoCounter::receive_failed);
  }
  if ((completion.flags & IORING_CQE_F_BUFFER) == 0) return;
  const auto buffer = static_cast<uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
  if (completion.res >= 0) {
    take(index, buffers_[buffer].bytes, static_cast<uint32_t>(completion.res));
  }
  give_back(buffer);
}

void UringBackend::take(uint8_t index, uint8_t* buffer, uint32_t filled) {
  io_uring_recvmsg_out* out =
      io_uring_recvmsg_validate(buffer, static_cast<int>(filled), &receive_header_);
  if (out == nullptr) return counters_.add(IoCounter::receive_failed);
  if (out->flags & MSG_TRUNC) return counters_.add(IoCounter::received_too_long);
  const uint32_t size =
      io_uring_recvmsg_payload_length(out, static_cast<int>(filled), &receive_header_);
  if (size == 0) return counters_.add(IoCounter::received_empty);
  msghdr header{};
  header.msg_name = io_uring_recvmsg_name(out);
  header.msg_namelen = out->namelen;
  header.msg_control = buffer + sizeof *out + receive_name_size;
  header.msg_controllen = out->controllen;
  count_received(counters_, sockets_[index].bound.is_ipv4(), size);
  const auto* bytes = static_cast<const uint8_t*>(io_uring_recvmsg_payload(out, &receive_header_));
  batch_.add({path_of(header, sockets_, index), {bytes, size}});
}

void UringBackend::prepare_sends(const Outbox& outbox) {
  for (auto left = outbox.entries(); !left.empty();) {
    const size_t planned = groups_.plan(left, coalesces_ && singly_left_ == 0);
    singly_left_ -= std::min<uint32_t>(singly_left_, static_cast<uint32_t>(planned));
    for (const SendGroups::Group& group : groups_.groups()) {
      const auto index = socket_for(groups_.entry(group.first).path, sockets_);
      if (index) {
        prepare_group(outbox, group, *index);
      } else {
        counters_.add(IoCounter::send_without_socket, group.count);
      }
    }
    left = left.subspan(planned);
  }
}

void UringBackend::prepare_group(const Outbox& outbox, const SendGroups::Group& group,
                                 uint8_t socket) {
  if (group.count > payloads_.size() - payloads_used_) submit();
  const Outbox::Entry& first = groups_.entry(group.first);
  count_sent(counters_, sockets_[socket].bound.is_ipv4(), group.count,
             uint64_t{group.count} * first.size);
  io_uring_sqe* submission = next_submission();  // May itself submit.
  if (submission == nullptr) return counters_.add(IoCounter::send_would_block, group.count);
  DCHECK(slots_used_ < slots_.size());  // One for each submission.
  const auto index = static_cast<uint8_t>(slots_used_++);
  SendSlot& slot = slots_[index];
  const Bytes bytes = outbox.bytes(first);
  auto kind = Completion::send;
  if (group.count > 1) {
    kind = Completion::group;
    const std::span<iovec> payloads =
        groups_.gather(group, outbox, std::span(payloads_).subspan(payloads_used_));
    payloads_used_ += static_cast<uint32_t>(payloads.size());
    const auto segment_size = static_cast<uint16_t>(first.size);
    groups_in_slots_[index] = {segment_size, socket};
    prepare_segments(first.path, payloads, segment_size, sockets_[socket], &slot);
    io_uring_prep_sendmsg(submission, socket, &slot.message, MSG_DONTWAIT);
    counters_.add(IoCounter::sent_coalesced, group.count);
    ++groups_prepared_;
  } else if (prepare_send(first.path, bytes, sockets_[socket], &slot) ==
             SourceAddress::in_control) {
    io_uring_prep_sendmsg(submission, socket, &slot.message, MSG_DONTWAIT);
  } else {
    // SEND with an address is cheaper (84 to 175 ns, measured) but has no room for the source
    // address.
    io_uring_prep_send(submission, socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
    io_uring_prep_send_set_addr(submission, &slot.to.any, static_cast<uint16_t>(slot.to_size));
  }
  submission->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(submission, packed({kind, index, group.count, submission_}));
}

// Hands all prepared submissions to the kernel. MSG_DONTWAIT completes a send within the submission
// itself, so that its slot and its bytes are free afterwards, and the completion of a refused send
// has arrived.
void UringBackend::submit() {
  submit_all();
  if (groups_prepared_ > 0) send_refused_singly();
  groups_prepared_ = 0;
  ++submission_;
  slots_used_ = 0;
  payloads_used_ = 0;
}

void UringBackend::submit_all() {
  for (uint32_t i = 0; i < submit_attempts_max && io_uring_sq_ready(&ring_) > 0; ++i) {
    io_uring_submit(&ring_);
  }
  if (io_uring_sq_ready(&ring_) > 0) abandon_unsubmitted();
}

// Searches the completions that have arrived for groups that the kernel refused, while their slots
// still hold the payloads, and marks them as handled. Each takes a nanosecond or two.
void UringBackend::send_refused_singly() {
  unsigned at = 0;
  io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(&ring_, at, completion) {
    const UserData data = unpacked(completion->user_data);
    if (data.kind != Completion::group || data.submission != submission_) continue;
    if (completion->res >= 0 || !may_refuse_segments(-completion->res)) continue;
    completion->user_data = packed({Completion::handled});
    counters_.add(IoCounter::coalescing_refused);
    singly_left_ = singly_after_refusal;
    send_singly(data.index);
  }
}

void UringBackend::send_singly(uint8_t slot) {
  const GroupInSlot group = groups_in_slots_[slot];
  DCHECK(group.segment_size > 0);
  const msghdr& message = slots_[slot].message;
  uint32_t used = 0;
  for (size_t i = 0; i < message.msg_iovlen; ++i) {
    auto* at = static_cast<uint8_t*>(message.msg_iov[i].iov_base);
    size_t left = message.msg_iov[i].iov_len;
    for (; left > 0; left -= group.segment_size, at += group.segment_size) {
      DCHECK(used < batch_max && left >= group.segment_size);
      SendSlot& single = singles_[used++];
      prepare_segment_alone(slots_[slot], {at, group.segment_size}, &single);
      if (io_uring_sq_space_left(&ring_) == 0) submit_all();
      io_uring_sqe* submission = io_uring_get_sqe(&ring_);
      if (submission == nullptr) {
        counters_.add(IoCounter::send_would_block);
        continue;
      }
      io_uring_prep_sendmsg(submission, group.socket, &single.message, MSG_DONTWAIT);
      submission->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
      io_uring_sqe_set_data64(submission, packed({Completion::send}));
    }
  }
  submit_all();
}

// The kernel would not take these for lack of memory. They stay in the queue, and may fill it, but
// must not refer to bytes that are about to be reused: sends become no-ops.
void UringBackend::abandon_unsubmitted() {
  const io_uring_sq& queue = ring_.sq;
  const unsigned mask = *queue.kring_mask;
  for (unsigned at = *queue.khead; at != queue.sqe_tail; ++at) {
    io_uring_sqe& submission = queue.sqes[at & mask];
    const UserData data = unpacked(submission.user_data);
    if (data.kind != Completion::send && data.kind != Completion::group) continue;
    io_uring_prep_nop(&submission);
    submission.flags = IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(&submission, packed({Completion::handled}));
    counters_.add(IoCounter::send_would_block, data.datagrams);
  }
}

void UringBackend::send(const Outbox& outbox) {
  prepare_sends(outbox);
  submit();
}

void UringBackend::send_and_wait(const Outbox& outbox, std::optional<Duration> timeout) {
  prepare_sends(outbox);
  // A receive that could not be armed wakes no one: retry soon.
  if (is_any_ended() && (!timeout || *timeout > rearm_interval)) timeout = rearm_interval;
  const bool only_look = timeout && timeout->nanoseconds <= 0;
  if (io_uring_cq_ready(&ring_) > 0) {
    // Handled first; the next call sees what arrived meanwhile. (A submission is a call anyway.)
  } else if (only_look) {
    io_uring_submit_and_get_events(&ring_);
  } else {
    __kernel_timespec most{};
    if (timeout) {
      most.tv_sec = timeout->whole_seconds();
      most.tv_nsec = timeout->nanoseconds % 1'000'000'000;
    }
    io_uring_cqe* ready = nullptr;
    io_uring_submit_and_wait_timeout(&ring_, &ready, 1, timeout ? &most : nullptr, nullptr);
  }
  submit();
}

void UringBackend::stop() {
  io_uring_sync_cancel_reg all{};
  all.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
  all.timeout = {-1, -1};
  io_uring_register_sync_cancel(&ring_, &all);
  // The cancelled requests end in deferred work; the sockets are free once that has run.
  io_uring_get_events(&ring_);
  io_uring_unregister_files(&ring_);
}

std::string advice_for(int error_number) {
  switch (error_number) {
    case ENOSYS:
    case EPERM:
      return " (the kernel, kernel.io_uring_disabled or a container's profile refuses it)";
    case EINVAL:
      return " (it needs Linux 6.1)";
    case ENOMEM:
      return " (its memory counts against RLIMIT_MEMLOCK)";
    default:
      return "";
  }
}

}  // namespace

std::optional<IoError> make_uring_backend(const BackendOptions& options,
                                          const ShardSockets& sockets, const Doorbell& doorbell,
                                          IoCounters& counters, std::unique_ptr<UdpBackend>* out) {
  auto backend = std::make_unique<UringBackend>(options, sockets, doorbell, counters);
  uint32_t submissions = submissions_max;
  int refused = backend->open_ring(submissions);
  while (refused == ENOMEM && submissions > submissions_least) {
    submissions /= 2;
    refused = backend->open_ring(submissions);
  }
  if (refused == 0) refused = backend->register_buffers();
  if (refused == 0) refused = backend->register_files();
  if (refused != 0) {
    IoError error = io_error("io_uring is refused", refused);
    error.sentence += advice_for(refused);
    return error;
  }
  *out = std::move(backend);
  return std::nullopt;
}

}  // namespace xord
