#include "tools/control/event_stream.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "node/server/socket/control_address.h"
#include "tests/temporary_directory.h"
#include "tests/tools/control/http_node.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

using Kind = EventParser::Kind;

const std::string header =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

TEST(EventParser, TakesOneEventAfterTheOther) {
  EventParser parser;
  EXPECT_EQ(parser.kind(), Kind::unknown);
  EXPECT_TRUE(
      parser.add(header + "retry: 2000\nid: 1\ndata: {\"a\":1}\n\nid: 2\ndata: {}\n\nid: 3"));
  EXPECT_EQ(parser.kind(), Kind::events);
  EXPECT_EQ(parser.take(), "{\"a\":1}");
  EXPECT_EQ(parser.take(), "{}");
  EXPECT_EQ(parser.take(), std::nullopt) << "it has not come whole";
  EXPECT_TRUE(parser.add("\ndata: 3\n\n"));
  EXPECT_EQ(parser.take(), "3");
}

TEST(EventParser, TakesThemInPiecesOfAnySize) {
  const std::string all = header + "id: 1\ndata: {\"b\":2}\n\n: a comment\n\ndata: 7\n\n";
  for (size_t size = 1; size < all.size(); ++size) {
    EventParser parser;
    std::vector<std::string> taken;
    for (size_t at = 0; at < all.size(); at += size) {
      ASSERT_TRUE(parser.add(std::string_view(all).substr(at, size)));
      while (auto data = parser.take()) taken.push_back(*data);
    }
    EXPECT_EQ(taken, (std::vector<std::string>{"{\"b\":2}", "7"})) << size;
  }
}

TEST(EventParser, TellsWhatHasNoEvents) {
  const auto kind_of = [](std::string_view bytes) {
    EventParser parser;
    EXPECT_TRUE(parser.add(bytes));
    EXPECT_EQ(parser.take(), std::nullopt);
    return parser.kind();
  };
  EXPECT_EQ(kind_of("HT"), Kind::unknown);
  EXPECT_EQ(kind_of("HTTP/1.1 200 OK\r\n"), Kind::unknown);
  EXPECT_EQ(kind_of("HTTP/1.1 404 Not Found\r\n\r\n{}"), Kind::older_node);
  EXPECT_EQ(kind_of("{\"error\":\"not a request\",\"code\":2}\n"), Kind::no_http);
  EXPECT_EQ(kind_of("HTTP/1.0 503 Service Unavailable\r\n\r\n"), Kind::refusal);
}

TEST(EventParser, GivesTheSentenceOfARefusal) {
  EventParser parser;
  ASSERT_TRUE(parser.add("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"detail\":\"too ma"));
  EXPECT_EQ(parser.refusal(), "") << "it has not come whole";
  ASSERT_TRUE(parser.add("ny watch it\",\"code\":4}"));
  EXPECT_EQ(parser.refusal(), "too many watch it");
  EventParser other;
  ASSERT_TRUE(other.add("HTTP/1.1 500 No\r\n\r\n{\"detail\":7}"));
  EXPECT_EQ(other.refusal(), "");
}

TEST(EventParser, KeepsABoundedNumberOfBytes) {
  for (const std::string& begin :
       {header, std::string("HTTP/1.1 200 OK\r\nX: "), std::string("HTTP/1.1 500 No\r\n\r\n")}) {
    EventParser parser;
    ASSERT_TRUE(parser.add(begin));
    const std::string piece(1 << 16, 'x');
    int pieces = 0;
    while (pieces < 100 && parser.add(piece)) ++pieces;
    EXPECT_LE(pieces, 16) << begin;
  }
}

TEST(EventParser, AMebibyteIsTheMostThatMayComeBeforeAnEventEnds) {
  EventParser parser;
  ASSERT_TRUE(parser.add(header));
  const std::string begin = "data: ";
  EXPECT_TRUE(parser.add(begin + std::string((1 << 20) - begin.size(), 'x')));
  EXPECT_FALSE(parser.add("x"));
  EXPECT_TRUE(parser.add("\n\n")) << "it has ended";
  EXPECT_EQ(parser.take()->size(), (1 << 20) - begin.size() + 1);
  EXPECT_EQ(parser.take(), std::nullopt);
}

TEST(EventParser, OfTheStatusLineItReadsTheCodeAlone) {
  const auto kind_of = [](const std::string& line) {
    EventParser parser;
    EXPECT_TRUE(parser.add(line + "\r\n\r\n"));
    return parser.kind();
  };
  EXPECT_EQ(kind_of("HTTP/1.0 200 OK"), Kind::events);
  EXPECT_EQ(kind_of("HTTP/1.1 200"), Kind::events);
  EXPECT_EQ(kind_of("HTTP/1.1 404"), Kind::older_node);
  EXPECT_EQ(kind_of("HTTP/1.1 403 200"), Kind::refusal);
  EXPECT_EQ(kind_of("HTTP/1.1 204 No Content"), Kind::refusal);
  EXPECT_EQ(kind_of("HTTP/1."), Kind::refusal) << "no code at all";
  EXPECT_EQ(kind_of("HTTP/2 200"), Kind::no_http);
}

TEST(EventParser, TheLastDataOfAnEventIsTakenAndOneWithoutIsPassedOver) {
  EventParser parser;
  ASSERT_TRUE(parser.add(header + "id: 1\n\ndata: 1\nretry: 5\n\nid: 2\nxdata: 2\n\n"));
  EXPECT_EQ(parser.take(), "1");
  EXPECT_EQ(parser.take(), std::nullopt);
  ASSERT_TRUE(parser.add("data: \n\ndata: 3\ndata: 4\n\n"));
  EXPECT_EQ(parser.take(), "");
  EXPECT_EQ(parser.take(), "4");
}

