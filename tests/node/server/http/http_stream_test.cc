#include "node/server/http/http_stream.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

class HttpStreamTest : public testing::Test {
 protected:
  std::string taken(size_t size = 100) {
    std::string out(size, '\0');
    out.resize(stream.take(out.data(), size, &is_finished));
    return out;
  }

  HttpStream stream;
  bool is_finished = false;
};

TEST_F(HttpStreamTest, PiecesComeInOrderAndThenTheEnd) {
  EXPECT_TRUE(stream.push("one "));
  EXPECT_TRUE(stream.push("two"));
  EXPECT_EQ(taken(5), "one t");
  stream.end();
  EXPECT_FALSE(stream.push("three"));
  EXPECT_EQ(taken(), "wo");
  EXPECT_FALSE(is_finished);
  EXPECT_EQ(taken(), "");
  EXPECT_TRUE(is_finished);
}

TEST_F(HttpStreamTest, NothingIsNotTheEnd) {
  EXPECT_EQ(taken(), "");
  EXPECT_FALSE(is_finished);
  EXPECT_FALSE(stream.is_over());
}

TEST_F(HttpStreamTest, APieceThatDoesNotFitIsDroppedWhole) {
  EXPECT_TRUE(stream.push(std::string(http_stream_max - 2, 'a')));
  EXPECT_FALSE(stream.push("bcd"));
  EXPECT_TRUE(stream.push("bc"));
  EXPECT_FALSE(stream.push("d"));
  EXPECT_EQ(taken(http_stream_max * 2).size(), http_stream_max);
  EXPECT_TRUE(stream.push("d"));
  EXPECT_EQ(taken(), "d");
}

TEST_F(HttpStreamTest, TheServerIsWokenByPiecesAndByTheEnd) {
  int wakes = 0;
  stream.push("before");
  stream.attach([&] { ++wakes; });
  EXPECT_EQ(wakes, 0);
  stream.push("a");
  EXPECT_EQ(wakes, 1);
  stream.end();
  stream.end();
  EXPECT_EQ(wakes, 2);
}

TEST_F(HttpStreamTest, WithoutItsClientItIsOverAndWakesNobody) {
  int wakes = 0;
  stream.attach([&] { ++wakes; });
  stream.push("a");
  stream.abandon();
  EXPECT_TRUE(stream.is_over());
  EXPECT_FALSE(stream.push("b"));
  stream.end();
  EXPECT_EQ(wakes, 1);
}

}  // namespace
}  // namespace xord
