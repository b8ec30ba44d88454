#include "tools/control/event_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "reactor/base/check.h"
#include "reactor/base/nesting.h"
#include "reactor/monotonic.h"
#include "tools/cli/failure.h"
#include "tools/cli/units.h"
#include "tools/control/admin_socket.h"
#include "tools/control/http_exchange.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t event_bytes_max = 1 << 20;  // With 64 shards and ten log lines it has some 30 KB.
constexpr size_t event_nesting_max = 32;
constexpr Duration silence_max = seconds(10);

[[noreturn]] void fail(const std::string& sentence) {
  throw Failure(ExitCode::environment, sentence);
}

}  // namespace

bool EventParser::add(std::string_view bytes) {
  bytes_ += bytes;
  if (kind_ == Kind::unknown) read_header();
  if (bytes_.size() <= event_bytes_max) return true;
  return kind_ == Kind::events && bytes_.find("\n\n") != std::string::npos;
}

void EventParser::read_header() {
  CHECK(kind_ == Kind::unknown);
  const HttpHead head = read_http_head(bytes_);
  if (head.state == HttpHead::State::not_http) kind_ = Kind::no_http;
  if (head.state != HttpHead::State::whole) return;
  bytes_.erase(0, head.size);
  kind_ = head.status == 200 ? Kind::events : head.status == 404 ? Kind::older_node : Kind::refusal;
}

// An event ends with an empty line. Ours have their data in one line, whatever other fields there
// are.
std::optional<std::string> EventParser::take() {
  constexpr std::string_view field = "data: ";
  while (kind_ == Kind::events) {
    const size_t end = bytes_.find("\n\n");
    if (end == std::string::npos) break;
    std::optional<std::string> data;
    for (size_t at = 0; at < end;) {
      const size_t line_end = std::min(bytes_.find('\n', at), end);
      if (bytes_.compare(at, field.size(), field) == 0) {
        data = bytes_.substr(at + field.size(), line_end - at - field.size());
      }
      at = line_end + 1;
    }
    bytes_.erase(0, end + 2);
    DCHECK(!data || data->find('\n') == std::string::npos);
    if (data) return data;
  }
  return std::nullopt;
}

std::string EventParser::refusal() const {
  CHECK(kind_ == Kind::refusal);
  const Json problem = Json::parse(bytes_, nullptr, false);
  if (!problem.is_object() || !problem.contains("detail")) return "";
  const Json& detail = problem["detail"];
  return detail.is_string() ? detail.get<std::string>() : "";
}

EventStream::EventStream(const NodePlace& place)
    : place_(place),
      socket_(connect_to_http(place, Deadline(silence_max))),
      heard_at_(monotonic_time()) {
  HttpAsk ask;
  ask.target = "/v1/events";
  ask.accept = "text/event-stream";
  const std::string host = place.admin ? place.admin->host_field() : "localhost";
  socket_.send(request_text(ask, host, place.token));
}

std::optional<Json> EventStream::next(Duration longest) {
  CHECK(longest >= Duration{});
  if (auto event = parse_next()) return event;
  if (monotonic_time() - heard_at_ > silence_max) {
    fail(place_.text() + " has sent nothing for " + show_duration(silence_max) +
         "; its host may be overloaded");
  }
  pollfd waiting{descriptor(), POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(longest.whole_milliseconds())) <= 0) return std::nullopt;
  char piece[65536];
  const ssize_t size = recv(descriptor(), piece, sizeof piece, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (size <= 0) explain_end();
  heard_at_ = monotonic_time();
  if (!parser_.add({piece, static_cast<size_t>(size)})) {
    fail(place_.text() + " sends what is not an event; it may be a different version");
  }
  const auto kind = parser_.kind();
  if (kind == EventParser::Kind::older_node || kind == EventParser::Kind::no_http) explain_end();
  return parse_next();
}

std::optional<Json> EventStream::parse_next() {
  const auto data = parser_.take();
  if (!data) return std::nullopt;
  const bool is_deep =
      line_nested_deeper_than(event_nesting_max, NestedText::json, *data).has_value();
  Json event = is_deep ? Json() : Json::parse(*data, nullptr, false);
  if (event.is_object()) return event;
  fail(place_.text() + " sends what is not an event; it may be a different version");
}

void EventStream::explain_end() const {
  switch (parser_.kind()) {
    case EventParser::Kind::no_http:
      if (place_.admin) fail_not_http(*place_.admin);
      [[fallthrough]];
    case EventParser::Kind::older_node:
      fail(place_.text() +
           " runs an older version of xord, which cannot be watched: restart it with this one");
    case EventParser::Kind::refusal: {
      const std::string why = parser_.refusal();
      fail(place_.text() + " refused" + (why.empty() ? "" : ": " + why));
    }
    case EventParser::Kind::unknown:
    case EventParser::Kind::events:
      break;
  }
  fail(place_.text() + " has ended");
}

}  // namespace xord
