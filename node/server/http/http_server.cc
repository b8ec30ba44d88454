#include "node/server/http/http_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "node/server/http/problem.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"
#include "reactor/socket_address.h"

namespace xord {
namespace {

constexpr uint32_t accepts_a_turn = 16;
// What a turn waits while the process has no descriptor for a connection that waits for one.
constexpr Duration wait_for_files = milliseconds(100);
constexpr Duration wind_up_time = seconds(1);

HttpPeer peer_of(int socket, const SocketAddress& from) {
  HttpPeer peer;
  peer.address = endpoint_of(from).address;
  peer.source = peer.address.is_loopback() ? HttpSource::loopback : HttpSource::other;
  SocketAddress local;
  socklen_t size = sizeof local;
  if (getsockname(socket, &local.any, &size) == 0) peer.local = endpoint_of(local).address;
  return peer;
}

std::string refusal_text(const std::string& sentence) {
  const HttpResponse response = problem(503, sentence);
  return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: " + response.content_type +
         "\r\nConnection: close\r\nContent-Length: " + std::to_string(response.body.size()) +
         "\r\n\r\n" + response.body;
}

// Says why, as far as the socket takes it at once, and closes it.
void turn_away(int socket, HttpCount refused_as) {
  static const std::string by_address =
      refusal_text("this address has as many connections as one may have: close some");
  static const std::string in_all =
      refusal_text("the node has as many connections as it serves: try again later");
  const bool is_by_address = refused_as == HttpCount::connections_refused_by_address;
  const std::string& text = is_by_address ? by_address : in_all;
  (void)send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  shutdown(socket, SHUT_WR);
  close(socket);
}

}  // namespace

HttpServer::HttpServer(HttpDaemon::Handler handler, HttpTimes times)
    : daemon_(std::move(handler), times, counters_) {}

HttpServer::~HttpServer() {
  stop();
}

void HttpServer::set_tick(Tick tick) {
  CHECK(!thread_.is_joinable() && tick != nullptr);
  tick_ = std::move(tick);
}

void HttpServer::listen(HttpListener listener) {
  CHECK(!thread_.is_joinable() && listener.socket() >= 0);
  listeners_.push_back(std::move(listener));
  is_readable_.push_back(false);
}

std::optional<IoError> HttpServer::start() {
  CHECK(!thread_.is_joinable() && !is_stopping_.load());
  if (auto error = daemon_.start()) return error;
  auto error = thread_.start("xord-http", [this] { run(); });
  if (error) daemon_.stop();
  return error;
}

void HttpServer::stop() {
  if (!thread_.is_joinable()) return;
  is_stopping_.store(true, std::memory_order_release);
  daemon_.mailbox().ring();
  thread_.join();
  listeners_.clear();
}

void HttpServer::adopt(int socket) {
  daemon_.mailbox().adopt(socket);
}

// ---- The thread.

void HttpServer::run() {
  while (!is_stopping_.load(std::memory_order_acquire)) turn();
  wind_up();
  daemon_.stop();
}

void HttpServer::turn() {
  const MonotonicTime now = monotonic_time();
  auto most = daemon_.wait_max(now);
  if (tick_) {
    const Duration until = std::max(tick_at_ - now, Duration{});
    most = most ? std::min(*most, until) : until;
  }
  if (is_short_of_files_) most = most ? std::min(*most, wait_for_files) : wait_for_files;
  wait(most);
  daemon_.mailbox().silence();
  is_short_of_files_ = false;
  for (size_t i = 0; i < listeners_.size(); ++i) {
    if (is_readable_[i]) accept_from(listeners_[i]);
  }
  HttpPeer peer;
  peer.source = HttpSource::unix_socket;
  for (const int socket : daemon_.mailbox().take_adopted()) serve(socket, peer);
  tick(monotonic_time());
  daemon_.run(monotonic_time());
}

// In the middle of each second of the clock: a tick that is a little late is still in its own.
void HttpServer::tick(MonotonicTime now) {
  if (!tick_ || now < tick_at_) return;
  const int64_t second = now.nanoseconds / seconds(1).nanoseconds;
  tick_at_ = MonotonicTime{} + seconds(second + 1) + milliseconds(500);
  CHECK(tick_at_ > now);
  tick_(now, counters_);
}

void HttpServer::wait(std::optional<Duration> most) {
  CHECK(is_readable_.size() == listeners_.size());
  std::vector<pollfd> polled = {{daemon_.mailbox().fd(), POLLIN, 0}, {daemon_.fd(), POLLIN, 0}};
  // A connection that cannot be accepted would end the wait at once.
  if (!is_short_of_files_) {
    for (const HttpListener& each : listeners_) polled.push_back({each.socket(), POLLIN, 0});
  }
  timespec time{};
  if (most) {
    time.tv_sec = most->whole_seconds();
    time.tv_nsec = most->nanoseconds % 1'000'000'000;
  }
  ppoll(polled.data(), polled.size(), most ? &time : nullptr, nullptr);
  for (size_t i = 0; i < listeners_.size(); ++i) {
    is_readable_[i] = i + 2 < polled.size() && polled[i + 2].revents != 0;
  }
}

void HttpServer::accept_from(const HttpListener& listener) {
  for (uint32_t i = 0; i < accepts_a_turn; ++i) {
    SocketAddress from{};
    socklen_t size = sizeof from;
    const int socket = accept4(listener.socket(), listener.is_unix() ? nullptr : &from.any,
                               listener.is_unix() ? nullptr : &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) {
      const bool is_short =
          errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
      is_short_of_files_ = is_short_of_files_ || is_short;
      return;
    }
    HttpPeer peer;
    peer.source = HttpSource::unix_socket;
    serve(socket, listener.is_unix() ? peer : peer_of(socket, from));
  }
}

void HttpServer::serve(int socket, const HttpPeer& peer) {
  CHECK(socket >= 0);
  if (const auto refused = daemon_.add(socket, peer, monotonic_time())) {
    turn_away(socket, *refused);
  }
}

void HttpServer::wind_up() {
  CHECK(is_stopping_.load(std::memory_order_acquire));
  for (HttpListener& each : listeners_) each.close();
  daemon_.close();
  const MonotonicTime until = monotonic_time() + wind_up_time;
  while (true) {
    const MonotonicTime now = monotonic_time();
    daemon_.mailbox().silence();
    daemon_.run(now);
    if (!daemon_.has_exchanges() || now >= until) return;
    wait(std::min(daemon_.wait_max(now).value_or(until - now), until - now));
  }
}

}  // namespace xord
