#include "storage/files/clock_file.h"

#include <algorithm>

#include "storage/files/payload.h"
#include "storage/files/small_file.h"
#include "storage/operation.h"

namespace xord {
namespace {

constexpr uint16_t version = 1;
// Longer than any record lives; a wall clock that claims more must not overflow node time.
constexpr Duration absence_max = seconds(int64_t{2} * ttl_max);
// The last possible node time is later than the first.
static_assert(ttl_max < UINT32_MAX / 4 && first_node_seconds < UINT32_MAX - 4 * ttl_max);
static_assert(clock_doubt < absence_max);

}  // namespace

ResumedClock resume_clock(const std::optional<SavedClock>& saved, Duration wall_now, Duration ttl) {
  if (!saved) return {instant_of(first_node_seconds), {}, false};
  const bool is_known = is_possible_wall_time(saved->wall_time) && is_possible_wall_time(wall_now);
  const Duration absent =
      is_known ? std::clamp(wall_now - saved->wall_time, Duration{}, absence_max) : Duration{};
  return {saved->node_time + absent, absent, absent > ttl};
}

bool is_possible_node_time(Instant time) {
  return time >= instant_of(first_node_seconds) && time <= instant_of(UINT32_MAX - 4 * ttl_max);
}

std::variant<std::optional<SavedClock>, IoError> read_clock(const DataDirectory& directory) {
  const std::string path = directory.file("clock");
  auto read = read_small_file(path, FileKind::clock, version);
  if (auto* error = std::get_if<IoError>(&read)) return *error;
  const auto* file = std::get_if<SmallFile>(&read);
  if (file == nullptr) return std::optional<SavedClock>();
  PayloadReader in(file->second);
  SavedClock clock;
  clock.node_time.nanoseconds = in.integer<int64_t>();
  clock.wall_time.nanoseconds = in.integer<int64_t>();
  if (in.is_complete() && is_possible_node_time(clock.node_time)) return std::optional(clock);
  return IoError{path +
                     " is damaged (wrong content): put a backup in its place; without it every "
                     "stored record would seem to be from another time",
                 0};
}

std::optional<IoError> write_clock(const DataDirectory& directory, const SavedClock& clock) {
  PayloadWriter out;
  out.integer(clock.node_time.nanoseconds);
  out.integer(clock.wall_time.nanoseconds);
  return write_small_file(directory.file("clock"), FileKind::clock, version, out.payload());
}

}  // namespace xord
