#include "reactor/reactor.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reactor/base/check.h"
#include "reactor/source_filter.h"

namespace xord {
namespace {

// How often the loop asks the kernel for figures, at most: what the thread has worked, for displays
// that move each second, and what was dropped, a call for each socket.
constexpr Duration work_interval = milliseconds(100);
constexpr Duration drops_interval = seconds(1);

}  // namespace

// The state of a turn while it runs, and the order of its work:
//
// 1. Send and sleep. One call sends what the last turn left and waits for a datagram, the doorbell
//    or the next timer. It does not wait while work is left over. Announcing the sleep comes before
//    the last look at the mailboxes, else a frame published in between would wake no one.
// 2. Read the clock, once: a turn happens at one instant.
// 3. Frames of other threads, before datagrams: they are answers and work already admitted, which
//    is finished before new work is taken in. At most frames_max a mailbox.
// 4. Datagrams, at most batch_max; the rest waits in the kernel, which sheds the newest first.
// 5. Timers, after the datagrams: an answer that has arrived is not timed out in the same turn.
// 6. The end of the turn: the handler publishes its frames, once, so each other thread is rung
//    once.
// 7. Read the clock again: was the turn too long? Ask the kernel for what only it counts, seldom.
class Reactor::Turn final : public DatagramSink {
 public:
  Turn(Reactor& reactor, ReactorHandler& handler)
      : reactor_(reactor), handler_(handler), worked_before_(thread_cpu_time()) {}

  void run();
  void end();
  void flush();
  void on_batch(std::span<const Datagram> batch) override { handler_.fetch_ahead(batch); }
  void on_datagram(const Datagram& datagram) override;

 private:
  void send_and_sleep();
  std::optional<Duration> sleep_length();
  bool has_frames() const;
  void take_frames();
  void take_datagrams();
  bool leaves_some(uint32_t handled);
  void run_timers();
  void finish(TurnStage stage);
  void count_turn();
  void count_stall(Duration turn);
  void ask_kernel();
  void count_work();
  void make_room();

