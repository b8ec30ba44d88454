// What a world does with datagrams, times and hosts, seen by programs that do as they are told.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "tests/sim/scripted_actor.h"
#include "tools/sim/world.h"

namespace xord::sim {
namespace {

using Octets = std::vector<uint8_t>;

constexpr Duration delay = milliseconds(10);

class Turns : public ::testing::Test {
 protected:
  static WorldOptions options() {
    WorldOptions options;
    options.dialect = &rpcudp::dialect();
    options.network.delay_min = delay;
    options.network.delay_mean = {};
    options.network.queue_max = 600;
    return options;
  }
  // Three programs; the last one behind a NAT.
  Turns() {
    for (uint32_t i = 0; i < 3; ++i) {
      world_.add_host(HostKind::hostile, endpoint(i), 1, 0, i == 2);
      actors_.push_back(&ScriptedActor::start(world_, i));
    }
  }
  static Endpoint endpoint(uint32_t host) { return Endpoint::ipv4(0x0a000001 + host, 8468); }
  void send(uint32_t from, uint32_t to, const Octets& bytes = {1}) {
    world_.act(from, [&](Actor&, Instant) { world_.send(from, endpoint(to), bytes); });
  }
  ScriptedActor& actor(uint32_t host) { return *actors_[host]; }

