// The HTTP server over real connections: what it hands on, its bounds, and clients that mean harm.
#include "node/server/http/http_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>

#include "node/server/http/problem.h"
#include "reactor/base/check.h"
#include "tests/lowered_limit.h"
#include "tests/node/server/http/http_client.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

// A server on a free port and on a Unix socket. Its handler says back what it got; /later is
// answered when the test says so, /stream by the pieces that the test pushes, /large by a MiB,
// /lost not at all.
class HttpServerTest : public testing::Test {
 protected:
  // So long that no client of a test is cut off, however busy the machine.
  HttpServerTest() { start({minutes(10), minutes(10)}); }
  ~HttpServerTest() override {
    if (server) server->stop();
  }

  void start(const HttpTimes& times) {
    if (server) server->stop();
    server.emplace(
        [this](const HttpRequest& request, const HttpReply& reply) { handle(request, reply); },
        times);
    auto tcp = HttpListener::open(Endpoint::ipv4(0x7f000001, 0));
    endpoint = std::get<HttpListener>(tcp).endpoint();
    server->listen(std::get<HttpListener>(std::move(tcp)));
    auto unix_socket = HttpListener::open(path());
    server->listen(std::get<HttpListener>(std::move(unix_socket)));
    ASSERT_FALSE(server->start());
  }
  std::string path() const { return directory.at("admin"); }
  uint64_t count(HttpCount which) const { return server->counters().read(which); }
  bool is_counted(HttpCount which, uint64_t times) {
    return eventually([&] { return count(which) == times; });
  }
  // All that are not 0, for messages of failed expectations.
  std::string counts() const {
    std::string text;
    for (const CountInfo& info : info_of(HttpCount{})) {
      const auto which = static_cast<HttpCount>(&info - info_of(HttpCount{}).data());
      if (count(which) > 0)
        text += std::string(info.name) + "=" + std::to_string(count(which)) + " ";
    }
    return text;
  }
  HttpReply reply_of(size_t which) {
    EXPECT_TRUE(eventually([&] { return waiting_count() > which; }));
    const std::lock_guard lock(mutex);
    return waiting.at(which);
  }
  size_t waiting_count() {
    const std::lock_guard lock(mutex);
    return waiting.size();
  }

  TemporaryDirectory directory;
  std::optional<HttpServer> server;
  Endpoint endpoint;
  std::shared_ptr<HttpStream> stream = std::make_shared<HttpStream>();

 private:
  void handle(const HttpRequest& request, const HttpReply& reply) {
    HttpResponse response;
    response.content_type = "text/plain";
    if (request.path == "/lost") return;
    if (request.path == "/later") {
      const std::lock_guard lock(mutex);
      waiting.push_back(reply);
      return;
    }
    if (request.path == "/stream") response.stream = stream;
    if (request.path == "/large") response.body = std::string(1 << 20, 'x');
    if (request.path == "/echo") {
      response.body = request.method + " " + request.query + " " + request.host + " " +
                      request.origin + " " + request.authorization + " " + request.content_type +
                      " " + request.accept + " " +
                      std::to_string(static_cast<int>(request.source)) + " " +
                      request.local.text() + " " + request.body;
    }
    if (request.path == "/size") response.body = std::to_string(request.body.size());
    reply(std::move(response));
  }

  std::mutex mutex;
  std::vector<HttpReply> waiting;
};

