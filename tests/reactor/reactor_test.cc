// The loop of one core, on a thread of its own, against a plain UDP client.
#include "reactor/reactor.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/reactor/loopback.h"
#include "tests/reactor/overfilled.h"

namespace xord {
namespace {

void reply(const Path& path, Bytes bytes, Outbox& out) {
  const MutableBytes room = out.reserve(bytes.size());
  ASSERT_EQ(room.size(), bytes.size()) << "the loop promised room";
  std::copy(bytes.begin(), bytes.end(), room.begin());
  out.commit(path, bytes.size());
}

// A handler made of functions, each of which a test may replace. Echoes by default.
struct ScriptedHandler : ReactorHandler {
  std::function<void(Instant, const Datagram&, Outbox&)> on_receive =
      [](Instant, const Datagram& datagram, Outbox& out) {
        reply(datagram.path, datagram.bytes, out);
      };
  std::function<void(Instant, uint32_t, Bytes, Outbox&)> on_frame = [](auto&&...) {};
  std::function<void(Instant, Outbox&)> on_advance = [](auto&&...) {};
  std::function<void(Instant, Outbox&)> on_end_turn = [](auto&&...) {};
  std::function<void(const Stall&)> on_stalled = [](auto&&...) {};
  std::optional<Instant> wakeup;

  void receive(Instant now, const Datagram& datagram, Outbox& out) override {
    on_receive(now, datagram, out);
  }
  void receive_frame(Instant now, uint32_t source, Bytes frame, Outbox& out) override {
    on_frame(now, source, frame, out);
  }
  void advance(Instant now, Outbox& out) override { on_advance(now, out); }
  void end_turn(Instant now, Outbox& out) override { on_end_turn(now, out); }
  std::optional<Instant> next_wakeup() const override { return wakeup; }
  void stalled(const Stall& stall) override { on_stalled(stall); }
};

class ReactorTest : public OnBothBackends {
 protected:
  void TearDown() override {
    if (thread.joinable()) stop();  // If the test failed half-way.
  }
  void make(const std::vector<Listen>& listens, ReactorConfig config = {}) {
    config.io = GetParam();
    const auto error = Reactor::create(config, open_for_one_shard(listens), clock, &reactor);
    ASSERT_FALSE(error) << error->sentence;
  }
  void run() {
    const auto error = reactor->run(handler);
    EXPECT_FALSE(error) << error->sentence;
  }
  void start() {
    thread = std::thread([this] { run(); });
  }
  void stop() {
    reactor->request_stop();
    thread.join();
  }
  Endpoint server() const { return reactor->sockets()[0].bound; }
  uint64_t count(IoCounter counter) const { return reactor->counters().read(counter); }
  uint64_t count(IoSum sum) const { return sum_of(reactor->counters(), sum); }

