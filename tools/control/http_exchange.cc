#include "tools/control/http_exchange.h"

#include <algorithm>
#include <charconv>

#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr size_t head_bytes_max = 64 << 10;

// Of "HTTP/1.1 200 OK".
uint32_t status_in(std::string_view line) {
  constexpr size_t begin = std::string_view("HTTP/1.1 ").size();
  constexpr size_t digits = 3;
  if (line.size() < begin + digits) return 0;
  uint32_t status = 0;
  const char* first = line.data() + begin;
  const auto [end, error] = std::from_chars(first, first + digits, status);
  return error == std::errc{} && end == first + digits ? status : 0;
}

}  // namespace

std::string request_text(const HttpAsk& ask, const std::string& host, const std::string& token) {
  const bool has_body = ask.method != "GET";
  CHECK(ask.target.starts_with('/') && !host.empty() && (has_body || ask.body.empty()));
  std::string text = ask.method + " " + ask.target + " HTTP/1.0\r\nHost: " + host +
                     "\r\nConnection: close\r\nAccept: " + ask.accept + "\r\n";
  if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
  if (has_body) {
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(ask.body.size()) +
            "\r\n";
  }
  return text + "\r\n" + ask.body;
}

HttpHead read_http_head(std::string_view bytes) {
  constexpr std::string_view begin = "HTTP/1.";
  constexpr std::string_view end = "\r\n\r\n";
  HttpHead head;
  const size_t compared = std::min(bytes.size(), begin.size());
  const size_t at = bytes.substr(0, head_bytes_max).find(end);
  if (bytes.substr(0, compared) != begin.substr(0, compared) ||
      (at == bytes.npos && bytes.size() >= head_bytes_max)) {
    head.state = HttpHead::State::not_http;
    return head;
  }
  if (at == bytes.npos) return head;
  head.state = HttpHead::State::whole;
  head.status = status_in(bytes.substr(0, std::min(bytes.find("\r\n"), at)));
  head.size = at + end.size();
  CHECK(head.size <= bytes.size());
  return head;
}

}  // namespace xord
