#include "tools/client_session.h"

#include <csignal>
#include <memory>

#include "reactor/entropy.h"
#include "reactor/reactor.h"
#include "tools/failure.h"

namespace xord {
namespace {

// What the signal handler may touch: request_stop() stores a flag and writes to an eventfd.
std::atomic<Reactor*> interruptible{nullptr};
std::atomic<bool> was_interrupted{false};
static_assert(std::atomic<Reactor*>::is_always_lock_free);

void on_signal(int) {
  was_interrupted.store(true, std::memory_order_relaxed);
  if (Reactor* reactor = interruptible.load(std::memory_order_acquire)) reactor->request_stop();
}

// Catches SIGINT and SIGTERM for as long as it lives.
class SignalCatcher {
 public:
  explicit SignalCatcher(Reactor& reactor) {
    was_interrupted.store(false, std::memory_order_relaxed);
    interruptible.store(&reactor, std::memory_order_release);
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, &old_interrupt_);
    sigaction(SIGTERM, &action, &old_terminate_);
  }
  ~SignalCatcher() {
    sigaction(SIGINT, &old_interrupt_, nullptr);
    sigaction(SIGTERM, &old_terminate_, nullptr);
    interruptible.store(nullptr, std::memory_order_release);
  }
  SignalCatcher(const SignalCatcher&) = delete;
  SignalCatcher& operator=(const SignalCatcher&) = delete;

 private:
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
};

class ClientHandler : public ReactorHandler {
 public:
  ClientHandler(Client& client, Reactor& reactor) : client_(client), reactor_(reactor) {}

  void receive(Instant now, const Datagram& datagram, Outbox& out) override {
    client_.receive(now, datagram, out);
  }
  void receive_frame(Instant, uint32_t, Bytes, Outbox&) override {}
  void advance(Instant now, Outbox& out) override {
    if (!is_started_) client_.start(now, out);
    is_started_ = true;
    client_.advance(now, out);
  }
  void end_turn(Instant, Outbox&) override {
    if (client_.is_finished()) reactor_.request_stop();
  }
  std::optional<Instant> next_wakeup() const override {
    return is_started_ ? client_.next_wakeup() : Instant::never();  // At once.
  }

 private:
  Client& client_;
  Reactor& reactor_;
  bool is_started_ = false;
};

void check(const std::optional<IoError>& error) {
  if (error) throw Failure(ExitCode::environment, error->sentence);
}

ShardSockets open_both_families() {
  const std::vector<Listen> listens = {
      {Endpoint::ipv4(0, 0), IfFamilyMissing::skip, std::nullopt},
      {Endpoint{IpAddress{}, 0, 0}, IfFamilyMissing::skip, std::nullopt}};
  std::vector<ShardSockets> sockets;
  check(open_sockets(listens, {}, &sockets));
  if (!sockets[0][0].is_open() && !sockets[0][1].is_open()) {
    throw Failure(ExitCode::environment, "this host has neither IPv4 nor IPv6: see `ip address`");
  }
  return std::move(sockets[0]);
}

}  // namespace

SessionEnd run_session(ClientPlan plan) {
  InFlight::Secret secret;
  fill_with_entropy(secret);
  const NodeClock clock{Instant{}};
  Client client(std::move(plan), secret, entropy_word(), clock.now());

  ReactorConfig config;
  config.io = IoChoice::epoll;  // A handful of datagrams: a ring is not worth its memory.
  // One call may store the largest value at the k nearest, or ping every via node.
  config.room_datagrams = vias_max;
  config.room_bytes = (bucket_size + 1) * datagram_bytes_max;
  std::unique_ptr<Reactor> reactor;
  check(Reactor::create(config, open_both_families(), clock, &reactor));
  ClientHandler handler(client, *reactor);
  const SignalCatcher catcher(*reactor);
  check(reactor->run(handler));
  const bool interrupted = was_interrupted.load(std::memory_order_relaxed);
  return {client.result(), interrupted && !client.is_finished()};
}

}  // namespace xord
