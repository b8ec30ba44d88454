// HTTP/1.0 as far as a command needs it to ask a node: the text of a request, and the header of an
// answer, whose body ends with the connection. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xord {

struct HttpAsk {
  std::string method = "GET";
  std::string target;  // The path and the query, encoded.
  std::string accept = "application/json";
  std::string body;  // JSON; not sent with GET.
};

// `host` is for the field Host; `token` is sent as `Authorization: Bearer` unless it is empty.
std::string request_text(const HttpAsk& ask, const std::string& host, const std::string& token);

struct HttpHead {
  enum class State : uint8_t {
    incomplete,
    whole,
    not_http  // It does not begin as an answer of HTTP/1, or does not end within 64 KiB.
  };

  State state = State::incomplete;
  // When it is whole:
  uint32_t status = 0;  // 0: the first line has no code of three digits.
  size_t size = 0;      // Where the body begins.
};

// Reads the first bytes of an answer.
HttpHead read_http_head(std::string_view bytes);

}  // namespace xord