TEST_F(HttpServerTest, ARequestComesWholeAndItsAnswerGoesBack) {
  HttpClient client(endpoint);
  const HttpReceived received = client.ask(
      "POST /echo?a=%20b&c HTTP/1.1\r\nHost: h:1\r\nOrigin: o\r\nAuthorization: Bearer t\r\n"
      "Content-Type: c/t\r\nAccept: a\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(received.status, 200);
  EXPECT_EQ(received.body, "POST a=%20b&c h:1 o Bearer t c/t a 1 127.0.0.1 body");
  EXPECT_EQ(received.fields.at("Content-Type"), "text/plain");
  EXPECT_EQ(received.fields.at("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(received.fields.at("Referrer-Policy"), "no-referrer");
  EXPECT_TRUE(is_counted(HttpCount::answers_ok, 1));
}

TEST_F(HttpServerTest, AConnectionServesOneRequestAfterTheOther) {
  HttpClient client(path());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.get("/echo?" + std::to_string(i)).status, 200);
  client.send("GET /echo?x HTTP/1.1\r\nHost: h\r\n\r\nGET /echo?y HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.answer().body.substr(0, 6), "GET x ");
  EXPECT_EQ(client.answer().body.substr(0, 6), "GET y ");
  EXPECT_EQ(count(HttpCount::connections_accepted), 1u);
  EXPECT_EQ(count(HttpCount::http_requests), 5u);
}

TEST_F(HttpServerTest, TicksOnceASecondAlsoWhenNobodyAsks) {
  std::atomic<int> ticks{0};
  HttpServer ticking([](const HttpRequest&, const HttpReply&) {});
  std::vector<MonotonicTime> at;
  ticking.set_tick([&](MonotonicTime now, HttpCounters& counters) {
    at.push_back(now);
    counters.set(HttpCount::event_streams, 7);
    ++ticks;
  });
  ASSERT_FALSE(ticking.start());
  EXPECT_TRUE(eventually([&] { return ticks >= 3; }));
  ticking.stop();
  EXPECT_EQ(ticking.counters().read(HttpCount::event_streams), 7u);
  EXPECT_GT(at.back() - at.front(), seconds(1)) << "the third comes in the second second at best";
  for (size_t i = 1; i < at.size(); ++i) {
    const int64_t second = at[i - 1].nanoseconds / seconds(1).nanoseconds;
    EXPECT_GE(at[i] - MonotonicTime{}, seconds(second + 1) + milliseconds(500)) << i;
  }
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  HttpClient client(path());
  const HttpReceived head = client.ask("HEAD /large HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields.at("Content-Length"), std::to_string(1 << 20));
  EXPECT_EQ(client.get("/size").body, "0") << "the next answer follows at once";
}

TEST_F(HttpServerTest, TheUnixSocketIsItsOwnersAlone) {
  struct stat status {};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(HttpClient(path()).get("/echo").body.find("GET  localhost    "), 0u);
  server->stop();
  EXPECT_NE(stat(path().c_str(), &status), 0) << "its name goes with it";
}

TEST_F(HttpServerTest, AnAdoptedSocketIsServedFromItsFirstByteOn) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  HttpClient client(pair[0]);
  client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  server->adopt(pair[1]);
  EXPECT_EQ(client.answer().body, "GET  h     0 :: ");
}

// What another thread gives the server just when it looks at what came before is not forgotten.
TEST_F(HttpServerTest, OfManySocketsEachIsServed) {
  for (int i = 0; i < 2000; ++i) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    HttpClient client(pair[0]);
    server->adopt(pair[1]);
    ASSERT_EQ(client.get("/echo").status, 200) << i;
  }
}

// ---- Waits and streams.

TEST_F(HttpServerTest, AnAnswerMayComeLaterFromAnotherThreadAndOthersAreServedMeanwhile) {
  std::vector<HttpClient> patient;
  for (int i = 0; i < 10; ++i) {
    patient.emplace_back(path());
    patient.back().send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    reply_of(static_cast<size_t>(i));
  }
  EXPECT_EQ(HttpClient(endpoint).get("/echo").status, 200);
  for (size_t i = 0; i < patient.size(); ++i) {
    HttpResponse response;
    response.body = std::to_string(i);
    reply_of(i)(response);
    reply_of(i)(problem(500, "a second answer"));
    EXPECT_EQ(patient[i].answer().body, std::to_string(i));
  }
}

TEST_F(HttpServerTest, AnAnswerToAClientThatHasLeftIsDropped) {
  {
    HttpClient client(path());
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    reply_of(0);
  }
  HttpResponse response;
  response.body = std::string(1 << 20, 'x');
  reply_of(0)(response);
  EXPECT_TRUE(is_counted(HttpCount::connections, 0));
  EXPECT_EQ(HttpClient(path()).get("/large").status, 200) << "its memory is free again";
}

TEST_F(HttpServerTest, WhatTheHandlerForgetsIs500) {
  EXPECT_EQ(HttpClient(path()).get("/lost").status, 500);
  EXPECT_TRUE(is_counted(HttpCount::answers_failed, 1));
}

TEST_F(HttpServerTest, AStreamSendsWhatIsPushedUntilItEnds) {
  HttpClient client(path());
  client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n").substr(0, 12), "HTTP/1.1 200");
  for (const char* piece : {"one\n", "two\n", "three\n"}) {
    EXPECT_TRUE(stream->push(piece));
    EXPECT_TRUE(client.read_until(piece).ends_with(piece));
  }
  stream->end();
  EXPECT_EQ(client.read_until("0\r\n\r\n").substr(0, 2), "\r\n") << "the last chunk";
}

TEST_F(HttpServerTest, AStreamsClientThatLeavesEndsIt) {
  {
    HttpClient client(path());
    client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    client.read_until("\r\n\r\n");
  }
  EXPECT_TRUE(eventually([&] {
    stream->push("x");
    return stream->is_over();
  }));
}

TEST_F(HttpServerTest, AStreamThatIsNotReadHoldsItsBoundAndNoMore) {
  HttpClient client(endpoint);
  client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  client.read_until("\r\n\r\n");
  const std::string piece(http_stream_max / 4, 'x');
  uint64_t dropped = 0;
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 100; ++i) dropped += !stream->push(piece);
    return dropped > 1000;
  }));
  EXPECT_FALSE(stream->is_over());
}