  World world_{options()};
  std::vector<ScriptedActor*> actors_;
};

TEST_F(Turns, ADatagramArrivesAfterItsDelayFromWhoSentIt) {
  send(0, 1, {7, 8});
  send(0, 1, {9});
  EXPECT_EQ(world_.host(1).arriving, 2u);
  world_.run_for(delay - nanoseconds(1));
  EXPECT_TRUE(actor(1).heard.empty());
  const Instant arrival = world_.local_now(1) + nanoseconds(1);
  world_.run_for(nanoseconds(1));
  ASSERT_EQ(actor(1).heard.size(), 2u);
  EXPECT_EQ(actor(1).heard[0].at, arrival);
  EXPECT_EQ(actor(1).heard[0].from, endpoint(0));
  EXPECT_EQ(actor(1).heard[0].bytes, (Octets{7, 8}));
  EXPECT_EQ(actor(1).heard[1].bytes, (Octets{9}));
  EXPECT_EQ(world_.host(1).arriving, 0u);
  EXPECT_EQ(world_.datagrams_sent(), 2u);
  EXPECT_EQ(world_.bytes_sent(), 3u);
  world_.check_invariants();
}

TEST_F(Turns, WhatIsSentToNobodyOrOneselfIsCountedAndLost) {
  world_.act(0, [&](Actor&, Instant) {
    world_.send(0, Endpoint::ipv4(0x0a0000ff, 8468), Octets{1});
    world_.send(0, endpoint(0), Octets{1});
  });
  world_.run_for(seconds(1));
  EXPECT_TRUE(actor(0).heard.empty());
  EXPECT_EQ(world_.datagrams_sent(), 2u);
}

TEST_F(Turns, NoMoreAreInTransitToAHostThanItsQueueHolds) {
  world_.network().options().queue_max = 3;
  for (uint8_t i = 0; i < 5; ++i) send(0, 1, {i});
  send(0, 2);
  world_.run_for(seconds(1));
  ASSERT_EQ(actor(1).heard.size(), 3u);
  EXPECT_EQ(actor(1).heard[2].bytes, (Octets{2}));
  send(0, 1);
  world_.run_for(seconds(1));
  EXPECT_EQ(actor(1).heard.size(), 4u);
}

TEST_F(Turns, BothCopiesOfADatagramArrive) {
  world_.network().options().duplicate = 1;
  send(0, 1, {5});
  world_.run_for(seconds(1));
  EXPECT_EQ(actor(1).heard.size(), 2u);
  EXPECT_EQ(world_.datagrams_sent(), 1u);
}

TEST_F(Turns, AHostThatIsDownHearsNothing) {
  send(0, 1);
  world_.crash(1, Storage::kept);
  EXPECT_FALSE(world_.host(1).is_up());
  world_.run_for(seconds(1));
  ScriptedActor& again = ScriptedActor::start(world_, 1);
  world_.run_for(seconds(1));
  EXPECT_TRUE(again.heard.empty());
  EXPECT_EQ(world_.host(1).runs, 2u);
  world_.check_invariants();
}

// In order, as far as a socket's buffer holds them, and then the host's timers are served.
TEST_F(Turns, WhatComesDuringAStallWaitsForItsEnd) {
  world_.stall(1, seconds(5));
  for (int i = 0; i < 515; ++i) send(0, 1, {static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)});
  world_.run_for(seconds(5) - nanoseconds(1));
  EXPECT_TRUE(actor(1).heard.empty());
  EXPECT_EQ(world_.host(1).backlog.size(), 512u);
  world_.check_invariants();
  world_.run_for(nanoseconds(1));
  ASSERT_EQ(actor(1).heard.size(), 512u);
  for (size_t i = 0; i < 512; ++i) {
    EXPECT_EQ(actor(1).heard[i].bytes[0] + 256 * actor(1).heard[i].bytes[1], i);
    EXPECT_EQ(actor(1).heard[i].at, world_.local_now(1));
  }
  EXPECT_EQ(actor(1).advanced, std::vector<Instant>{world_.local_now(1)});
  world_.check_invariants();
}

TEST_F(Turns, AShorterStallDoesNotEndALongerOne) {
  world_.stall(1, seconds(5));
  world_.stall(1, seconds(2));
  send(0, 1);
  world_.run_for(seconds(4));
  EXPECT_TRUE(actor(1).heard.empty());
  world_.stall(1, seconds(3));
  world_.run_for(seconds(2));
  EXPECT_TRUE(actor(1).heard.empty());
  world_.run_for(seconds(1));
  EXPECT_EQ(actor(1).heard.size(), 1u);
}

TEST_F(Turns, ACrashLosesWhatWaitedForAStall) {
  world_.stall(1, seconds(5));
  send(0, 1);
  world_.run_for(seconds(1));
  world_.crash(1, Storage::kept);
  world_.check_invariants();
  ScriptedActor& again = ScriptedActor::start(world_, 1);
  send(0, 1, {4});
  world_.run_for(seconds(1));
  ASSERT_EQ(again.heard.size(), 1u) << "and the stall is over";
  EXPECT_EQ(again.heard[0].bytes, (Octets{4}));
}

TEST_F(Turns, AHostIsWokenWhenItAsked) {
  const Instant local = world_.local_now(0);
  world_.act(0, [&](Actor&, Instant now) {
    EXPECT_EQ(now, local);
    actor(0).wakeup = local + seconds(3);
  });
  world_.act(0, [&](Actor&, Instant) { actor(0).wakeup = local + seconds(2); });
  world_.run_for(seconds(2) - nanoseconds(1));
  EXPECT_TRUE(actor(0).advanced.empty());
  world_.run_for(seconds(5));
  EXPECT_EQ(actor(0).advanced, std::vector<Instant>{local + seconds(2)});
}

TEST_F(Turns, AHostThatStartsIsWokenWhenItsProgramAsks) {
  world_.crash(0, Storage::kept);
  auto program = std::make_unique<ScriptedActor>(world_.host(0).id);
  ScriptedActor& started = *program;
  const Instant due = world_.local_now(0) + seconds(1);
  started.wakeup = due;
  world_.start(0, std::move(program));
  world_.run_for(seconds(2));
  EXPECT_EQ(started.advanced, std::vector<Instant>{due});
}

TEST_F(Turns, AStallPutsTimersOff) {
  const Instant local = world_.local_now(0);
  world_.stall(0, seconds(4));
  world_.act(0, [&](Actor&, Instant) { actor(0).wakeup = local + seconds(1); });
  world_.run_for(seconds(10));
  ASSERT_FALSE(actor(0).advanced.empty());
  EXPECT_EQ(actor(0).advanced[0], local + seconds(4));
}

TEST_F(Turns, ALeapOfTheClockBringsTimersForward) {
  const Instant local = world_.local_now(0);
  world_.act(0, [&](Actor&, Instant) { actor(0).wakeup = local + minutes(10); });
  world_.run_for(minutes(1));
  world_.leap_clock(0, minutes(8));
  EXPECT_EQ(world_.local_now(0), local + minutes(9));
  world_.run_for(minutes(1));
  EXPECT_EQ(actor(0).advanced, std::vector<Instant>{local + minutes(10)});
  world_.crash(1, Storage::kept);
  world_.leap_clock(1, minutes(1));  // It is down, and has no timer.
}

TEST_F(Turns, ANatLetsInAnswersButNoForgedSource) {
  send(0, 2);
  world_.run_for(seconds(1));
  EXPECT_TRUE(actor(2).heard.empty());
  send(2, 0);
  world_.run_for(seconds(1));
  send(0, 2);
  world_.send_as(1, endpoint(0), endpoint(2), Octets{1});  // Claims to be who was sent to.
  world_.run_for(seconds(1));
  EXPECT_EQ(actor(2).heard.size(), 1u);
  world_.send_as(1, endpoint(2), endpoint(0), Octets{3});
  world_.run_for(seconds(1));
  ASSERT_EQ(actor(0).heard.size(), 2u);
  EXPECT_EQ(actor(0).heard[1].from, endpoint(2)) << "as a forger wants it";
  EXPECT_FALSE(world_.host(2).is_public);
  EXPECT_TRUE(world_.host(1).is_public);
}

TEST_F(Turns, EachEventIsCounted) {
  const uint64_t before = world_.events_done();
  for (int i = 0; i < 3; ++i) world_.plan(seconds(1), [] {});
  send(0, 1);
  world_.run_for(seconds(2));
  EXPECT_EQ(world_.events_done() - before, 4u);
}

TEST_F(Turns, PlansAreCarriedOutInOrderAndNotInThePast) {
  std::string order;
  world_.run_for(seconds(5));
  world_.plan(seconds(2), [&] { order += 'c'; });
  world_.plan(Instant{}, [&] {
    order += 'a';
    world_.plan(seconds(1), [&] { order += 'b'; });
  });
  const Instant now = world_.now();
  world_.run_for(Duration{});
  EXPECT_EQ(order, "a");
  EXPECT_EQ(world_.now(), now);
  world_.run_for(seconds(2));
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(world_.now(), now + seconds(2));
}

TEST_F(Turns, AStopLeavesTheRestForTheNextRun) {
  int done = 0;
  const Instant begin = world_.now();
  world_.plan(seconds(1), [&] {
    ++done;
    world_.stop();
  });
  world_.plan(seconds(2), [&] { ++done; });
  world_.run_for(seconds(5));
  EXPECT_EQ(done, 1);
  EXPECT_EQ(world_.now(), begin + seconds(1));
  world_.run_for(seconds(5));
  EXPECT_EQ(done, 2);
  EXPECT_EQ(world_.now(), begin + seconds(6));
}

TEST_F(Turns, WhatIsRepeatedComesAtItsMeanUntilItSaysNo) {
  Rng rng(6);
  int done = 0;
  int never = 0;
  world_.repeat(rng, seconds(10), [&] { return ++done < 500; });
  world_.repeat(rng, {}, [&] { return ++never > 0; });
  world_.run_for(seconds(2'500));
  EXPECT_NEAR(done, 250, 50);
  world_.run_for(hours(3));
  EXPECT_EQ(done, 500);
  EXPECT_EQ(never, 0);
}

TEST_F(Turns, TheDigestIsOfBytesEndsAndTimes) {
  const auto digest_of = [](uint32_t from, uint32_t to, const Octets& bytes, Duration after) {
    World world(options());
    for (uint32_t i = 0; i < 3; ++i) {
      world.add_host(HostKind::hostile, endpoint(i), 1, 0);
      ScriptedActor::start(world, i);
    }
    world.run_for(after);
    world.send_as(from, endpoint(from), endpoint(to), bytes);
    return world.digest();
  };
  const uint64_t digest = digest_of(0, 1, {1, 2}, seconds(1));
  EXPECT_EQ(digest_of(0, 1, {1, 2}, seconds(1)), digest);
  EXPECT_NE(digest_of(0, 1, {1, 3}, seconds(1)), digest);
  EXPECT_NE(digest_of(0, 2, {1, 2}, seconds(1)), digest);
  EXPECT_NE(digest_of(2, 1, {1, 2}, seconds(1)), digest);
  EXPECT_NE(digest_of(0, 1, {1, 2}, seconds(2)), digest);
}

// ---- Watchers.

class Diary : public Watcher {
 public:
  explicit Diary(World& world) { world.add_watcher(*this); }
  void turn_begins(uint32_t host, const Datagram* datagram) override {
    note("begins", host);
    if (datagram != nullptr) text += " by a datagram";
  }
  void sent(uint32_t host, const Endpoint&, Bytes) override { note("sends", host); }
  void turn_ends(uint32_t host) override { note("ends", host); }
  void finished(uint32_t host, const OperationResult&, Bytes) override { note("finishes", host); }
  void went_down(uint32_t host, Storage storage) override {
    note(storage == Storage::lost ? "loses all" : "goes down", host);
  }
  std::string text;

 private:
  void note(const char* what, uint32_t host) {
    text += (text.empty() ? "" : ", ") + std::to_string(host) + ' ' + what;
  }
};

TEST_F(Turns, WatchersSeeEachStepInOrder) {
  Diary diary(world_);
  send(0, 1);
  world_.run_for(seconds(1));
  world_.act(1, [&](Actor&, Instant) { world_.finished(1, {}, {}); });
  world_.crash(1, Storage::lost);
  world_.crash(0, Storage::kept);
  EXPECT_EQ(diary.text,
            "0 begins, 0 sends, 0 ends, 1 begins by a datagram, 1 ends, "
            "1 begins, 1 finishes, 1 ends, 1 loses all, 0 goes down");
}

// ---- Node time across restarts.

class Restarts : public Turns {
 protected:
  Restarts() {
    host_ = world_.add_host(HostKind::xord, endpoint(9), 1, 0);
    began_ = world_.local_now(host_);
    world_.start(host_);
  }
  // The time since the first start that the node of the next run begins with.
  Duration restarted_after(Duration away) {
    world_.run_for(away);
    world_.start(host_);
    return world_.local_now(host_) - began_;
  }
  uint32_t host_;
  Instant began_;
};

TEST_F(Restarts, TimeGoesOnAsTheWallClockDid) {
  world_.run_for(seconds(150));
  world_.crash(host_, Storage::kept);
  EXPECT_EQ(restarted_after(seconds(40)), seconds(190));
  world_.run_for(seconds(10));
  world_.crash(host_, Storage::kept);
  EXPECT_EQ(restarted_after(hours(1)), seconds(200) + hours(1));
}

// What was saved last is the whole minute before the crash.
TEST_F(Restarts, AWallClockThatWasSetBackStopsTimeAndNeverTurnsItBack) {
  world_.run_for(seconds(150));
  world_.crash(host_, Storage::kept);
  world_.host(host_).wall_error = -hours(2);
  EXPECT_EQ(restarted_after(minutes(10)), seconds(120));
}

TEST_F(Restarts, AWallClockThatWasSetForwardIsBelieved) {
  world_.run_for(seconds(150));
  world_.crash(host_, Storage::kept);
  world_.host(host_).wall_error = hours(2);
  EXPECT_EQ(restarted_after(minutes(10)), seconds(150) + minutes(10) + hours(2));
  world_.run_for(seconds(60));
  world_.crash(host_, Storage::kept);
  EXPECT_EQ(restarted_after(minutes(1)), seconds(270) + minutes(10) + hours(2))
      << "the error that was there before says nothing of the absence";
}

TEST_F(Restarts, TheDriftIsThatOfTheMachine) {
  const uint32_t fast = world_.add_host(HostKind::xord, endpoint(10), 1, 1'000);
  const Instant began = world_.local_now(fast);
  world_.start(fast);
  world_.run_for(seconds(60));
  EXPECT_EQ(world_.local_now(fast), began + seconds(60) + milliseconds(60));
  world_.crash(fast, Storage::kept);
  world_.start(fast);
  EXPECT_EQ(world_.local_now(fast), began + seconds(60) + milliseconds(60));
  world_.run_for(seconds(60));
  EXPECT_EQ(world_.local_now(fast), began + seconds(120) + milliseconds(120));
}

TEST_F(Restarts, OnlyAHostOfAXordNodeHasADisk) {
  EXPECT_NE(world_.host(host_).disk, nullptr);
  EXPECT_EQ(world_.host(0).disk, nullptr);
  EXPECT_EQ(world_.host_at(endpoint(9)), host_);
  EXPECT_EQ(world_.host_at(endpoint(200)), std::nullopt);
  EXPECT_NE(world_.host(host_).id, world_.host(0).id);
  EXPECT_NE(world_.host(host_).node, nullptr);
  world_.crash(host_, Storage::kept);
  EXPECT_EQ(world_.host(host_).node, nullptr);
}

}  // namespace
}  // namespace xord::sim
