#include "tools/control/http_exchange.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

using State = HttpHead::State;

TEST(HttpExchange, ARequestHasItsFieldsAndItsBody) {
  HttpAsk ask;
  ask.target = "/v1/limits?by=work";
  EXPECT_EQ(request_text(ask, "[::1]:8470", ""),
            "GET /v1/limits?by=work HTTP/1.0\r\nHost: [::1]:8470\r\nConnection: close\r\n"
            "Accept: application/json\r\n\r\n");
  ask = {"POST", "/v1/log-level", "application/json", R"({"level":"off"})"};
  EXPECT_EQ(request_text(ask, "localhost", "0123456789abcdef"),
            "POST /v1/log-level HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n"
            "Accept: application/json\r\nAuthorization: Bearer 0123456789abcdef\r\n"
            "Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"level\":\"off\"}");
}

TEST(HttpExchange, TheHeadOfAnAnswerHasItsStatusAndItsSize) {
  const std::string head = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\r\n";
  const HttpHead read = read_http_head(head + "{}\r\n\r\n");
  EXPECT_EQ(read.state, State::whole);
  EXPECT_EQ(read.status, 503u);
  EXPECT_EQ(read.size, head.size());
  for (size_t size = 0; size < head.size(); ++size) {
    EXPECT_EQ(read_http_head(head.substr(0, size)).state, State::incomplete) << size;
  }
}

TEST(HttpExchange, AStatusThatIsNoneIsZero) {
  const auto status = [](const std::string& line) {
    const HttpHead head = read_http_head(line + "\r\n\r\n999");
    EXPECT_EQ(head.state, State::whole) << line;
    return head.status;
  };
  EXPECT_EQ(status("HTTP/1.0 200"), 200u);
  EXPECT_EQ(status("HTTP/1.1 404 200 OK"), 404u);
  for (const std::string line : {"HTTP/1.", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 OK",
                                 "HTTP/1.1 -20", "HTTP/1.1 2 0 OK", "HTTP/1.1\r\nAge: 1 200"}) {
    EXPECT_EQ(status(line), 0u) << line;
  }
}

TEST(HttpExchange, WhatBeginsOtherwiseIsNotHttp) {
  for (const std::string bytes : {"{", "HTTP/2 200\r\n\r\n", "http/1.1 200", "HTTQ", " HTTP/1.1",
                                  "SSH-2.0-OpenSSH_9.2\r\n"}) {
    EXPECT_EQ(read_http_head(bytes).state, State::not_http) << bytes;
  }
}

TEST(HttpExchange, AHeadMayHave64KiBAndNotMore) {
  const std::string begin = "HTTP/1.1 200 OK\r\nX: ";
  const std::string end = "\r\n\r\n";
  const auto head_of = [&](size_t size) {
    return begin + std::string(size - begin.size() - end.size(), 'x') + end;
  };
  EXPECT_EQ(read_http_head(head_of(65'536)).state, State::whole);
  EXPECT_EQ(read_http_head(head_of(65'536) + "body").size, 65'536u);
  EXPECT_EQ(read_http_head(head_of(65'537)).state, State::not_http);
  EXPECT_EQ(read_http_head(head_of(65'536).substr(0, 65'535)).state, State::incomplete);
}

}  // namespace
}  // namespace xord
