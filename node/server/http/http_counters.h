// What the HTTP server and the rules in front of the API count. Written by the thread xord-http
// alone, readable from any (reactor/base/counters.h); the names are the metric names.
#pragma once

#include <cstdint>
#include <iterator>
#include <span>

#include "reactor/base/counters.h"

namespace xord {

#define XORD_HTTP_COUNTERS(X)                                                                      \
  X(connections, gauge, "Open connections.")                                                       \
  X(connections_accepted, counter, "Connections that were served.")                                \
  X(connections_refused, counter, "Connections refused: as many as are allowed were open.")        \
  X(connections_refused_by_address, counter,                                                       \
    "Connections refused: their address had as many as one may have.")                             \
  X(http_requests, counter, "Requests that came whole and were handed to the API.")                \
  X(requests_broken, counter,                                                                      \
    "Connections that ended before a whole request had come: not HTTP, or the client left.")       \
  X(requests_slow, counter,                                                                        \
    "Connections closed because the client took too long to ask or to read the answer.")           \
  X(requests_header_long, counter, "Requests refused: too many bytes of header fields.")           \
  X(requests_body_long, counter, "Requests refused: too many bytes of body.")                      \
  X(requests_wrong_host, counter, "Requests refused: Host is not a name or address of this node.") \
  X(requests_wrong_origin, counter, "Requests refused: sent by a page of another origin.")         \
  X(requests_unauthorized, counter, "Requests refused: without the right to read or to change.")   \
  X(requests_wrong_type, counter, "Requests refused: a change that is not sent as JSON.")          \
  X(requests_unknown, counter, "Requests refused: no such path, or not by that method.")           \
  X(answers_shed, counter, "Answers replaced by 503: those in progress had all of the memory.")    \
  X(event_streams, gauge, "Readers of events.")                                                    \
  X(events_refused, counter, "Readers refused: there were as many as are served.")                 \
  X(events_lost, counter, "Events that a reader lost because it was slow.")                        \
  X(answers_ok, counter, "Answers of status 200 to 399.")                                          \
  X(answers_refused, counter, "Answers of status 400 to 499.")                                     \
  X(answers_failed, counter, "Answers of status 500 to 599.")

enum class HttpCount : uint8_t { XORD_HTTP_COUNTERS(XORD_COUNT_ENUMERATOR) count };

// In the order of the enum.
inline std::span<const CountInfo> info_of(HttpCount) {
  static constexpr CountInfo infos[] = {XORD_HTTP_COUNTERS(XORD_COUNT_INFO)};
  static_assert(std::size(infos) == static_cast<size_t>(HttpCount::count));
  return infos;
}

using HttpCounters = Counters<HttpCount>;

}  // namespace xord