// ---- Bounds.

TEST_F(HttpServerTest, AHeaderMayHaveSixteenKibibytes) {
  const auto status_of = [&](size_t size) {
    std::string request = "GET /size HTTP/1.1\r\nHost: h\r\nX-Long: ";
    request += std::string(size - request.size() - 4, 'x') + "\r\n\r\n";
    CHECK(request.size() == size);
    return HttpClient(path()).ask(request).status;
  };
  EXPECT_EQ(status_of(http_header_max), 200);
  EXPECT_EQ(status_of(http_header_max + 1), 431);
  EXPECT_EQ(count(HttpCount::requests_header_long), 1u);
  EXPECT_EQ(status_of(http_pool_bytes * 2), 431) << "the library's own refusal";
  EXPECT_TRUE(is_counted(HttpCount::requests_broken, 1));
}

TEST_F(HttpServerTest, ManyFieldsAreAHeaderThatIsTooLong) {
  std::string request = "GET /size HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 2000; ++i) request += "X" + std::to_string(i) + ": x\r\n";
  EXPECT_EQ(HttpClient(path()).ask(request + "\r\n").status, 431);
}

TEST_F(HttpServerTest, ATargetThatIsTooLongIsRefused) {
  const int status = HttpClient(path()).get("/" + std::string(http_pool_bytes, 'x')).status;
  EXPECT_TRUE(status == 414 || status == 431) << status;
}

TEST_F(HttpServerTest, ABodyMayHaveSixtyFourKibibytes) {
  const auto ask = [&](size_t size) {
    return HttpClient(path()).change("POST", "/size", std::string(size, 'x'));
  };
  EXPECT_EQ(ask(http_body_max).body, std::to_string(http_body_max));
  const HttpReceived refused = ask(http_body_max + 1);
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.json().at("code"), 2);
  EXPECT_EQ(count(HttpCount::requests_body_long), 1u);
}