  const NodeClock clock{Instant{seconds(1000).nanoseconds}};
  ScriptedHandler handler;
  std::unique_ptr<Reactor> reactor;
  std::thread thread;
};
ON_BOTH_BACKENDS(ReactorTest);

TEST_P(ReactorTest, EchoesOnIpv4AndIpv6) {
  make({{loopback(Family::ipv4)}, {loopback(Family::ipv6)}});
  start();
  for (size_t i = 0; i < 2; ++i) {
    LoopbackClient client(loopback(i == 0 ? Family::ipv4 : Family::ipv6));
    client.connect(reactor->sockets()[i].bound);
    for (int n = 0; n < 50; ++n) {
      client.send("question " + std::to_string(n));
      ASSERT_EQ(client.receive(), "question " + std::to_string(n));
    }
  }
  stop();
  EXPECT_EQ(count(IoSum::received), 100u);
  EXPECT_EQ(count(IoSum::sent), 100u);
}

TEST_P(ReactorTest, AWindowOfManyIsServedWithoutLoss) {
  make({{wildcard(Family::ipv4)}});
  start();
  LoopbackClient client(loopback(Family::ipv4));
  Endpoint asked = endpoint("127.0.0.77:0");
  asked.port = server().port;
  client.connect(asked);
  constexpr int datagrams = 20'000;
  constexpr int window = 200;
  for (int sent = 0, heard = 0; heard < datagrams; ++heard) {
    for (; sent < datagrams && sent < heard + window; ++sent) client.send(std::to_string(sent));
    ASSERT_EQ(client.receive(), std::to_string(heard));
  }
  stop();
  EXPECT_EQ(count(IoSum::received), static_cast<uint64_t>(datagrams));
}

TEST_P(ReactorTest, ABusyLoopTakesManyDatagramsATurnAndAQuietOneWaitsForNone) {
  make({{loopback(Family::ipv4)}});
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(server());
  constexpr int datagrams = 320;  // As many replies as a client's socket holds unread.
  for (int i = 0; i < datagrams; ++i) client.send("all of these are there when it starts");
  uint64_t busy_turns = 0;
  handler.on_end_turn = [&](Instant, Outbox&) {
    if (count(IoSum::received) < datagrams) ++busy_turns;
  };
  start();
  for (int i = 0; i < datagrams; ++i) client.receive();
  for (int i = 0; i < 50; ++i) {
    client.send("alone");
    ASSERT_EQ(client.receive(), "alone") << "it was answered though nothing else came";
  }
  stop();
  EXPECT_LE(busy_turns, static_cast<uint64_t>(datagrams) / 16) << "batches of 64, or somewhat less";
}

TEST_P(ReactorTest, EachCallHasTheRoomThatWasPromised) {
  make({{loopback(Family::ipv4)}},
       {.outbox_datagrams = 8, .outbox_bytes = 512, .room_datagrams = 4, .room_bytes = 256});
  handler.on_receive = [](Instant, const Datagram& datagram, Outbox& out) {
    for (int i = 0; i < 4; ++i) reply(datagram.path, Bytes(datagram.bytes).first(64), out);
  };
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(server());
  for (int i = 0; i < 100; ++i) client.send(std::string(64, static_cast<char>('A' + i % 26)));
  start();  // All have arrived by now: taken one a turn, they would never fill the outbox.
  for (int i = 0; i < 400; ++i) {
    ASSERT_EQ(client.receive(), std::string(64, static_cast<char>('A' + i / 4 % 26)));
  }
  stop();
  EXPECT_GT(count(IoCounter::outbox_flushes), 0u);
}

TEST_P(ReactorTest, AnEmptyDatagramDoesNotStopIt) {
  make({{loopback(Family::ipv4)}});
  start();
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(server());
  for (int i = 0; i < 20; ++i) {
    client.send("");
    client.send("question");
    ASSERT_EQ(client.receive(), "question");
  }
  stop();
  EXPECT_EQ(count(IoCounter::received_empty), 20u);
}

TEST_P(ReactorTest, SleepsUntilTheNextWakeupAndNeverAdvancesEarly) {
  make({{loopback(Family::ipv4)}});
  std::vector<Instant> deadlines;
  for (int i = 1; i <= 20; ++i) deadlines.push_back(clock.now() + milliseconds(i));
  size_t next = 0;
  handler.wakeup = deadlines[0];
  handler.on_advance = [&](Instant now, Outbox&) {
    ASSERT_GE(now, *handler.wakeup);
    ++next;
    handler.wakeup.reset();
    if (next < deadlines.size()) {
      handler.wakeup = deadlines[next];
    } else {
      reactor->request_stop();
    }
  };
  run();
  EXPECT_EQ(next, deadlines.size());
  EXPECT_GT(count(IoCounter::sleeps), 0u) << "it span";
  EXPECT_LE(count(IoCounter::turns), 3 * deadlines.size()) << "it span";
}

TEST_P(ReactorTest, AdvancesAgainWhatIsStillDueButNotForEver) {
  make({{loopback(Family::ipv4)}}, {.advances_max = 5});
  uint64_t advances = 0;
  uint64_t turns = 0;
  handler.wakeup = clock.now();
  handler.on_advance = [&](Instant, Outbox&) { ++advances; };
  handler.on_end_turn = [&](Instant, Outbox&) {
    EXPECT_EQ(advances, 5 * ++turns);
    if (turns == 10) reactor->request_stop();
  };
  run();
  EXPECT_EQ(turns, 10u);
}

TEST_P(ReactorTest, TheTimeOfATurnIsNodeTimeAndNeverRunsBack) {
  const Instant before = clock.now();
  make({{loopback(Family::ipv4)}});
  Instant last = before;
  const auto look = [&](Instant now) {
    EXPECT_GE(now, last);
    last = now;
  };
  handler.on_receive = [&](Instant now, const Datagram& datagram, Outbox& out) {
    look(now);
    reply(datagram.path, datagram.bytes, out);
  };
  handler.on_end_turn = [&](Instant now, Outbox&) { look(now); };
  start();
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(server());
  for (int i = 0; i < 20; ++i) {
    client.send("tick");
    client.receive();
  }
  stop();
  EXPECT_GE(before, Instant{seconds(1000).nanoseconds});
  EXPECT_LE(last, clock.now());
}

TEST_P(ReactorTest, WhatIsLeftInTheOutboxAtTheEndIsSent) {
  make({{loopback(Family::ipv4)}});
  LoopbackClient client(loopback(Family::ipv4));
  handler.on_end_turn = [&](Instant, Outbox& out) {
    reply({client.local(), {}}, bytes_of("the last words"), out);
    reactor->request_stop();
  };
  run();
  EXPECT_EQ(client.receive(), "the last words");
}

TEST_P(ReactorTest, AStopRequestedBeforeItRunsIsHonoured) {
  make({{loopback(Family::ipv4)}});
  reactor->request_stop();
  run();
  EXPECT_EQ(count(IoCounter::turns), 0u);
}

TEST_P(ReactorTest, AnotherThreadStopsItAtAnyMomentAndThePortIsFreeAtOnce) {
  Endpoint address = loopback(Family::ipv4);
  LoopbackClient client(loopback(Family::ipv4));
  for (int i = 0; i < 50; ++i) {
    make({{address}});
    address = server();
    start();
    for (int n = 0; n < i % 5; ++n) client.send_to(address, "in the middle of it");
    stop();
  }
}

TEST_P(ReactorTest, ALongTurnIsCountedWithWhatItWasDoing) {
  make({{loopback(Family::ipv4)}}, {.stall_threshold = milliseconds(40)});
  Stall seen{};
  handler.on_stalled = [&](const Stall& stall) { seen = stall; };
  handler.on_receive = [&](Instant, const Datagram& datagram, Outbox& out) {
    const Instant until = clock.now() + milliseconds(80);
    while (clock.now() < until) {
    }
    reply(datagram.path, datagram.bytes, out);
  };
  start();
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(server());
  client.send("think hard");
  client.receive();
  stop();
  EXPECT_GE(count(IoCounter::stalls), 1u);
  EXPECT_GE(count(IoCounter::stall_longest_nanoseconds), 80'000'000u);
  EXPECT_EQ(seen.longest, TurnStage::datagrams) << name_of(seen.longest);
  EXPECT_GE(seen.longest_took, milliseconds(80));
  EXPECT_EQ(seen.datagrams, 1u);
}

TEST_P(ReactorTest, EachTurnIsMeasured) {
  make({{loopback(Family::ipv4)}});
  uint64_t turns = 0;
  handler.wakeup = clock.now();
  handler.on_end_turn = [&](Instant now, Outbox&) {
    while (turns == 0 && clock.now() <= now + milliseconds(10)) {
    }
    if (++turns == 10) reactor->request_stop();
  };
  run();
  const auto& measured = reactor->histograms();
  EXPECT_EQ(measured.count(IoHistogram::turn_duration_seconds), 10u);
  EXPECT_GT(measured.sum(IoHistogram::turn_duration_seconds), 10'000'000u);
  uint64_t longer = 0;  // Than 10 ms.
  for (size_t bucket = 0; bucket <= turn_bounds.size(); ++bucket) {
    const bool is_longer = bucket == turn_bounds.size() || turn_bounds[bucket] > 10'000'000;
    if (is_longer) longer += measured.count_in(IoHistogram::turn_duration_seconds, bucket);
  }
  EXPECT_GE(longer, 1u);
}

TEST_P(ReactorTest, TheWorkOfItsThreadIsCountedAndItsSleepIsNot) {
  make({{loopback(Family::ipv4)}}, {.advances_max = 1});
  constexpr Duration work = milliseconds(10);
  constexpr Duration sleep = milliseconds(500);
  const Duration before = thread_cpu_time();
  handler.wakeup = clock.now() + sleep;
  uint32_t advances = 0;
  handler.on_advance = [&](Instant, Outbox&) {
    const Duration until = thread_cpu_time() + work;
    while (thread_cpu_time() < until) {
    }
    // The second time follows at once: only the end of the loop counts it.
    if (++advances == 2) reactor->request_stop();
  };
  run();
  const Duration busy = nanoseconds(static_cast<int64_t>(count(IoCounter::busy_nanoseconds)));
  EXPECT_GE(busy, work * advances);
  EXPECT_LT(busy, work * advances + sleep);
  EXPECT_LE(busy, thread_cpu_time() - before) << "what the thread did before is not the loop's";
}

TEST_P(ReactorTest, WhatTheKernelDroppedIsCountedWhileTheLoopRunsAndAtItsEnd) {
  make({{loopback(Family::ipv4)}, {loopback(Family::ipv6)}});
  overfill(reactor->sockets()[0], 1000);
  overfill(reactor->sockets()[1], 500);
  handler.on_receive = [](auto&&...) {};  // Without replies to a peer that is gone.
  uint64_t turns = 0;
  uint64_t dropped = 0;
  handler.wakeup = clock.now();
  handler.on_end_turn = [&](Instant, Outbox&) {
    if (++turns == 2) dropped = count(IoCounter::receive_dropped);
    if (turns < 20) return;
    overfill(reactor->sockets()[0], 2000);  // The loop does not look again within a second.
    reactor->request_stop();
  };
  run();
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(count(IoSum::received) + dropped, 1500u);
  EXPECT_GT(count(IoCounter::receive_dropped), dropped) << "those of the last turn";
  EXPECT_EQ(count(IoCounter::receive_thinned), 0u);
}

TEST_P(ReactorTest, DropsUnderAFilterOfSourcesAreToldFromTheOthers) {
  make({{loopback(Family::ipv4)}});
  const BoundSocket& socket = reactor->sockets()[0];
  overfill(socket, 1000);
  const uint64_t full = 1000 - drain(socket);
  const SourceShare none{{endpoint("127.1.2.3:0").address, 128}, 0};
  reactor->filter_sources(0, {}, {&none, 1});
  EXPECT_EQ(count(IoCounter::receive_dropped), full) << "before there was a filter";
  LoopbackClient thinned(endpoint("127.1.2.3:0"));
  for (int i = 0; i < 10; ++i) thinned.send_to(socket.bound, "thinned");
  reactor->filter_sources(0, {}, {&none, 1});
  for (int i = 0; i < 10; ++i) thinned.send_to(socket.bound, "thinned");
  reactor->filter_sources(0, {}, {});
  EXPECT_EQ(count(IoCounter::receive_thinned), 20u);
  overfill(socket, 1000);
  const uint64_t full_again = 1000 - drain(socket);
  reactor->request_stop();
  run();
  EXPECT_EQ(count(IoCounter::receive_thinned), 20u);
  EXPECT_EQ(count(IoCounter::receive_dropped), full + full_again);
}

TEST_P(ReactorTest, AFilterThatTheKernelRefusesIsCountedAndWhatComesStillPasses) {
  with_refused_system_call(SYS_setsockopt, {{2, SO_ATTACH_FILTER}}, EPERM, [&] {
    make({{loopback(Family::ipv4)}});
    const SourceShare none{{endpoint("127.1.2.3:0").address, 128}, 0};
    reactor->filter_sources(0, {}, {&none, 1});
    EXPECT_EQ(count(IoCounter::filters_refused), 1u);
    EXPECT_EQ(count(IoCounter::filters_set), 0u);
    LoopbackClient source(endpoint("127.1.2.3:0"));
    source.send_to(server(), "it passes");
    EXPECT_EQ(drain(reactor->sockets()[0]), 1u);
    overfill(reactor->sockets()[0], 1000);
    const uint64_t dropped = 1000 - drain(reactor->sockets()[0]);
    reactor->request_stop();
    run();
    EXPECT_EQ(count(IoCounter::receive_dropped), dropped) << "no filter dropped them";
    EXPECT_EQ(count(IoCounter::receive_thinned), 0u);
    reactor->filter_sources(0, {}, {&none, 1});  // Closed by now.
    EXPECT_EQ(count(IoCounter::filters_refused), 1u);
  });
}

// What other threads finished comes before new work, and an answer that has arrived before its
// timeout.
TEST_P(ReactorTest, ATurnTakesFramesThenDatagramsThenTimers) {
  make({{loopback(Family::ipv4)}});
  Mailbox mailbox(2048, reactor->doorbell());
  reactor->add_mailbox(mailbox);
  std::string turn;
  const auto add_work = [&] {
    turn.clear();
    ASSERT_TRUE(mailbox.push(bytes_of("frame")));
    mailbox.publish();
    handler.wakeup = clock.now();
  };
  handler.on_frame = [&](auto&&...) { turn += 'f'; };
  handler.on_receive = [&](auto&&...) { turn += 'd'; };
  handler.on_advance = [&](auto&&...) {
    turn += 't';
    handler.wakeup.reset();
  };
  handler.on_end_turn = [&](auto&&...) {
    if (turn.find('d') != std::string::npos) return reactor->request_stop();
    add_work();  // io_uring may take the datagram a turn later.
  };
  LoopbackClient client(loopback(Family::ipv4));
  client.send_to(server(), "datagram");
  add_work();
  run();
  EXPECT_EQ(turn, "fdt");
}

TEST_P(ReactorTest, FramesOfSeveralThreadsComeInWithTheirSource) {
  make({{loopback(Family::ipv4)}}, {.frames_max = 7});
  constexpr uint64_t each = 20'000;
  constexpr uint32_t producers = 3;
  std::vector<std::unique_ptr<Mailbox>> mailboxes;
  std::vector<uint64_t> next(producers, 0);
  for (uint32_t i = 0; i < producers; ++i) {
    mailboxes.push_back(std::make_unique<Mailbox>(2048, reactor->doorbell()));
    EXPECT_EQ(reactor->add_mailbox(*mailboxes.back()), i);
  }
  handler.on_frame = [&](Instant, uint32_t source, Bytes frame, Outbox&) {
    ASSERT_EQ(load_le<uint64_t>(frame.data()), next[source]);
    ++next[source];
    if (next == std::vector<uint64_t>(producers, each)) reactor->request_stop();
  };
  start();
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < producers; ++i) {
    threads.emplace_back([&mailbox = *mailboxes[i]] {
      for (uint64_t number = 0; number < each;) {
        if (mailbox.push(number, {})) ++number;
        mailbox.publish();
      }
    });
  }
  for (std::thread& producer : threads) producer.join();
  thread.join();  // Every frame arrived: no wake-up was lost.
  EXPECT_EQ(count(IoCounter::frames), producers * each);
}

// A sender that is always ahead: each datagram that is handled brings two more, up to a thousand.
TEST_P(ReactorTest, ABacklogLastsAsLongAsEachTurnFindsAFullBatch) {
  make({{loopback(Family::ipv4)}});
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(server());
  constexpr uint32_t datagrams = 2000;
  uint32_t sent = 0;
  for (; sent < 200; ++sent) client.send("there before it starts");
  uint32_t received = 0;
  handler.on_receive = [&](Instant, const Datagram&, Outbox&) {
    ++received;
    for (int i = 0; i < 2 && sent < datagrams; ++i, ++sent) client.send("more");
    if (received == datagrams) reactor->request_stop();
  };
  uint32_t turns = 0;
  std::optional<Instant> since;
  handler.on_end_turn = [&](Instant now, Outbox&) {
    if (received == 0 || received + 2 * batch_max > datagrams) return;
    // io_uring needs a turn to get going.
    if (++turns == 3) since = reactor->backlogged_since();
    if (turns >= 3) {
      EXPECT_EQ(reactor->backlogged_since(), since) << "turn " << turns << ", " << received;
      EXPECT_LE(since, now);
    }
  };
  run();
  EXPECT_TRUE(since);
  EXPECT_EQ(reactor->backlogged_since(), std::nullopt) << "the last turn was not full";
}

TEST_P(ReactorTest, TheKernelFiltersWhatTheHandlerSays) {
  make({{loopback(Family::ipv4)}, {loopback(Family::ipv4)}});
  const Subnet source{endpoint("127.1.2.3:0").address, 128};
  std::atomic<bool> is_dropped = false;  // Said by the test, done by the loop.
  bool was_dropped = false;
  handler.on_end_turn = [&](Instant, Outbox&) {
    if (std::exchange(was_dropped, is_dropped.load()) == is_dropped) return;
    const SourceShare none{source, 0};
    reactor->filter_sources(0, {}, {&none, is_dropped ? size_t{1} : size_t{0}});
  };
  start();
  LoopbackClient source_client(endpoint("127.1.2.3:0"));
  LoopbackClient other(endpoint("127.1.2.4:0"));
  const auto is_answered = [&](LoopbackClient& client, size_t socket, std::string_view bytes) {
    client.send_to(reactor->sockets()[socket].bound, bytes);
    for (int turn = 0; turn < 2; ++turn) {  // When the second is answered, the first is over.
      other.send_to(server(), "a turn later");
      EXPECT_EQ(other.receive(), "a turn later");
    }
    return client.receive_if_there() == bytes;
  };
  EXPECT_TRUE(is_answered(source_client, 0, "1"));
  is_dropped = true;
  EXPECT_TRUE(is_answered(source_client, 1, "the turn in which it is said"));
  EXPECT_FALSE(is_answered(source_client, 0, "2"));
  EXPECT_TRUE(is_answered(source_client, 1, "the other socket has no filter"));
  is_dropped = false;
  EXPECT_TRUE(is_answered(source_client, 1, "the turn in which it is said"));
  EXPECT_TRUE(is_answered(source_client, 0, "3"));
  stop();
  EXPECT_EQ(count(IoCounter::filters_set), 2u);
  EXPECT_EQ(count(IoCounter::filters_refused), 0u);
}

TEST(Reactor, NamesItsBackendAndWhyItFellBack) {
  std::unique_ptr<Reactor> reactor;
  ASSERT_FALSE(Reactor::create({.io = IoChoice::epoll},
                               open_for_one_shard({{loopback(Family::ipv4)}}), NodeClock(Instant{}),
                               &reactor));
  EXPECT_EQ(reactor->backend_name(), "epoll");
  EXPECT_EQ(reactor->fallback_because(), "") << "it was asked for";
}

TEST(TurnStage, EachHasTheNameThatTheLogGivesIt) {
  EXPECT_EQ(name_of(TurnStage::frames), "frames");
  EXPECT_EQ(name_of(TurnStage::datagrams), "datagrams");
  EXPECT_EQ(name_of(TurnStage::timers), "timers");
  EXPECT_EQ(name_of(TurnStage::end_of_turn), "end_of_turn");
  EXPECT_EQ(name_of(TurnStage::count), "unknown");
}

}  // namespace
}  // namespace xord
