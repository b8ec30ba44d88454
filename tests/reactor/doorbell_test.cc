// The doorbell alone; with a mailbox: tests/reactor/mailbox_test.cc.
#include "reactor/doorbell.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>
#include <string>

#include "tests/lowered_limit.h"

namespace xord {
namespace {

bool is_rung(const Doorbell& doorbell) {
  pollfd polled{doorbell.fd(), POLLIN, 0};
  return poll(&polled, 1, 0) == 1;
}

TEST(Doorbell, RingsForASleeperOnceASleep) {
  Doorbell doorbell;
  ASSERT_FALSE(doorbell.error());
  doorbell.ring_if_asleep();
  EXPECT_FALSE(is_rung(doorbell)) << "nobody sleeps";
  doorbell.announce_sleep();
  doorbell.ring_if_asleep();
  EXPECT_TRUE(is_rung(doorbell));
  doorbell.wait(std::nullopt);
  EXPECT_FALSE(is_rung(doorbell)) << "that ring was heard";
  doorbell.announce_sleep();
  doorbell.awake();
  doorbell.ring_if_asleep();
  EXPECT_FALSE(is_rung(doorbell)) << "the sleep was called off";
}

TEST(Doorbell, AWaitEndsTheAnnouncementAndHearsAllRingsBefore) {
  Doorbell doorbell;
  doorbell.ring();
  doorbell.ring();
  doorbell.announce_sleep();
  doorbell.wait(std::nullopt);
  EXPECT_FALSE(is_rung(doorbell));
  doorbell.ring_if_asleep();
  EXPECT_FALSE(is_rung(doorbell));
}

TEST(Doorbell, AWaitOfNoTimeOrLessIsOver) {
  Doorbell doorbell;
  doorbell.wait(Duration{});
  doorbell.wait(-seconds(1));
  EXPECT_FALSE(is_rung(doorbell));
}

TEST(Doorbell, ThatCannotBeMadeSaysWhy) {
  const std::string descriptors = "/proc/self/fd";
  const auto open_files = [&] {
    const std::filesystem::directory_iterator all(descriptors);
    return std::distance(begin(all), end(all));
  };
  const auto before = open_files();
  { const Doorbell doorbell; }
  EXPECT_EQ(open_files(), before);
  const LoweredLimit limit(RLIMIT_NOFILE, 0);
  const Doorbell doorbell;
  ASSERT_TRUE(doorbell.error());
  EXPECT_EQ(doorbell.error()->sentence,
            "cannot open an eventfd; raise the limit on open files: Too many open files");
  EXPECT_EQ(doorbell.error()->error_number, EMFILE);
}

}  // namespace
}  // namespace xord
