#include "tools/client/client_session.h"

#include <atomic>
#include <memory>

#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "reactor/base/check.h"
#include "reactor/entropy.h"
#include "reactor/reactor.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/port_errors.h"

namespace xord {
namespace {

// All that the signal handler may touch: request_stop() stores a flag and writes to an eventfd.
std::atomic<Reactor*> interruptible{nullptr};
std::atomic<bool> was_interrupted{false};
static_assert(std::atomic<Reactor*>::is_always_lock_free);

void on_signal(int) {
  was_interrupted.store(true, std::memory_order_relaxed);
  if (Reactor* reactor = interruptible.load(std::memory_order_acquire)) reactor->request_stop();
}

void check(const std::optional<IoError>& error) {
  if (error) throw Failure(ExitCode::environment, error->sentence);
}

// Runs `reactor` until it is done or a signal stops it; returns true for a signal.
bool run_until_signal(Reactor& reactor, ReactorHandler& handler) {
  was_interrupted.store(false, std::memory_order_relaxed);
  Reactor* const before = interruptible.exchange(&reactor, std::memory_order_acq_rel);
  CHECK(before == nullptr);
  std::optional<IoError> error;
  {
    const SignalCatcher catcher(on_signal);
    error = reactor.run(handler);
  }
  interruptible.store(nullptr, std::memory_order_release);
  check(error);
  return was_interrupted.load(std::memory_order_relaxed);
}

class ClientHandler : public ReactorHandler {
 public:
  ClientHandler(Client& client, Reactor& reactor)
      : client_(client), reactor_(reactor), port_errors_(reactor.sockets()) {}

  void receive(Instant now, const Datagram& datagram, Outbox& out) override {
    client_.receive(now, datagram, out);
  }
  void receive_frame(Instant, uint32_t, Bytes, Outbox&) override {}
  void advance(Instant now, Outbox& out) override {
    if (!is_started_) client_.start(now, out);
    is_started_ = true;
    client_.advance(now, out);
  }
  void end_turn(Instant now, Outbox& out) override {
    while (const auto closed = port_errors_.next()) client_.closed(now, *closed, out);
    if (!client_.is_greeting()) port_errors_.stop();
    if (client_.is_finished()) reactor_.request_stop();
  }
  std::optional<Instant> next_wakeup() const override {
    return is_started_ ? client_.next_wakeup() : Instant::min();  // At once.
  }

 private:
  Client& client_;
  Reactor& reactor_;
  PortErrors port_errors_;
  bool is_started_ = false;
};

ShardSockets open_both_families() {
  const std::vector<Listen> listens = {
      {Endpoint::ipv4(0, 0), IfFamilyMissing::skip, std::nullopt},
      {Endpoint{IpAddress{}, 0, 0}, IfFamilyMissing::skip, std::nullopt}};
  std::vector<ShardSockets> sockets;
  check(open_sockets(listens, {}, &sockets));
  CHECK(sockets.size() == 1 && sockets[0].size() == listens.size());
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
  Client client(rpcudp::dialect(), std::move(plan), secret, entropy_word(), clock.now());

  ReactorConfig config;
  config.io = IoChoice::epoll;  // A handful of datagrams: a ring is not worth its memory.
  // One call may store the largest value at the k nearest, or ping every via node.
  config.room_datagrams = vias_max;
  config.room_bytes = (bucket_size + 1) * datagram_bytes_max;
  std::unique_ptr<Reactor> reactor;
  check(Reactor::create(config, open_both_families(), clock, &reactor));
  ClientHandler handler(client, *reactor);
  const bool interrupted = run_until_signal(*reactor, handler);
  return {client.result(), interrupted && !client.is_finished()};
}

}  // namespace xord