TEST_F(HttpServerTest, ABodyInChunksHasTheSameBound) {
  const auto ask = [&](size_t size) {
    std::string request = "POST /size HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (size_t sent = 0; sent < size; sent += 1000) {
      request += "3e8\r\n" + std::string(1000, 'x') + "\r\n";
    }
    return HttpClient(path()).ask(request + "0\r\n\r\n");
  };
  EXPECT_EQ(ask(65'000).body, "65000");
  EXPECT_EQ(ask(66'000).status, 413);
  EXPECT_EQ(count(HttpCount::requests_body_long), 1u);
}

TEST_F(HttpServerTest, AfterABodyOfOneByteTooManyTheConnectionGoesOn) {
  HttpClient client(path());
  std::string request = "POST /size HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (size_t sent = 0; sent < http_body_max; sent += 1024) {
    request += "400\r\n" + std::string(1024, 'x') + "\r\n";
  }
  EXPECT_EQ(client.ask(request + "1\r\nx\r\n0\r\n\r\n").status, 413);
  EXPECT_EQ(client.get("/echo").status, 200);
  EXPECT_EQ(client.ask(request + "0\r\n\r\n").body, "65536");
}

// Somewhat more is read, so that a client that sends first sees why it is refused; not everything.
TEST_F(HttpServerTest, OfABodyThatIsTooLongAMebibyteIsDroppedAndThenTheConnection) {
  const std::string begin = "POST /size HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = "1000\r\n" + std::string(4096, 'x') + "\r\n";
  HttpClient patient(path());
  ASSERT_TRUE(patient.send(begin));
  for (int sent = 0; sent < 1 << 20; sent += 4096) ASSERT_TRUE(patient.send(chunk)) << sent;
  const HttpReceived refused = patient.ask("0\r\n\r\n");
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.json().at("detail"),
            "the body of a request has at most 65536 bytes: send fewer");
  EXPECT_EQ(patient.get("/echo").status, 200) << "the connection goes on";
  HttpClient endless(path());
  endless.send(begin);
  int sent = 0;
  while (sent < 8 << 20 && endless.send(chunk)) sent += 4096;
  EXPECT_LT(sent, 4 << 20) << "what a socket holds is added to it";
  EXPECT_EQ(count(HttpCount::requests_body_long), 2u) << "once for each";
}

TEST_F(HttpServerTest, AnswersAreCountedByTheirStatus) {
  EXPECT_EQ(HttpClient(path()).get("/echo").status, 200);
  EXPECT_EQ(HttpClient(path()).get("/lost").status, 500);
  EXPECT_EQ(HttpClient(path()).change("POST", "/size", std::string(http_body_max + 1, 'x')).status,
            413);
  EXPECT_TRUE(is_counted(HttpCount::answers_ok, 1)) << counts();
  EXPECT_TRUE(is_counted(HttpCount::answers_failed, 1)) << counts();
  EXPECT_TRUE(is_counted(HttpCount::answers_refused, 1)) << counts();
  EXPECT_EQ(count(HttpCount::http_requests), 2u) << "one was refused before it had come";
  EXPECT_EQ(count(HttpCount::connections_accepted), 3u);
  EXPECT_TRUE(is_counted(HttpCount::connections, 0)) << counts();
  EXPECT_EQ(count(HttpCount::requests_broken), 0u) << "a client may leave between requests";
}

TEST_F(HttpServerTest, WhatWasRefusedForItsLengthSaysHowMuchThereMayBe) {
  const std::string header =
      "GET /size HTTP/1.1\r\nHost: h\r\nX-Long: " + std::string(http_header_max, 'x') + "\r\n\r\n";
  EXPECT_EQ(HttpClient(path()).ask(header).json().at("detail"),
            "the header of a request has at most 16384 bytes: send fewer");
}

TEST_F(HttpServerTest, AnAddressHasItsShareOfTheConnections) {
  std::vector<HttpClient> clients;
  for (uint32_t i = 0; i < http_connections_an_address; ++i) clients.emplace_back(endpoint);
  for (HttpClient& client : clients) EXPECT_EQ(client.get("/echo").status, 200);
  const HttpReceived refused = HttpClient(endpoint).answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.fields.at("Content-Type"), "application/problem+json");
  EXPECT_EQ(refused.json().at("status"), 503);
  EXPECT_EQ(refused.json().at("detail"),
            "this address has as many connections as one may have: close some");
  EXPECT_EQ(refused.fields.at("Connection"), "close");
  EXPECT_EQ(count(HttpCount::connections_refused_by_address), 1u);
  EXPECT_EQ(HttpClient(path()).get("/echo").status, 200) << "Unix sockets have places of their own";
  clients.pop_back();
  EXPECT_TRUE(eventually([&] { return HttpClient(endpoint).get("/echo").status == 200; }));
}

