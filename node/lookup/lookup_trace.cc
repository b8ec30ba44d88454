#include "node/lookup/lookup_trace.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {

void LookupTrace::start(Instant now) {
  began_ = now;
  took_ = 0;
  count_ = 0;
  left_out_ = 0;
}

void LookupTrace::asked(Instant now, Lookup::Row row, std::optional<Lookup::Row> named_by,
                        const Contact& contact) {
  DCHECK(!index_of(row));  // Each row is asked once.
  if (count_ == calls_.size()) {
    ++left_out_;
    return;
  }
  TracedCall call;
  call.contact = contact;
  call.began = since(began_, now);
  // A parent that was left out is not known.
  if (named_by) call.parent = index_of(*named_by).value_or(TracedCall::no_parent);
  rows_[count_] = row;
  calls_[count_++] = call;
}

void LookupTrace::ended(Instant now, Lookup::Row row, TracedCall::Outcome outcome, size_t named) {
  CHECK(outcome != TracedCall::Outcome::open);
  const auto index = index_of(row);
  if (!index) return;  // Left out.
  TracedCall& call = calls_[*index];
  call.outcome = outcome;
  if (outcome != TracedCall::Outcome::answered) return;
  call.took = since(began_, now) - call.began;
  call.named = static_cast<uint8_t>(std::min<size_t>(named, UINT8_MAX));
}

void LookupTrace::finish(Instant now, std::span<const Contact> nearest) {
  CHECK(nearest.size() <= bucket_size);
  took_ = since(began_, now);
  for (TracedCall& call : std::span(calls_).first(count_)) {
    call.is_nearest = std::find(nearest.begin(), nearest.end(), call.contact) != nearest.end();
  }
}

std::optional<uint8_t> LookupTrace::index_of(Lookup::Row row) const {
  const auto* const end = rows_.begin() + count_;
  const auto* const at = std::find(rows_.begin(), end, row);
  return at == end ? std::nullopt : std::optional(static_cast<uint8_t>(at - rows_.begin()));
}

uint32_t LookupTrace::since(Instant began, Instant now) const {
  DCHECK(now >= began);
  return static_cast<uint32_t>(std::min<int64_t>((now - began).nanoseconds / 1000, not_known - 1));
}

}  // namespace xord
