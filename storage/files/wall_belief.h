// Decides which wall time to save in `clock`. The wall clock may be wrong for a while (1970 until
// NTP answers, a day set back by hand), and the next start computes the length of the absence from
// the saved time. So a reading ahead of the expected time (the last belief plus the time since) is
// believed at once, and a reading behind it only after it has been behind for a day. The error is
// then a shorter absence, bounded by that step, and never a life cut short. Reads no clock.
#pragma once

#include <optional>

#include "storage/files/clock_file.h"

namespace xord {

class WallBelief {
 public:
  // `saved`: from the last run, empty at the first start. `now` is node time as resumed.
  WallBelief(const std::optional<SavedClock>& saved, Instant now, Duration wall_now);

  // The pair to save at node time `now`, which never goes backwards.
  SavedClock at(Instant now, Duration wall_now);

 private:
  SavedClock believed_;
  std::optional<Instant> behind_since_;
};

}  // namespace xord