TEST_F(HttpServerTest, AnswersThatAreNotReadHaveTheirBoundTogether) {
  std::vector<HttpClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(path());
    clients.back().send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  EXPECT_TRUE(is_counted(HttpCount::answers_shed, 3)) << count(HttpCount::answers_shed);
  int shed = 0;
  for (HttpClient& client : clients) {
    const HttpReceived received = client.answer();
    if (received.status == 200) continue;
    EXPECT_EQ(received.status, 503);
    EXPECT_EQ(received.fields.at("Retry-After"), "1");
    ++shed;
  }
  EXPECT_EQ(shed, 3);
  EXPECT_TRUE(eventually([&] { return HttpClient(path()).get("/large").status == 200; }));
}

TEST_F(HttpServerTest, WithoutDescriptorsItWaitsAndThenServes) {
  HttpClient first(path());
  EXPECT_EQ(first.get("/echo").status, 200);
  std::optional<HttpClient> second;
  {
    // Descriptors up to the highest in use may be opened: the client's, and then none.
    const int highest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(highest);
    const LoweredLimit none(RLIMIT_NOFILE, static_cast<rlim_t>(highest) + 1);
    second.emplace(path());
    ASSERT_TRUE(second->is_connected());
    second->send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(first.get("/echo").status, 200);
  }
  EXPECT_EQ(second->answer().status, 200);
}

// ---- Clients that mean harm.

// Sends `bytes` again and again until the connection ends, or 64 MiB were sent.
size_t pour(HttpClient& client, const std::string& begin, const std::string& bytes) {
  size_t sent = 0;
  bool is_open = client.send(begin);
  while (is_open && sent < (64 << 20)) {
    is_open = client.send(bytes);
    sent += bytes.size();
  }
  return sent;
}

TEST_F(HttpServerTest, WhatDoesNotEndIsCutOff) {
  const std::string chunked =
      "POST /size HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string much(4096, 'x');
  const std::string chunk = "1000\r\n" + much + "\r\n";
  struct Flood {
    const char* what;
    std::string begin;
    std::string bytes;
  };
  for (const Flood& flood : {
           Flood{"a header line", "GET / HTTP/1.1\r\nHost: h\r\nX: ", much},
           Flood{"header lines", "GET / HTTP/1.1\r\n", "X: " + much + "\r\n"},
           Flood{"a target", "GET /", much},
           Flood{"a method", "", much},
           Flood{"empty lines", "", std::string(4096, '\n')},
           Flood{"chunks", chunked, chunk},
           Flood{"a chunk", chunked + "ffffffffff\r\n", much},
           Flood{"trailers", chunked + "0\r\n", "X: " + much + "\r\n"},
           Flood{"a body beyond its length",
                 "POST /size HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n", much},
       }) {
    HttpClient client(endpoint);
    const size_t sent = pour(client, flood.begin, flood.bytes);
    EXPECT_LT(sent, size_t{64} << 20) << flood.what;
    EXPECT_EQ(HttpClient(endpoint).get("/echo").status, 200) << "after " << flood.what;
  }
}

