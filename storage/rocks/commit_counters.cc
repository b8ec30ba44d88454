#include "storage/rocks/commit_counters.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "reactor/base/instant.h"

namespace xord {
namespace {

constexpr uint64_t bound_1ms = 1'000'000;
constexpr uint64_t bound_10ms = 10'000'000;
constexpr uint64_t bound_100ms = 100'000'000;
constexpr uint64_t bound_1s = 1'000'000'000;

constexpr bool is_bound(uint64_t nanoseconds) {
  return std::find(commit_bounds.begin(), commit_bounds.end(), nanoseconds) != commit_bounds.end();
}
static_assert(is_bound(bound_1ms) && is_bound(bound_10ms) && is_bound(bound_100ms) &&
              is_bound(bound_1s));

// The batches in buckets whose bound is above `above` and at most `most`.
uint64_t count_within(const Histograms<CommitHistogram>& commits, uint64_t above, uint64_t most) {
  CHECK(above < most);
  uint64_t batches = 0;
  for (size_t bucket = 0; bucket <= commit_bounds.size(); ++bucket) {
    const uint64_t bound = bucket < commit_bounds.size() ? commit_bounds[bucket] : UINT64_MAX;
    if (bound <= above || bound > most) continue;
    batches += commits.count_in(CommitHistogram::commit_duration_seconds, bucket);
  }
  return batches;
}

}  // namespace

uint64_t sum_of(const Histograms<CommitHistogram>& commits, CommitSum which) {
  switch (which) {
    case CommitSum::batches:
      return commits.count(CommitHistogram::commit_duration_seconds);
    case CommitSum::commit_nanoseconds:
      return commits.sum(CommitHistogram::commit_duration_seconds);
    case CommitSum::commits_within_1ms:
      return count_within(commits, 0, bound_1ms);
    case CommitSum::commits_within_10ms:
      return count_within(commits, bound_1ms, bound_10ms);
    case CommitSum::commits_within_100ms:
      return count_within(commits, bound_10ms, bound_100ms);
    case CommitSum::commits_within_1s:
      return count_within(commits, bound_100ms, bound_1s);
    case CommitSum::commits_longer:
      return count_within(commits, bound_1s, UINT64_MAX);
    case CommitSum::count:
      break;
  }
  CHECK(false);
  return 0;
}

}  // namespace xord
