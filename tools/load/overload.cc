#include "tools/load/overload.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {

bool is_recovered(const StepResult& peak, const RecoverySlice& slice) {
  return slice.rate >= recovered_share * peak.rate();
}

OverloadResult overload_of(const StepResult& peak, const StepResult& flood,
                           std::span<const RecoverySlice> slices) {
  CHECK(slices.size() <= recovery_slices_max);
  CHECK(std::ranges::is_sorted(slices, {}, &RecoverySlice::until));
  OverloadResult result;
  if (peak.rate() > 0 && flood.length.nanoseconds > 0) {
    const double offered = static_cast<double>(flood.sent()) / flood.length.seconds();
    result.multiple = offered / peak.rate();
    result.goodput_share = flood.rate() / peak.rate();
  }
  for (const RecoverySlice& slice : slices) {
    if (!result.recovered_after && is_recovered(peak, slice)) result.recovered_after = slice.until;
  }
  return result;
}

}  // namespace xord
