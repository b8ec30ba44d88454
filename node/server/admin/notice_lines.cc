#include "node/server/admin/notice_lines.h"

#include <cmath>
#include <utility>

#include "reactor/base/check.h"

namespace xord {

NoticeLine line_of_source(const std::string& network, uint32_t shard, const NodeNotice& notice) {
  const bool is_thinned = notice.kind == NoticeKind::source_thinned;
  CHECK(is_thinned || notice.kind == NoticeKind::source_restored);
  Log::Fields fields = {{"network", network}, {"shard", shard}, {"prefix", notice.prefix.text()}};
  if (!is_thinned) {
    fields["after_s"] = std::round(notice.lasted.seconds() * 1000) / 1000;
    return {LogLevel::info, "source no longer thinned out", std::move(fields)};
  }
  fields["dropped_percent"] = notice.count;
  fields["hint"] =
      "this node gets more requests than it can answer, and this source sends more than its "
      "share: the kernel drops a part of them; --limit-for gives a source a larger share";
  return {LogLevel::warning, "source thinned out", std::move(fields)};
}

}  // namespace xord
