#include "storage/files/wall_belief.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {
namespace {

// A clock that is behind by less is being slewed, and is right.
constexpr Duration slewed = seconds(1);
static_assert(slewed < clock_doubt);

}  // namespace

WallBelief::WallBelief(const std::optional<SavedClock>& saved, Instant now, Duration wall_now)
    : believed_{now, saved ? std::max(saved->wall_time, wall_now) : wall_now} {}

SavedClock WallBelief::at(Instant now, Duration wall_now) {
  CHECK(now >= believed_.node_time && (!behind_since_ || now >= *behind_since_));
  const Duration expected = believed_.wall_time + (now - believed_.node_time);
  if (wall_now >= expected - slewed) {
    behind_since_.reset();
    believed_ = {now, wall_now};
    return believed_;
  }
  if (!behind_since_) behind_since_ = now;
  const bool is_believed = is_possible_wall_time(wall_now) && now >= *behind_since_ + clock_doubt;
  believed_ = {now, is_believed ? wall_now : expected};
  if (is_believed) behind_since_.reset();
  return believed_;
}

}  // namespace xord
