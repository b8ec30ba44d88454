#include "node/server/http/http_connections.h"

#include <algorithm>
#include <utility>

#include "reactor/base/check.h"

namespace xord {
namespace {

using State = HttpConnection::State;

constexpr uint32_t tcp_max = http_connections_max - http_connections_an_address;
static_assert(http_connections_an_address < http_connections_max);

// What counts as one address.
IpAddress share_of(IpAddress address) {
  if (!address.is_ipv4()) std::fill(address.bytes.begin() + 8, address.bytes.end(), uint8_t{0});
  return address;
}

bool is_same(const HttpPeer& a, const HttpPeer& b) {
  const bool is_unix = a.source == HttpSource::unix_socket;
  if (is_unix != (b.source == HttpSource::unix_socket)) return false;
  return is_unix || share_of(a.address) == share_of(b.address);
}

}  // namespace

uint32_t HttpConnections::count_of(const HttpPeer& peer) const {
  return static_cast<uint32_t>(
      std::count_if(connections_.begin(), connections_.end(), [&](const HttpConnection& each) {
        return each.state != State::free && is_same(each.peer, peer);
      }));
}

HttpConnection* HttpConnections::admit(const HttpPeer& peer, int socket, MonotonicTime now,
                                       HttpCount* refused_as) {
  CHECK(socket >= 0 && unix_count_ <= count_ && count_ <= http_connections_max);
  const bool is_unix = peer.source == HttpSource::unix_socket;
  if (!is_unix && count_ - unix_count_ == tcp_max) {
    *refused_as = HttpCount::connections_refused;
    return nullptr;
  }
  if (count_of(peer) >= http_connections_an_address) {
    *refused_as = HttpCount::connections_refused_by_address;
    return nullptr;
  }
  const auto free =
      std::find_if(connections_.begin(), connections_.end(),
                   [](const HttpConnection& each) { return each.state == State::free; });
  CHECK(free != connections_.end());
  ++count_;
  unix_count_ += is_unix;
  *free = {State::reading, socket, peer, "", now + times_.request};
  return &*free;
}

void HttpConnections::release(HttpConnection* connection) {
  CHECK(connection->state != State::free && count_ > 0);
  --count_;
  unix_count_ -= connection->peer.source == HttpSource::unix_socket;
  *connection = {};
}

void HttpConnections::begin_request(HttpConnection* connection, std::string target,
                                    MonotonicTime now) {
  CHECK(connection->state == State::reading || connection->state == State::idle);
  // The first request's time began with the connection.
  if (connection->state == State::idle) connection->deadline = now + times_.request;
  connection->state = State::reading;
  connection->target = std::move(target);
}

void HttpConnections::serve(HttpConnection* connection) {
  CHECK(connection->state == State::reading);
  connection->state = State::served;
  connection->deadline.reset();
}

void HttpConnections::begin_answer(HttpConnection* connection, bool is_stream, MonotonicTime now) {
  CHECK(connection->state == State::served || connection->state == State::reading);
  connection->state = State::sending;
  connection->deadline.reset();
  if (!is_stream) connection->deadline = now + times_.idle;
}

void HttpConnections::end_answer(HttpConnection* connection, MonotonicTime now) {
  CHECK(connection->state != State::free);
  connection->state = State::idle;
  connection->deadline = now + times_.idle;
}

HttpConnection* HttpConnections::take_expired(MonotonicTime now) {
  for (HttpConnection& each : connections_) {
    if (each.deadline && *each.deadline <= now) {
      CHECK(each.state != State::free);
      each.deadline.reset();
      return &each;
    }
  }
  return nullptr;
}

std::optional<MonotonicTime> HttpConnections::next_deadline() const {
  std::optional<MonotonicTime> next;
  for (const HttpConnection& each : connections_) {
    if (each.deadline && (!next || *each.deadline < *next)) next = each.deadline;
  }
  return next;
}

}  // namespace xord
