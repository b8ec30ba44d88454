// What other threads tell the HTTP server: which answers count, what finds no room, and who is
// woken.
#include "node/server/http/http_mailbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <string>

#include "node/server/http/http_connections.h"

namespace xord {
namespace {

class HttpMailboxTest : public testing::Test {
 protected:
  HttpExchangePtr exchange() const { return std::make_shared<HttpExchange>(); }
  static HttpResponse text(const std::string& body) {
    HttpResponse response;
    response.body = body;
    return response;
  }
  // What there is to send; empty if the connection is suspended instead.
  std::optional<HttpResponse> taken(const HttpExchangePtr& of) {
    return mailbox->response_or(of, [] {});
  }
  int woken() {
    int count = 0;
    mailbox->take_woken([&](MHD_Connection*) { ++count; });
    return count;
  }
  // Whether the server's thread is woken, now and not again.
  bool has_rung() {
    pollfd bell{mailbox->fd(), POLLIN, 0};
    const bool is_rung = poll(&bell, 1, 0) == 1;
    mailbox->silence();
    return is_rung;
  }
  static int descriptor() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
  static bool is_open(int descriptor) { return fcntl(descriptor, F_GETFD) >= 0; }

  std::shared_ptr<HttpMailbox> mailbox = std::make_shared<HttpMailbox>();
};

TEST_F(HttpMailboxTest, TheFirstAnswerCounts) {
  const HttpExchangePtr one = exchange();
  EXPECT_FALSE(mailbox->is_answered(one));
  mailbox->answer(one, text("first"));
  EXPECT_TRUE(mailbox->is_answered(one));
  mailbox->answer(one, text("second"));
  const auto response = taken(one);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "first");
  EXPECT_FALSE(one->is_suspended);
}

TEST_F(HttpMailboxTest, AnAnswerWakesTheServerOnceAndOnlyIfItWaits) {
  const HttpExchangePtr early = exchange();
  mailbox->answer(early, text("it was not suspended"));
  EXPECT_FALSE(has_rung());
  const HttpExchangePtr late = exchange();
  EXPECT_FALSE(taken(late));
  EXPECT_TRUE(late->is_suspended);
  mailbox->answer(late, text("at last"));
  EXPECT_TRUE(has_rung());
  mailbox->wake(late);
  EXPECT_FALSE(has_rung()) << "it is in the list already";
  EXPECT_EQ(woken(), 1);
  EXPECT_EQ(woken(), 0);
  EXPECT_EQ(taken(late)->body, "at last");
}

TEST_F(HttpMailboxTest, OneThatIsOverIsNotWokenOrAnswered) {
  const HttpExchangePtr left = exchange();
  EXPECT_FALSE(taken(left));
  mailbox->finish(left);
  mailbox->wake(left);
  EXPECT_FALSE(has_rung());
  mailbox->answer(left, text("too late"));
  EXPECT_FALSE(left->response);
  const HttpExchangePtr leaving = exchange();
  EXPECT_FALSE(taken(leaving));
  mailbox->wake(leaving);
  mailbox->finish(leaving);
  EXPECT_EQ(woken(), 0) << "its connection may be gone";
}

TEST_F(HttpMailboxTest, AnswersThatWaitHaveTheirBoundToTheByte) {
  const HttpExchangePtr large = exchange();
  mailbox->answer(large, text(std::string(http_answers_bytes_max - 10, 'x')));
  const HttpExchangePtr fits = exchange();
  mailbox->answer(fits, text(std::string(10, 'y')));
  EXPECT_EQ(taken(fits)->status, 200);
  const HttpExchangePtr shed = exchange();
  mailbox->answer(shed, text("z"));
  const auto refused = taken(shed);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->refused_as, HttpCount::answers_shed);
  EXPECT_EQ(refused->fields, (std::vector<HttpField>{{"Retry-After", "1"}}));
  mailbox->finish(fits);
  const HttpExchangePtr next = exchange();
  mailbox->answer(next, text(std::string(10, 'y')));
  EXPECT_EQ(taken(next)->status, 200) << "one was sent";
  mailbox->finish(shed);
  mailbox->finish(large);
  const HttpExchangePtr again = exchange();
  mailbox->answer(again, text(std::string(http_answers_bytes_max - 10, 'x')));
  EXPECT_EQ(taken(again)->status, 200) << "what was shed gives nothing back";
}

TEST_F(HttpMailboxTest, WhatIsForgottenIsAnsweredWith500) {
  const HttpExchangePtr forgotten = exchange();
  { const HttpReply reply = reply_to(mailbox, forgotten); }
  EXPECT_EQ(taken(forgotten)->status, 500);
  const HttpExchangePtr answered = exchange();
  {
    const HttpReply reply = reply_to(mailbox, answered);
    const HttpReply copy = reply;
    copy(text("done"));
  }
  EXPECT_EQ(taken(answered)->body, "done");
}

TEST_F(HttpMailboxTest, AsManySocketsWaitAsAnAddressMayHave) {
  std::vector<int> sockets;
  for (uint32_t i = 0; i < http_connections_an_address; ++i) {
    sockets.push_back(descriptor());
    mailbox->adopt(sockets.back());
  }
  EXPECT_TRUE(has_rung());
  const int refused = descriptor();
  mailbox->adopt(refused);
  EXPECT_FALSE(is_open(refused));
  EXPECT_FALSE(has_rung());
  EXPECT_EQ(mailbox->take_adopted(), sockets);
  EXPECT_TRUE(mailbox->take_adopted().empty());
  for (const int each : sockets) {
    EXPECT_TRUE(is_open(each));
    close(each);
  }
}

TEST_F(HttpMailboxTest, AClosedServerTakesNoSocket) {
  const int waiting = descriptor();
  mailbox->adopt(waiting);
  mailbox->close();
  EXPECT_FALSE(is_open(waiting));
  EXPECT_TRUE(mailbox->take_adopted().empty());
  const int late = descriptor();
  mailbox->adopt(late);
  EXPECT_FALSE(is_open(late));
}

TEST_F(HttpMailboxTest, AStreamIsWaitedForUntilThereIsAPieceOrItsEnd) {
  const HttpExchangePtr streaming = exchange();
  streaming->stream = std::make_shared<HttpStream>();
  char out[8];
  bool is_finished = false;
  const auto take = [&] {
    return mailbox->take_or(streaming, out, sizeof out, &is_finished, [] {});
  };
  EXPECT_EQ(take(), 0u);
  EXPECT_TRUE(streaming->is_suspended);
  mailbox->wake(streaming);
  EXPECT_EQ(woken(), 1);
  EXPECT_FALSE(streaming->is_suspended);
  EXPECT_TRUE(streaming->stream->push("twelve bytes"));
  EXPECT_EQ(take(), 8u);
  EXPECT_EQ(take(), 4u);
  EXPECT_FALSE(streaming->is_suspended) << "there was something";
  streaming->stream->end();
  EXPECT_EQ(take(), 0u);
  EXPECT_TRUE(is_finished);
  EXPECT_FALSE(streaming->is_suspended) << "nothing more will come";
}

}  // namespace
}  // namespace xord
