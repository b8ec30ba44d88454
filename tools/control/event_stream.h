// The events of a running node (GET /v1/events, docs/ADMIN.md), over its control socket or its
// admin port: one a second, each one line of JSON. HTTP/1.0, so that the answer comes as it is and
// ends with the connection.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "reactor/base/instant.h"
#include "tools/control/node_place.h"
#include "tools/control/node_socket.h"

namespace xord {

// Takes the events out of the bytes of an HTTP answer, of which it keeps at most 1 MiB. Pure.
class EventParser {
 public:
  enum class Kind : uint8_t {
    unknown,  // The header has not come whole.
    events,
    refusal,     // An error of the API.
    older_node,  // No such path.
    no_http      // On a control socket: an older node, which takes the request for a command.
  };

  // False: more bytes without an end of an event than an event may have.
  [[nodiscard]] bool add(std::string_view bytes);
  // The "data" of the next event; empty if none has come whole.
  std::optional<std::string> take();

  Kind kind() const { return kind_; }
  // The sentence of a refusal, as far as it has come; empty if there is none.
  std::string refusal() const;

 private:
  void read_header();

  Kind kind_ = Kind::unknown;
  std::string bytes_;  // Not taken yet.
};

class EventStream {
 public:
  // Asks the node at `place` for its events. Failure: as connect_to_http().
  explicit EventStream(const NodePlace& place);

  // Is readable when next() has something to do.
  int descriptor() const { return socket_.descriptor(); }
  // Waits at most `longest`; empty: there was no whole event by then, or a signal came. Failure
  // (environment): the node refused, has no events, sends what is none, ended, or was silent for
  // ten seconds.
  std::optional<nlohmann::ordered_json> next(Duration longest);

 private:
  std::optional<nlohmann::ordered_json> parse_next();
  [[noreturn]] void explain_end() const;

  const NodePlace place_;
  const NodeSocket socket_;
  EventParser parser_;
  MonotonicTime heard_at_;
};

}  // namespace xord
