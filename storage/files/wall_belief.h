// Which wall time to save in `clock`. The wall clock may be wrong for a while (1970 until NTP
// answers, a day set back by hand): what is saved then decides how long an absence the next start
// reckons with. So a reading is believed at once when it is ahead of what the last belief and the
// time since lead to expect, and when it is behind, only after it has been for a day: the error
// is then a shorter absence, bounded by that step, and never a life cut short. Reads no clock.
#pragma once

#include <optional>

#include "storage/files/clock_file.h"

namespace xord {

class WallBelief {
 public:
  // `saved`: of the last run, empty at a first start. `now` is node time as resumed.
  WallBelief(const std::optional<SavedClock>& saved, Instant now, Duration wall_now);

  // The pair to save at node time `now`, which never goes backwards.
  SavedClock at(Instant now, Duration wall_now);

 private:
  SavedClock believed_;
  std::optional<Instant> behind_since_;
};

}  // namespace xord