  Reactor& reactor_;
  ReactorHandler& handler_;
  const Duration worked_before_;      // What the thread did before it ran the loop.
  Instant work_at_ = Instant::min();  // When to ask for these again.
  Instant drops_at_ = Instant::min();
  Instant now_;
  Instant stage_began_;
  std::array<Duration, static_cast<size_t>(TurnStage::count)> took_{};
  uint32_t frames_ = 0;
  uint32_t datagrams_ = 0;
  bool work_left_ =
      true;  // The first turn does not sleep: the handler may have work from the start.
};

void Reactor::Turn::run() {
  send_and_sleep();
  const Instant now = reactor_.clock_.now();
  DCHECK(now >= stage_began_);
  now_ = stage_began_ = now;
  took_ = {};
  frames_ = datagrams_ = 0;
  work_left_ = false;
  reactor_.counters_.add(IoCounter::turns);

  take_frames();
  take_datagrams();
  run_timers();
  make_room();
  handler_.end_turn(now_, reactor_.outbox_);
  finish(TurnStage::end_of_turn);
  count_turn();
}

// Sends what is left, and counts what the last turns did.
void Reactor::Turn::end() {
  flush();
  count_work();
  reactor_.count_kernel_drops();
}

void Reactor::Turn::send_and_sleep() {
  const std::optional<Duration> length = sleep_length();
  reactor_.chosen_.backend->send_and_wait(reactor_.outbox_, length);
  reactor_.outbox_.clear();
  reactor_.doorbell_.awake();
}

// The longest time to sleep: empty is for ever, 0 not at all. Announces the sleep.
std::optional<Duration> Reactor::Turn::sleep_length() {
  if (work_left_) return Duration{};
  std::optional<Duration> length;
  if (const auto wakeup = handler_.next_wakeup()) {
    length = std::max(*wakeup - stage_began_, Duration{});
    if (*length == Duration{}) return length;
  }
  reactor_.doorbell_.announce_sleep();
  if (has_frames() || reactor_.stop_requested_.load(std::memory_order_seq_cst)) return Duration{};
  reactor_.counters_.add(IoCounter::sleeps);
  return length;
}

bool Reactor::Turn::has_frames() const {
  return std::any_of(reactor_.mailboxes_.begin(), reactor_.mailboxes_.end(),
                     [](const Mailbox* mailbox) { return mailbox->has_frames_before_sleep(); });
}

void Reactor::Turn::take_frames() {
  for (uint32_t source = 0; source < reactor_.mailboxes_.size(); ++source) {
    const uint32_t taken =
        reactor_.mailboxes_[source]->consume(reactor_.config_.frames_max, [&](Bytes frame) {
          make_room();
          handler_.receive_frame(now_, source, frame, reactor_.outbox_);
        });
    DCHECK(taken <= reactor_.config_.frames_max);
    frames_ += taken;
    if (taken == reactor_.config_.frames_max) work_left_ = true;
  }
  if (frames_ == 0) return;
  reactor_.counters_.add(IoCounter::frames, frames_);
  finish(TurnStage::frames);
}

void Reactor::Turn::take_datagrams() {
  const uint32_t handled = reactor_.chosen_.backend->receive(*this);
  if (handled > 0) finish(TurnStage::datagrams);
  std::optional<Instant>& since = reactor_.backlogged_since_;
  if (!leaves_some(handled)) {
    since.reset();
  } else if (!since) {
    since = now_;
  }
}

// Whether more datagrams wait after this batch. Where io_uring has more to fetch, its batches have
// 33, or 64 and 2 by turns (measured): then the sockets are asked.
bool Reactor::Turn::leaves_some(uint32_t handled) {
  if (handled >= batch_max) return true;
  if (handled < batch_max / 2 && !reactor_.backlogged_since_) return false;
  const ShardSockets& sockets = reactor_.sockets_;
  return std::any_of(sockets.begin(), sockets.end(), [](const BoundSocket& socket) {
    int bytes = 0;  // Of the datagram that comes next.
    return socket.is_open() && ioctl(socket.fd(), FIONREAD, &bytes) == 0 && bytes > 0;
  });
}

void Reactor::Turn::on_datagram(const Datagram& datagram) {
  ++datagrams_;
  DCHECK(datagrams_ <= batch_max);
  make_room();
  handler_.receive(now_, datagram, reactor_.outbox_);
}

void Reactor::Turn::run_timers() {
  const auto is_due = [this] {
    const auto wakeup = handler_.next_wakeup();
    return wakeup && *wakeup <= now_;
  };
  bool due = is_due();
  if (!due) return;
  for (uint32_t i = 0; i < reactor_.config_.advances_max && due; ++i) {
    make_room();
    handler_.advance(now_, reactor_.outbox_);
    due = is_due();
  }
  if (due) work_left_ = true;
  finish(TurnStage::timers);
}

// Flushes the outbox when it has less room than one call of the handler may need.
void Reactor::Turn::make_room() {
  const ReactorConfig& config = reactor_.config_;
  const size_t datagrams = reactor_.outbox_.entries().size() + config.room_datagrams;
  if (datagrams <= config.outbox_datagrams && reactor_.outbox_.has_room(config.room_bytes)) return;
  reactor_.counters_.add(IoCounter::outbox_flushes);
  flush();
  DCHECK(reactor_.outbox_.has_room(config.room_bytes));
}

void Reactor::Turn::flush() {
  reactor_.chosen_.backend->send(reactor_.outbox_);
  reactor_.outbox_.clear();
}

void Reactor::Turn::finish(TurnStage stage) {
  const Instant ended = reactor_.clock_.now();
  DCHECK(stage < TurnStage::count && ended >= stage_began_);
  took_[static_cast<size_t>(stage)] = ended - stage_began_;
  stage_began_ = ended;
}

void Reactor::Turn::count_turn() {
  const Duration turn = stage_began_ - now_;
  reactor_.histograms_.observe(IoHistogram::turn_duration_seconds, turn);
  if (turn > reactor_.config_.stall_threshold) count_stall(turn);
  if (stage_began_ >= work_at_) ask_kernel();
}

void Reactor::Turn::ask_kernel() {
  work_at_ = stage_began_ + work_interval;
  count_work();
  if (stage_began_ < drops_at_) return;
  drops_at_ = stage_began_ + drops_interval;
  reactor_.count_kernel_drops();
}

// Processor time, because the stages of a turn leave out most of the work: sending and receiving
// are done by the call that also waits.
void Reactor::Turn::count_work() {
  const Duration worked = thread_cpu_time() - worked_before_;
  DCHECK(worked >= Duration{});
  reactor_.counters_.set(IoCounter::busy_nanoseconds, static_cast<uint64_t>(worked.nanoseconds));
}

void Reactor::Turn::count_stall(Duration turn) {
  IoCounters& counters = reactor_.counters_;
  counters.add(IoCounter::stalls);
  const auto nanoseconds = static_cast<uint64_t>(turn.nanoseconds);
  if (nanoseconds > counters.read(IoCounter::stall_longest_nanoseconds)) {
    counters.set(IoCounter::stall_longest_nanoseconds, nanoseconds);
  }
  const auto longest = std::max_element(took_.begin(), took_.end());
  handler_.stalled({.turn = turn,
                    .longest = static_cast<TurnStage>(longest - took_.begin()),
                    .longest_took = *longest,
                    .frames = frames_,
                    .datagrams = datagrams_});
}

std::string_view name_of(TurnStage stage) {
  switch (stage) {
    case TurnStage::frames:
      return "frames";
    case TurnStage::datagrams:
      return "datagrams";
    case TurnStage::timers:
      return "timers";
    case TurnStage::end_of_turn:
      return "end_of_turn";
    case TurnStage::count:
      break;
  }
  return "unknown";
}

Reactor::Reactor(const ReactorConfig& config, ShardSockets sockets, NodeClock clock)
    : config_(config),
      sockets_(std::move(sockets)),
      clock_(clock),
      outbox_(config.outbox_datagrams, config.outbox_bytes) {
  CHECK(config.room_datagrams <= config.outbox_datagrams);
  CHECK(config.room_bytes <= config.outbox_bytes);
  CHECK(!sockets_.empty() && sockets_.size() <= listens_max);
  for (const BoundSocket& socket : sockets_) {
    if (!socket.unsteered_because.empty()) counters_.add(IoCounter::steering_refused);
  }
}

Reactor::~Reactor() = default;

std::optional<IoError> Reactor::create(const ReactorConfig& config, ShardSockets sockets,
                                       NodeClock clock, std::unique_ptr<Reactor>* out) {
  std::unique_ptr<Reactor> reactor(new Reactor(config, std::move(sockets), clock));
  if (auto error = reactor->doorbell_.error()) return error;
  auto error = choose_backend(config.io, config.backend, reactor->sockets_, reactor->doorbell_,
                              reactor->counters_, &reactor->chosen_);
  if (error) return error;
  CHECK(reactor->chosen_.backend != nullptr);
  *out = std::move(reactor);
  return std::nullopt;
}

uint32_t Reactor::add_mailbox(Mailbox& mailbox) {
  CHECK(!is_running_);
  mailboxes_.push_back(&mailbox);
  return static_cast<uint32_t>(mailboxes_.size() - 1);
}

void Reactor::filter_sources(uint8_t socket, std::span<const Subnet> kept,
                             std::span<const SourceShare> shares) {
  CHECK(socket < sockets_.size());
  const BoundSocket& filtered = sockets_[socket];
  if (!filtered.is_open()) return;
  // The kernel counts all drops together: those before the first filter, and after the last one,
  // are told from the others.
  if (!is_filtered_[socket]) count_kernel_drops(socket);
  const int refused = shares.empty()
                          ? detach_source_filter(filtered.fd())
                          : attach_source_filter(filtered.fd(), SourceFilter(kept, shares));
  counters_.add(refused == 0 ? IoCounter::filters_set : IoCounter::filters_refused);
  if (is_filtered_[socket]) count_kernel_drops(socket);
  if (refused == 0) is_filtered_[socket] = !shares.empty();
}

void Reactor::count_kernel_drops(size_t socket) {
  CHECK(socket < sockets_.size());
  counters_.add(is_filtered_[socket] ? IoCounter::receive_thinned : IoCounter::receive_dropped,
                sockets_[socket].take_kernel_drops());
}

void Reactor::count_kernel_drops() {
  for (size_t socket = 0; socket < sockets_.size(); ++socket) count_kernel_drops(socket);
}

std::optional<IoError> Reactor::run(ReactorHandler& handler) {
  CHECK(!std::exchange(is_running_, true));  // Once, since it closes the sockets.
  if (auto error = chosen_.backend->start()) return error;
  Turn turn(*this, handler);
  while (!stop_requested_.load(std::memory_order_acquire)) turn.run();
  turn.end();
  chosen_.backend->stop();
  for (BoundSocket& socket : sockets_) socket.close();
  return std::nullopt;
}

void Reactor::request_stop() {
  stop_requested_.store(true, std::memory_order_seq_cst);
  doorbell_.ring();
}

}  // namespace xord
