// A request as the HTTP server hands it on, and its answer: plain values. Nothing here does I/O or
// knows a route. Bounds: a request's line and header fields together have at most http_header_max
// bytes and its body http_body_max; HttpServer refuses more.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/server/http/http_counters.h"
#include "node/server/http/http_stream.h"
#include "reactor/base/endpoint.h"

namespace xord {

constexpr size_t http_header_max = 16 << 10;
constexpr size_t http_body_max = 64 << 10;

// What a connection came over: a Unix socket, whose file says who may open it; TCP from this host;
// TCP from elsewhere.
enum class HttpSource : uint8_t { unix_socket, loopback, other };

struct HttpRequest {
  std::string method;  // As sent: "GET".
  std::string path;    // As sent: percent-encoded, up to the question mark.
  std::string query;   // As sent, after the question mark.
  // Header fields; empty if absent.
  std::string host;
  std::string origin;
  std::string authorization;
  std::string content_type;
  std::string accept;
  std::string if_none_match;
  std::string body;
  HttpSource source = HttpSource::other;
  IpAddress local;  // The address of this host that the client connected to; TCP only.
  // Of a path like /v1/records/{id}: the decoded text of each {name}. The router fills it in.
  std::map<std::string, std::string, std::less<>> parts;
};

struct HttpField {
  std::string name;
  std::string value;

  bool operator==(const HttpField&) const = default;
};

struct HttpResponse {
  uint16_t status = 200;
  std::string content_type = "application/json";
  std::vector<HttpField> fields;  // Further header fields.
  std::string body;
  // Set: the body is whatever is pushed into it, until it ends; `body` is not sent.
  std::shared_ptr<HttpStream> stream;
  // A refusal is counted as this, besides by its status.
  std::optional<HttpCount> refused_as;
};

// Answers a request: called once, by any thread. A reply that is destroyed uncalled answers 500.
using HttpReply = std::function<void(HttpResponse)>;

}  // namespace xord
