#include "node/server/health/health_history.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {

void HealthHistory::add(const HealthSample& sample) {
  const HealthSample last = count_ > 0 ? newest() : HealthSample{.at = sample.at};
  CHECK(sample.at >= last.at);
  CHECK(sample.calls_answered <= sample.calls_ended);
  if (sample.inbound > last.inbound) inbound_at_ = sample.at;
  if (sample.lookups > last.lookups) lookup_at_ = sample.at;
  // The newest is always kept, later only if it is far enough from the one before it.
  if (count_ >= 2 && last.at - this->sample(count_ - 2).at < apart) --count_;
  if (count_ == samples_max) {
    first_ = (first_ + 1) % samples_max;
    --count_;
  }
  samples_[(first_ + count_) % samples_max] = sample;
  ++count_;
}

void HealthHistory::add(const CanaryRun& run) {
  CHECK(run.took >= Duration{});
  runs_[runs_count_ % canary_runs_kept] = run;
  ++runs_count_;
  const bool is_failed = run.found < run.wanted || !run.is_stored;
  failed_in_a_row_ = is_failed ? failed_in_a_row_ + 1 : 0;
}

const HealthSample& HealthHistory::before(Duration window) const {
  CHECK(count_ > 0);
  size_t index = count_ - 1;
  while (index > 0 && newest().at - sample(index).at < window) --index;
  return sample(index);
}

void HealthHistory::describe(HealthFacts* facts) const {
  CHECK(facts != nullptr && count_ <= samples_max);
  if (count_ == 0) return;
  const HealthSample& now = newest();
  const HealthSample& calls = before(outbound_window);
  const HealthSample& datagrams = before(overload_window);
  facts->calls_ended = now.calls_ended - calls.calls_ended;
  facts->calls_answered = std::min(now.calls_answered - calls.calls_answered, facts->calls_ended);
  facts->datagrams_received = now.received - datagrams.received;
  facts->datagrams_dropped = now.dropped - datagrams.dropped;
  if (inbound_at_) facts->inbound_age = now.at - *inbound_at_;
  if (lookup_at_) facts->lookup_age = now.at - *lookup_at_;
  CanaryFacts& canary = facts->canary;
  canary.runs = runs_count_;
  canary.failed_in_a_row = failed_in_a_row_;
  if (runs_count_ == 0) return;
  const CanaryRun& last = runs_[(runs_count_ - 1) % canary_runs_kept];
  canary.found = last.found;
  canary.wanted = last.wanted;
  std::array<Duration, canary_runs_kept> took;
  const size_t kept = std::min<size_t>(runs_count_, canary_runs_kept);
  for (size_t i = 0; i < kept; ++i) took[i] = runs_[i].took;
  const auto middle = took.begin() + static_cast<std::ptrdiff_t>((kept - 1) / 2);
  std::nth_element(took.begin(), middle, took.begin() + static_cast<std::ptrdiff_t>(kept));
  canary.median = *middle;
}

}  // namespace xord
