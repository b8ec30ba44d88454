// What a wall clock that is wrong for a while does to the next start. Each test goes through the
// runs of a node as the server does: resume, save each minute, end.
#include "storage/files/wall_belief.h"

#include <gtest/gtest.h>

#include "storage/operation.h"

namespace xord {
namespace {

constexpr Duration week = hours(7 * 24);

// A host whose wall clock may be off, and the file `clock` on it.
struct Host {
  Duration true_wall = seconds(1'790'000'000);
  Duration off{};  // Error of the wall clock.
  std::optional<SavedClock> saved;
  ResumedClock resumed;
  std::optional<WallBelief> belief;
  Instant now;

  Duration wall() const { return true_wall + off; }
  void start() {
    resumed = resume_clock(saved, wall(), week);
    now = resumed.now;
    belief.emplace(saved, now, wall());
    save();
  }
  void save() {
    const SavedClock pair = belief->at(now, wall());
    if (!resumed.is_doubtful || now >= resumed.now + clock_doubt) saved = pair;
  }
  void run(Duration length) {
    for (Duration passed; passed < length; passed = passed + minutes(1)) {
      true_wall = true_wall + minutes(1);
      now = now + minutes(1);
      save();
    }
  }
  void stay_off(Duration length) { true_wall = true_wall + length; }
  void set_wall(Duration reading) { off = reading - true_wall; }
};

TEST(WallBelief, ARightClockIsSavedAsItIs) {
  Host host;
  host.start();
  host.run(hours(1));
  EXPECT_EQ(host.saved->wall_time, host.true_wall);
  host.stay_off(hours(5));
  const Instant before = host.now;
  host.start();
  EXPECT_EQ(host.now, before + hours(5));
}

TEST(WallBelief, ABootIn1970AndTheRightClockAfterItCountTheWholeAbsenceOnce) {
  Host host;
  host.start();
  host.run(hours(1));
  const Instant before = host.now;
  host.stay_off(hours(10));
  host.set_wall(seconds(30));
  host.start();
  EXPECT_EQ(host.now, before);  // Nothing expires.
  EXPECT_FALSE(host.resumed.is_doubtful);
  host.run(hours(48));
  host.off = {};
  host.stay_off(hours(2));
  host.start();
  EXPECT_EQ(host.now, before + hours(60));  // Nothing lives longer.
  EXPECT_FALSE(host.resumed.is_doubtful);
}

TEST(WallBelief, AFirstStartIn1970AndTheRightClockAfterItCountAsNoAbsence) {
  Host host;
  host.set_wall(seconds(30));
  host.start();
  host.run(hours(1));
  const Instant before = host.now;
  host.off = {};
  host.start();
  EXPECT_EQ(host.now, before);
  EXPECT_FALSE(host.resumed.is_doubtful);
}

TEST(WallBelief, AClockThatIsSetRightInARunIsBelievedAtOnce) {
  Host host;
  host.set_wall(seconds(30));
  host.start();
  host.run(hours(1));
  host.off = {};
  host.run(minutes(1));
  EXPECT_EQ(host.saved->wall_time, host.true_wall);
}

TEST(WallBelief, AStepOfADayEitherWayInARunNeitherExpiresNorImmortalises) {
  for (const Duration step : {hours(24), -hours(24)}) {
    Host host;
    host.start();
    host.run(hours(1));
    host.off = step;
    host.run(hours(3));
    const Instant before = host.now;
    host.off = {};  // Correct again at the next start, an hour later.
    host.stay_off(hours(1));
    host.start();
    EXPECT_GE(host.now, before);
    EXPECT_LE(host.now, before + hours(1));
    EXPECT_FALSE(host.resumed.is_doubtful);
    // The error is gone after a day: an absence counts again.
    host.run(hours(25));
    const Instant later = host.now;
    host.stay_off(hours(5));
    host.start();
    EXPECT_EQ(host.now, later + hours(5));
  }
}

TEST(WallBelief, AYearAheadAtStartIsDoubtedAndLeavesTheFileAlone) {
  Host host;
  host.start();
  host.run(hours(1));
  const Instant before = host.now;
  host.off = hours(24 * 365);
  host.start();
  EXPECT_TRUE(host.resumed.is_doubtful);
  host.run(hours(23));
  host.off = {};
  host.start();
  EXPECT_FALSE(host.resumed.is_doubtful);
  EXPECT_EQ(host.now, before + hours(23));
}

TEST(WallBelief, AClockThatStaysBehindIsBelievedAfterADay) {
  Host host;
  host.start();
  host.run(hours(1));
  host.off = -hours(24 * 30);
  host.run(hours(25));
  EXPECT_EQ(host.saved->wall_time, host.wall());
}

TEST(WallBelief, ADayBehindCountsFromTheLastTimeItWasRight) {
  Host host;
  host.start();
  host.run(hours(1));
  host.off = -hours(24 * 30);
  host.run(hours(23));
  host.off = {};
  host.run(hours(1));
  host.off = -hours(24 * 30);
  host.run(hours(2));
  EXPECT_EQ(host.saved->wall_time, host.true_wall);
  host.run(hours(23));
  EXPECT_EQ(host.saved->wall_time, host.wall());
}

TEST(WallBelief, OnceItIsBelievedAFurtherStepBackIsDoubtedAsLong) {
  Host host;
  host.start();
  host.off = -hours(24 * 30);
  host.run(hours(24) + minutes(1));
  ASSERT_EQ(host.saved->wall_time, host.wall());
  const Duration expected = host.wall();
  host.off = -hours(24 * 60);
  host.run(minutes(1));
  EXPECT_EQ(host.saved->wall_time, expected + minutes(1));
}

TEST(WallBelief, AClockBehindByASecondIsRight) {
  Host host;
  host.start();
  host.off = -seconds(1);
  host.run(minutes(1));
  EXPECT_EQ(host.saved->wall_time, host.wall());
  host.off = -seconds(1) - seconds(1) - nanoseconds(1);
  host.run(minutes(1));
  EXPECT_EQ(host.saved->wall_time, host.true_wall - seconds(1));
}

}  // namespace
}  // namespace xord