TEST(EventParser, ARefusalWithoutASentenceIsEmpty) {
  for (const std::string body :
       {"", "[]", "7", "{}", "{\"code\":4}", "[\"detail\"]", "\"detail\""}) {
    EventParser parser;
    ASSERT_TRUE(parser.add("HTTP/1.1 500 No\r\n\r\n" + body));
    EXPECT_EQ(parser.refusal(), "") << body;
  }
}

// The other end of a stream is in the hands of the test.
class EventStreamTest : public testing::Test {
 protected:
  EventStreamTest() : listener_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    const ControlAddress address(directory_.path());
    EXPECT_EQ(bind(listener_, address.address(), address.size()), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    stream_.emplace(NodePlace{directory_.path(), {}, ""});
    node_ = accept(listener_, nullptr, nullptr);
  }
  ~EventStreamTest() override {
    hang_up();
    close(listener_);
  }
  void send(const std::string& text) const {
    EXPECT_EQ(::send(node_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void hang_up() {
    if (node_ >= 0) close(node_);
    node_ = -1;
  }
  std::string failure() {
    try {
      stream_->next(seconds(5));
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ExitCode::environment);
      return failure.what();
    }
    return "";
  }
  std::string on_directory(const std::string& rest) const {
    return "the node on " + directory_.path() + rest;
  }

  TemporaryDirectory directory_;
  const int listener_;
  std::optional<EventStream> stream_;
  int node_ = -1;
};

TEST_F(EventStreamTest, AsksForEventsAndTakesThemAsTheyComeWhole) {
  std::array<char, 1000> request;
  const ssize_t size = recv(node_, request.data(), request.size(), 0);
  EXPECT_EQ(std::string(request.data(), static_cast<size_t>(size)),
            "GET /v1/events HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n"
            "Accept: text/event-stream\r\n\r\n");
  EXPECT_EQ(stream_->next(Duration{}), std::nullopt) << "nothing has come";
  send(header + "data: {\"a\":");
  EXPECT_EQ(stream_->next(seconds(5)), std::nullopt) << "it has not come whole";
  send("1}\n\ndata: {\"b\":2}\n\n");
  EXPECT_EQ(stream_->next(seconds(5)), nlohmann::ordered_json({{"a", 1}}));
  hang_up();
  EXPECT_EQ(stream_->next(Duration{}), nlohmann::ordered_json({{"b", 2}})) << "it came before";
  EXPECT_EQ(failure(), on_directory(" has ended"));
}

TEST_F(EventStreamTest, ItsDescriptorIsReadableOnceThereIsSomething) {
  pollfd waiting{stream_->descriptor(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 0), 0);
  send(header);
  EXPECT_EQ(poll(&waiting, 1, 5'000), 1);
  EXPECT_EQ(stream_->next(Duration{}), std::nullopt) << "a header is no event";
  EXPECT_EQ(poll(&waiting, 1, 0), 0) << "it was read";
}

TEST_F(EventStreamTest, AnEventMayBeNestedThirtyTwoDeepAndNoDeeper) {
  const auto nested = [](size_t depth) {  // With the object that holds it.
    return "data: {\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}\n\n";
  };
  send(header + nested(32) + nested(33));
  EXPECT_TRUE(stream_->next(seconds(5)).has_value());
  EXPECT_EQ(failure(), on_directory(" sends what is not an event; it may be a different version"));
}

TEST_F(EventStreamTest, AnEventThatNeverEndsIsGivenUp) {
  send(header + "data: ");
  const std::string piece(1 << 14, 'x');
  std::string sentence;
  for (int i = 0; i < 100 && sentence.empty(); ++i) {
    send(piece);
    sentence = failure();
  }
  EXPECT_EQ(sentence, on_directory(" sends what is not an event; it may be a different version"));
}

// It learns so at the first bytes, and does not wait for an end.
TEST_F(EventStreamTest, AnOlderNodeIsToldByItsFirstBytes) {
  send("{");
  EXPECT_EQ(
      failure(),
      on_directory(
          " runs an older version of xord, which cannot be watched: restart it with this one"));
}

TEST(EventStreamOfAnAdminPort, AsksAsItsUrlSaysAndNamesIt) {
  const HttpNode node({header + "data: {\"a\":1}\n\n", "SSH-2.0-OpenSSH_9.2\r\n"});
  const NodePlace place = {"", parse_admin_url(node.url()), "0123456789abcdef"};
  EventStream stream(place);
  EXPECT_EQ(stream.next(seconds(5)), nlohmann::ordered_json({{"a", 1}}));
  const auto end_of = [](EventStream& watched) -> std::string {
    try {
      for (int i = 0; i < 100; ++i) EXPECT_EQ(watched.next(seconds(5)), std::nullopt);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  };
  EXPECT_EQ(end_of(stream), "the node at " + node.url() + " has ended");
  EXPECT_EQ(node.requests().at(0), "GET /v1/events HTTP/1.0\r\nHost: " + node.host() +
                                       "\r\nConnection: close\r\nAccept: text/event-stream\r\n"
                                       "Authorization: Bearer 0123456789abcdef\r\n\r\n");
  EventStream stranger(place);
  EXPECT_EQ(end_of(stranger), "what answers at " + node.url() +
                                  " does not speak HTTP; it may not be the node's admin port");
}

TEST_F(EventStreamTest, ARefusalIsReadToItsEnd) {
  send("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"detail\":\"eight ");
  EXPECT_EQ(stream_->next(seconds(5)), std::nullopt);
  send("watch it\"}");
  EXPECT_EQ(stream_->next(seconds(5)), std::nullopt);
  hang_up();
  EXPECT_EQ(failure(), on_directory(" refused: eight watch it"));
}

}  // namespace
}  // namespace xord