// One says nothing, two send a byte now and then, two never end a chunk's header.
TEST_F(HttpServerTest, SlowClientsLoseTheirPlacesWhenTheirTimeIsOver) {
  start({milliseconds(200), minutes(10)});
  HttpClient silent(endpoint);
  HttpClient dripping(endpoint);
  HttpClient dripping_body(endpoint);
  HttpClient stuck(endpoint);
  HttpClient stuck_too(endpoint);
  const std::string chunked =
      "POST /size HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  dripping.send("GET /size HTTP/1.1\r\nHost: h\r\nX: ");
  dripping_body.send("POST /size HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
  stuck.send(chunked + "1;" + std::string(30'000, 'x'));
  stuck_too.send(chunked + std::string(30'000, '0'));
  EXPECT_TRUE(eventually([&] {
    for (HttpClient* each : {&dripping, &dripping_body}) {
      if (!each->is_ended()) each->send("x");
    }
    return silent.is_ended() && dripping.is_ended() && dripping_body.is_ended() &&
           stuck.is_ended() && stuck_too.is_ended();
  }));
  EXPECT_TRUE(is_counted(HttpCount::requests_slow, 5)) << counts();
  EXPECT_TRUE(is_counted(HttpCount::connections, 0)) << counts();
}

TEST_F(HttpServerTest, AnAnswerThatIsNotReadAndAnIdleConnectionEnd) {
  start({minutes(10), milliseconds(200)});
  HttpClient idle(endpoint);
  EXPECT_EQ(idle.get("/echo").status, 200);
  HttpClient deaf(path());  // A Unix socket holds less than a MiB for it.
  deaf.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(is_counted(HttpCount::requests_slow, 1)) << counts();
  EXPECT_TRUE(is_counted(HttpCount::connections, 0)) << counts();
  EXPECT_TRUE(idle.is_ended());
  EXPECT_LT(deaf.answer().body.size(), size_t{1} << 20);
}

uint64_t resident_bytes() {
  uint64_t pages = 0;
  uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// `before`: what was resident without connections.
void expect_within_bound([[maybe_unused]] uint64_t before) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // They keep what is freed.
  const uint64_t after = resident_bytes();
  EXPECT_LE(after - std::min(before, after), http_memory_max);
#endif
}

// All connections that there may be, each with as much as it may hold: a body that lacks its last
// byte, after a header of the greatest length.
TEST_F(HttpServerTest, AtItsBoundItHoldsEightMebibytes) {
  HttpClient(path()).get("/large");
  ASSERT_TRUE(is_counted(HttpCount::connections, 0));
  const uint64_t before = resident_bytes();
  std::string request = "POST /size HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\nX: ";
  request += std::string(http_header_max - request.size() - 4, 'x') + "\r\n\r\n";
  request += std::string(http_body_max - 1, 'y');
  std::vector<HttpClient> clients;
  for (uint32_t i = 0; i < http_connections_max; ++i) {
    const uint32_t share = i / http_connections_an_address;
    if (share == 0) {
      clients.emplace_back(path());
    } else {
      clients.emplace_back(endpoint, IpAddress::ipv4(0x7f000000 + share));
    }
    ASSERT_TRUE(clients.back().send(request)) << i;
  }
  ASSERT_TRUE(is_counted(HttpCount::connections, http_connections_max)) << counts();
  const HttpReceived refused = HttpClient(endpoint, IpAddress::ipv4(0x7f000063)).answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.json().at("detail"),
            "the node has as many connections as it serves: try again later");
  EXPECT_EQ(count(HttpCount::connections_refused), 1u);
  expect_within_bound(before);
  for (HttpClient& client : clients) EXPECT_EQ(client.ask("z").body, "65536");
}

TEST_F(HttpServerTest, TenThousandConnectionsAreRefusedOneByOne) {
  rlimit files{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const auto room = std::min<rlim_t>(files.rlim_cur, 4096) - 256;  // Held open at one time.
  const uint64_t before = resident_bytes();
  std::deque<HttpClient> held;
  for (int i = 0; i < 10'000; ++i) {
    if (held.size() == room) held.pop_front();
    held.emplace_back(endpoint);
    ASSERT_TRUE(held.back().is_connected()) << i;
  }
  EXPECT_EQ(HttpClient(path()).get("/echo").status, 200) << "while they last";
  held.clear();
  EXPECT_TRUE(eventually([&] { return HttpClient(endpoint).get("/echo").status == 200; }));
  EXPECT_GE(count(HttpCount::connections_refused_by_address), 9'000u);
  expect_within_bound(before);
}

TEST_F(HttpServerTest, WhatIsNotHttpEndsItsConnectionAndNoOther) {
  for (const std::string& bytes :
       {std::string("GET\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nNo colon\r\n\r\n"),
        std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 13),
        std::string("{\"command\": \"stats\"}\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("POST /size HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n"),
        std::string("POST /size HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"),
        std::string(
            "POST /size HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    HttpClient client(path());
    client.send(bytes);
    client.shut();
    const int status = client.answer().status;
    EXPECT_TRUE(status == 0 || (status >= 400 && status <= 505)) << bytes << ": " << status;
    EXPECT_EQ(HttpClient(path()).get("/echo").status, 200) << bytes;
  }
  EXPECT_TRUE(is_counted(HttpCount::requests_broken, 9)) << counts();
}

// ---- Start and end.

TEST_F(HttpServerTest, AStopAnswersWhatWaitsAndEndsStreams) {
  HttpClient asking(path());
  asking.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  const HttpReply late = reply_of(0);
  HttpClient streaming(endpoint);
  streaming.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  streaming.read_until("\r\n\r\n");
  HttpClient idle(endpoint);
  idle.get("/echo");
  server->stop();
  const HttpReceived stopping = asking.answer();
  EXPECT_EQ(stopping.status, 503);
  EXPECT_EQ(stopping.json().at("detail"), "the node is stopping");
  EXPECT_EQ(stopping.json().at("code"), 1);
  EXPECT_EQ(streaming.read_until("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_TRUE(idle.is_ended());
  EXPECT_TRUE(stream->is_over());
  EXPECT_FALSE(HttpClient(endpoint).is_connected());
  late({});  // Dropped.
  server.reset();
  late({});
}

TEST_F(HttpServerTest, APortOrAPathThatIsTakenIsRefusedWithASentence) {
  const auto tcp = HttpListener::open(endpoint);
  ASSERT_TRUE(std::holds_alternative<IoError>(tcp));
  EXPECT_EQ(std::get<IoError>(tcp).error_number, EADDRINUSE);
  EXPECT_NE(std::get<IoError>(tcp).sentence.find(endpoint.text()), std::string::npos);
  const auto unix_socket = HttpListener::open(path());
  ASSERT_TRUE(std::holds_alternative<IoError>(unix_socket));
  EXPECT_EQ(std::get<IoError>(unix_socket).error_number, EADDRINUSE);
  EXPECT_EQ(HttpClient(path()).get("/echo").status, 200) << "the one that has it keeps it";
}

TEST_F(HttpServerTest, ASocketThatADeadProcessLeftIsReplacedAndAFileIsNot) {
  const std::string dead = directory.at("dead");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, dead.c_str(), sizeof address.sun_path - 1);
  const int left = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  close(left);
  EXPECT_TRUE(std::holds_alternative<HttpListener>(HttpListener::open(dead)));
  const std::string file = directory.at("file");
  std::ofstream(file) << "mine";
  EXPECT_TRUE(std::holds_alternative<IoError>(HttpListener::open(file)));
  EXPECT_EQ(std::filesystem::file_size(file), 4u);
  EXPECT_TRUE(std::holds_alternative<IoError>(HttpListener::open(std::string(200, 'x'))));
  EXPECT_TRUE(std::holds_alternative<IoError>(HttpListener::open(std::string())));
}

TEST_F(HttpServerTest, WithoutAThreadItDoesNotStart) {
  as_nobody_else([] {
    HttpServer none([](const HttpRequest&, const HttpReply&) {});
    {
      const LoweredLimit no_threads(RLIMIT_NPROC, 0);
      const auto error = none.start();
      ASSERT_TRUE(error);
      EXPECT_EQ(error->sentence.rfind("cannot start a thread: ", 0), 0u) << error->sentence;
    }
    EXPECT_FALSE(none.start());
  });
}

}  // namespace
}  // namespace xord
