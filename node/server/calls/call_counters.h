// How the calls in progress ended, by kind and status, and how long each took, from the call to its
// result: names are resolved and records are loaded within that time. Calls refused at once are
// among them. One thread at a time counts, under the lock of Calls; any may read.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "node/budget.h"
#include "node/server/calls/results.h"
#include "node/server/shards/shard_frames.h"
#include "reactor/base/check.h"
#include "reactor/base/histogram.h"

namespace xord {

// A get of a value that is held here takes microseconds, a set to nodes of which half are dead
// twice the 5 s of a call.
inline constexpr auto operation_bounds =
    bounds_in_microseconds({1'000, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 500'000,
                            1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000});
inline constexpr std::array<uint64_t, 7> replicas_bounds{0, 1, 5, 10, 15, 19, 20};

// No more than the k nearest and this node store a value.
static_assert(replicas_bounds.back() == bucket_size);

#define XORD_OPERATION_HISTOGRAMS(X)                       \
  X(operation_duration_seconds, seconds, operation_bounds, \
    "Calls of the program and of the control socket, by kind and outcome.")
enum class OperationHistogram : uint8_t {
  XORD_OPERATION_HISTOGRAMS(XORD_HISTOGRAM_ENUMERATOR) count
};
inline std::span<const HistogramInfo> info_of(OperationHistogram) {
  static constexpr HistogramInfo infos[] = {XORD_OPERATION_HISTOGRAMS(XORD_HISTOGRAM_INFO)};
  return infos;
}

#define XORD_SET_HISTOGRAMS(X)             \
  X(set_replicas, number, replicas_bounds, \
    "Nodes that stored the value of a set or keep, this one included.")
enum class SetHistogram : uint8_t { XORD_SET_HISTOGRAMS(XORD_HISTOGRAM_ENUMERATOR) count };
inline std::span<const HistogramInfo> info_of(SetHistogram) {
  static constexpr HistogramInfo infos[] = {XORD_SET_HISTOGRAMS(XORD_HISTOGRAM_INFO)};
  return infos;
}

class CallCounters {
 public:
  static constexpr size_t kinds = static_cast<size_t>(CommandKind::drain);  // Not a call.
  static constexpr size_t statuses = static_cast<size_t>(ServerStatus::stopped) + 1;

  // `stored`: of a set or keep that was carried out, the nodes that have it.
  void count_end(CommandKind kind, Duration took, ServerStatus status, uint32_t stored) {
    durations_[index_of(kind)][index_of(status)].observe(
        OperationHistogram::operation_duration_seconds, took);
    const bool sets = kind == CommandKind::set || kind == CommandKind::keep;
    const bool was_sent = status == ServerStatus::done || status == ServerStatus::not_stored;
    CHECK(stored == 0 || (sets && was_sent));
    if (sets && was_sent) replicas_.observe(SetHistogram::set_replicas, uint64_t{stored});
  }

  const Histograms<OperationHistogram>& durations(CommandKind kind, ServerStatus status) const {
    return durations_[index_of(kind)][index_of(status)];
  }
  const Histograms<SetHistogram>& replicas() const { return replicas_; }

 private:
  static size_t index_of(CommandKind kind) {
    CHECK(is_call(kind));
    return static_cast<size_t>(kind);
  }
  static size_t index_of(ServerStatus status) {
    CHECK(status <= ServerStatus::stopped);
    return static_cast<size_t>(status);
  }

  std::array<std::array<Histograms<OperationHistogram>, statuses>, kinds> durations_;
  Histograms<SetHistogram> replicas_;
};

}  // namespace xord
