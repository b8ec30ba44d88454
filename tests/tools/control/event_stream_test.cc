#include "tools/control/event_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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
  EXPECT_EQ(kind_of("{\"error\":\"not a request\",\"code\":2}\n"), Kind::older_node);
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

}  // namespace
}  // namespace xord
