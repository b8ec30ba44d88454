// HttpConnections: which connections the HTTP server has, what each is doing, and until when it may
// do it. It decides who is admitted and who has taken too long; it does no I/O and reads no clock.
// A client that sends or reads a byte now and then is closed like one that does nothing.
//
// Bounds: http_connections_max in all, http_connections_an_address of one address: an IPv4 address,
// a /64 of IPv6, or all Unix sockets together, which have that many places of their own, so that
// clients over TCP cannot lock out this host's operator.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "node/server/http/http_counters.h"
#include "node/server/http/http_message.h"
#include "reactor/base/instant.h"

namespace xord {

constexpr uint32_t http_connections_max = 64;
constexpr uint32_t http_connections_an_address = 16;

struct HttpTimes {
  // From the connection, or from its first line if it had requests before, to the end of a request.
  Duration request = seconds(10);
  // To read an answer, and between requests. A stream may take longer, but not without reading.
  Duration idle = seconds(60);
};

struct HttpPeer {
  HttpSource source = HttpSource::other;
  IpAddress address;  // TCP only, and so is the next.
  IpAddress local;
};

struct HttpConnection {
  enum class State : uint8_t {
    free,
    reading,  // A request is awaited or arrives.
    served,   // Its request is with the handler, which has bounds of its own.
    sending,  // The answer is being sent.
    idle,     // Between requests.
  };

  State state = State::free;
  int socket = -1;
  HttpPeer peer;
  std::string target;  // Of the request that is being read: path and query as sent.
  std::optional<MonotonicTime> deadline;
};

class HttpConnections {
 public:
  explicit HttpConnections(HttpTimes times) : times_(times) {}

  // A connection in state reading; null and *refused_as if there is no place for it. Stays valid
  // until it is released.
  HttpConnection* admit(const HttpPeer& peer, int socket, MonotonicTime now, HttpCount* refused_as);
  void release(HttpConnection* connection);

  // Its next request begins: the first line is there.
  void begin_request(HttpConnection* connection, std::string target, MonotonicTime now);
  void serve(HttpConnection* connection);
  // Its answer begins. A stream has no deadline.
  void begin_answer(HttpConnection* connection, bool is_stream, MonotonicTime now);
  void end_answer(HttpConnection* connection, MonotonicTime now);

  // One whose time is over, which it then no longer has; null if there is none.
  HttpConnection* take_expired(MonotonicTime now);
  std::optional<MonotonicTime> next_deadline() const;
  uint32_t count() const { return count_; }

 private:
  uint32_t count_of(const HttpPeer& peer) const;

  const HttpTimes times_;
  std::array<HttpConnection, http_connections_max> connections_;
  uint32_t count_ = 0;
  uint32_t unix_count_ = 0;
};

}  // namespace xord
