// Rules of the two outboxes: datagrams to send, and frames for other shards.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reactor/base/datagram.h"
#include "reactor/base/frames.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

using Octets = std::vector<uint8_t>;

Path path_to(uint16_t port) {
  return {Endpoint::ipv4(0x7f000001, port), {}};
}

void put(Outbox& out, uint16_t port, std::string_view text, size_t reserved) {
  const MutableBytes room = out.reserve(reserved);
  ASSERT_EQ(room.size(), reserved);
  std::copy(text.begin(), text.end(), room.begin());
  out.commit(path_to(port), text.size());
}

TEST(Outbox, HoldsWhatWasCommittedInOrderAndWithoutGaps) {
  Outbox out(4, 100);
  put(out, 1, "first", 50);
  put(out, 2, "", 10);
  put(out, 3, "third", 5);
  ASSERT_EQ(out.entries().size(), 3u);
  EXPECT_EQ(text_of(out.bytes(out.entries()[0])), "first");
  EXPECT_EQ(text_of(out.bytes(out.entries()[1])), "");
  EXPECT_EQ(text_of(out.bytes(out.entries()[2])), "third");
  EXPECT_EQ(out.entries()[2].path.remote.port, 3);
  EXPECT_EQ(out.entries()[2].offset, 5u);
}

TEST(Outbox, IsFullAtItsNumberOfDatagrams) {
  Outbox out(2, 100);
  put(out, 1, "a", 1);
  put(out, 2, "b", 1);
  EXPECT_FALSE(out.has_room(1));
  EXPECT_TRUE(out.reserve(1).empty());
  out.clear();
  EXPECT_EQ(out.entries().size(), 0u);
  EXPECT_EQ(out.reserve(100).size(), 100u);
}

TEST(Outbox, IsFullAtItsNumberOfBytes) {
  Outbox out(10, 8);
  EXPECT_TRUE(out.reserve(9).empty());
  put(out, 1, "12345", 8);
  EXPECT_TRUE(out.reserve(4).empty());
  put(out, 2, "678", 3);
  EXPECT_FALSE(out.has_room(1));
}

TEST(Outbox, ReservingAgainWithoutACommitUndoesNothing) {
  Outbox out(4, 100);
  const MutableBytes first = out.reserve(60);
  const MutableBytes second = out.reserve(60);
  EXPECT_EQ(first.data(), second.data());
  put(out, 1, "x", 100);
}

TEST(OutboxDeathTest, CommittingMoreThanThereIsIsOurBug) {
  Outbox out(1, 8);
  ASSERT_EQ(out.reserve(8).size(), 8u);
  EXPECT_DEATH(out.commit(path_to(1), 9), "size <=");
  out.commit(path_to(1), 8);
  EXPECT_DEATH(out.commit(path_to(1), 0), "datagrams_max_");
}

struct Header {
  uint32_t kind;
  uint16_t detail;
};

TEST(FrameOutbox, AFrameIsItsHeaderAndTheBytesBehindIt) {
  FrameOutbox out(4, 100);
  const Octets tail = {1, 2, 3};
  ASSERT_TRUE(out.push(7, Header{1, 2}, tail));
  ASSERT_TRUE(out.push(8, Header{3, 4}));
  const auto first = out.entries()[0];
  EXPECT_EQ(first.to, 7u);
  EXPECT_EQ(frame_header<Header>(out.bytes(first))->detail, 2);
  EXPECT_TRUE(equal(frame_tail<Header>(out.bytes(first)), tail));
  EXPECT_EQ(frame_header<Header>(out.bytes(out.entries()[1]))->kind, 3u);
  EXPECT_TRUE(frame_tail<Header>(out.bytes(out.entries()[1])).empty());
}

TEST(FrameOutbox, AFrameTooShortForItsHeaderHasNone) {
  const Octets frame(sizeof(Header) - 1);
  EXPECT_EQ(frame_header<Header>(frame), nullptr);
}

TEST(FrameOutbox, FramesAreAlignedForTheirHeaders) {
  FrameOutbox out(10, 1'000);
  const Octets tail(13);
  for (size_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(out.push(0, uint64_t{i}, Bytes(tail).first(i)));
  }
  for (const auto& entry : out.entries()) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(out.bytes(entry).data()) % 8, 0u);
  }
}

// Against a plain list from which some are taken each time.
TEST(FrameOutbox, WhatIsNotTakenStaysInOrderAndGivesTheRoomOfTheOthersBack) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    FrameOutbox out(16, 400);
    std::vector<std::pair<uint32_t, Octets>> expected;
    for (int round = 0; round < 20; ++round) {
      Octets tail(rng.bounded(40));
      rng.fill(tail);
      const auto to = static_cast<uint32_t>(rng.bounded(3));
      while (out.push(to, uint32_t{7}, tail)) expected.emplace_back(to, tail);
      const auto taken_to = static_cast<uint32_t>(rng.bounded(3));
      size_t asked = 0;
      out.take([&](const FrameOutbox::Entry& entry, Bytes frame) {
        EXPECT_EQ(entry.to, expected[asked].first);
        EXPECT_TRUE(equal(frame_tail<uint32_t>(frame), expected[asked].second));
        ++asked;
        return entry.to == taken_to;
      });
      ASSERT_EQ(asked, expected.size());
      std::erase_if(expected, [&](const auto& each) { return each.first == taken_to; });
      ASSERT_EQ(out.entries().size(), expected.size());
    }
    out.take([](const auto&, Bytes) { return true; });
    EXPECT_TRUE(out.push(0, uint32_t{7}, Octets(392))) << "all of its room is back";
  }
}

// Against the plain statement of its limits: this many frames, this many bytes in steps of eight.
TEST(FrameOutbox, RefusesExactlyWhatDoesNotFitAndKeepsWhatDid) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const auto frames_max = static_cast<uint32_t>(1 + rng.bounded(8));
    const auto bytes_max = static_cast<uint32_t>(8 + rng.bounded(200));
    FrameOutbox out(frames_max, bytes_max);
    std::vector<Octets> expected;
    size_t used = 0;
    for (int step = 0; step < 30; ++step) {
      Octets tail(rng.bounded(50));
      rng.fill(tail);
      const bool fits = expected.size() < frames_max && used + 4 + tail.size() <= bytes_max / 8 * 8;
      ASSERT_EQ(out.push(9, static_cast<uint32_t>(step), tail), fits) << step;
      if (fits) {
        expected.push_back(tail);
        used += (4 + tail.size() + 7) / 8 * 8;
      }
      if (rng.chance(0.05)) {
        out.clear();
        expected.clear();
        used = 0;
      }
    }
    ASSERT_EQ(out.entries().size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(equal(frame_tail<uint32_t>(out.bytes(out.entries()[i])), expected[i]));
    }
  }
}

}  // namespace
}  // namespace xord
