// `clock`: node time and wall time as a pair, saved each minute and at exit, and the rule by which
// node time resumes at the next start (docs/ARCHITECTURE.md, "Time"): the saved node time plus the
// advance of the wall clock since, at least 0. Neither a step of the wall clock during a run nor
// a clock set back between runs does harm (storage/files/wall_belief.h).
#pragma once

#include <optional>
#include <variant>

#include "reactor/base/instant.h"
#include "storage/files/data_directory.h"

namespace xord {

struct SavedClock {
  Instant node_time;
  Duration wall_time;  // reactor/monotonic.h, wall_time().
};

struct ResumedClock {
  Instant now;      // Node time at this start.
  Duration absent;  // How long the node was away, as far as the clocks can tell.
  // Away for longer than the ttl: more likely a wrong clock than a true absence. Log it, and for
  // `clock_doubt` do not rewrite `clock`, load records as LoadedRecords::hidden, and do not call
  // RocksStore::set_reclaim_time(): a restart with the right clock then restores everything.
  bool is_doubtful = false;
};
constexpr Duration clock_doubt = hours(24);

// Whether a wall clock may be right: false before this program was written (a board without a
// battery says 1970). Such a reading does not tell how long the node was away.
constexpr bool is_possible_wall_time(Duration wall) {
  return wall >= seconds(1'600'000'000);  // September 2020.
}

// Whether this is a valid node time: not before its beginning, and early enough that no time in a
// record overflows.
bool is_possible_node_time(Instant time);

// `saved` is empty at the first start.
ResumedClock resume_clock(const std::optional<SavedClock>& saved, Duration wall_now, Duration ttl);

std::variant<std::optional<SavedClock>, IoError> read_clock(const DataDirectory& directory);
std::optional<IoError> write_clock(const DataDirectory& directory, const SavedClock& clock);

}  // namespace xord
