// The sockets that the admin port listens on: what each is bound to, and who removes its file.
#include "node/server/http/http_listener.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/temporary_directory.h"

namespace xord {
namespace {

class HttpListenerTest : public testing::Test {
 protected:
  static HttpListener opened(const std::string& path) {
    auto listener = HttpListener::open(path);
    if (const auto* error = std::get_if<IoError>(&listener)) ADD_FAILURE() << error->sentence;
    return std::get<HttpListener>(std::move(listener));
  }
  static bool exists(const std::string& path) { return std::filesystem::exists(path); }

  TemporaryDirectory directory;
};

TEST_F(HttpListenerTest, APortOrAPathIsWhatItIsBoundTo) {
  const auto tcp = HttpListener::open(Endpoint::ipv4(0x7f000001, 0));
  const HttpListener& port = std::get<HttpListener>(tcp);
  EXPECT_FALSE(port.is_unix());
  EXPECT_EQ(port.endpoint().address, *IpAddress::parse("127.0.0.1"));
  EXPECT_NE(port.endpoint().port, 0) << "a free one";
  EXPECT_EQ(port.path(), "");
  const HttpListener file = opened(directory.at("admin"));
  EXPECT_TRUE(file.is_unix());
  EXPECT_EQ(file.path(), directory.at("admin"));
}

TEST_F(HttpListenerTest, AllAddressesOfBothFamiliesMayHaveTheSamePort) {
  const auto ipv6 = HttpListener::open(*Endpoint::parse("[::]:0"));
  if (std::holds_alternative<IoError>(ipv6)) GTEST_SKIP() << "this host has no IPv6";
  const uint16_t port = std::get<HttpListener>(ipv6).endpoint().port;
  const auto ipv4 = HttpListener::open(Endpoint::ipv4(0, port));
  EXPECT_TRUE(std::holds_alternative<HttpListener>(ipv4));
}

TEST_F(HttpListenerTest, AMovedOneTakesItsFileAlong) {
  HttpListener one = opened(directory.at("one"));
  HttpListener other = opened(directory.at("other"));
  const int socket = other.socket();
  one = std::move(other);
  EXPECT_FALSE(exists(directory.at("one"))) << "it was closed";
  EXPECT_TRUE(exists(directory.at("other")));
  EXPECT_EQ(one.socket(), socket);
  EXPECT_EQ(one.path(), directory.at("other"));
  {
    const HttpListener last(std::move(one));
    EXPECT_EQ(last.socket(), socket);
    EXPECT_TRUE(exists(directory.at("other")));
  }
  EXPECT_FALSE(exists(directory.at("other")));
}

TEST_F(HttpListenerTest, ClosingAgainTouchesNoOtherFile) {
  HttpListener listener = opened(directory.at("admin"));
  listener.close();
  EXPECT_FALSE(exists(directory.at("admin")));
  EXPECT_EQ(listener.socket(), -1);
  std::ofstream(directory.at("admin")) << "mine";
  listener.close();
  EXPECT_TRUE(exists(directory.at("admin")));
}

TEST_F(HttpListenerTest, APathHasAtMost107Bytes) {
  const size_t own = directory.at("").size();
  const std::string longest = directory.at(std::string(107 - own, 'p'));
  ASSERT_EQ(longest.size(), 107u);
  EXPECT_TRUE(opened(longest).is_unix());
  const auto refused = HttpListener::open(longest + "p");
  ASSERT_TRUE(std::holds_alternative<IoError>(refused));
  EXPECT_EQ(std::get<IoError>(refused).sentence,
            "the path of a socket has 1 to 107 bytes: shorten \"" + longest + "p\"");
}

TEST_F(HttpListenerTest, WhatIsInTheWayIsNamed) {
  const HttpListener served = opened(directory.at("served"));
  std::ofstream(directory.at("file")) << "mine";
  const auto sentence_of = [&](const std::string& name) {
    const auto refused = HttpListener::open(directory.at(name));
    const auto* error = std::get_if<IoError>(&refused);
    return error == nullptr ? std::string() : error->sentence;
  };
  EXPECT_EQ(sentence_of("served"),
            "cannot serve the admin port on " + directory.at("served") +
                ": another program does; name another address with --admin, or --admin off");
  EXPECT_EQ(sentence_of("file"), directory.at("file") + " is not a socket: move that file away");
  EXPECT_EQ(sentence_of("no such/admin"), "cannot serve the admin port on " +
                                              directory.at("no such/admin") +
                                              ": No such file or directory");
  EXPECT_TRUE(exists(directory.at("served")));
}

}  // namespace
}  // namespace xord
