#include "node/operations/company.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {

void Company::joined(Instant now, uint32_t count, const Contact& via) {
  CHECK(count > 0);
  if (!alone_since_) return;
  NodeNotice notice;
  notice.kind = NoticeKind::joined;
  notice.count = count;
  notice.lasted = now - *alone_since_;
  notice.contact = via;
  notices_.push(notice);
  alone_since_.reset();
  report_silence_at_ = Instant::min();
  report_silence_after_ = report_silence_min;
}

void Company::nobody_answered(Instant now, uint32_t count) {
  if (!alone_since_ || now < report_silence_at_) return;
  NodeNotice notice;
  notice.kind = NoticeKind::nobody_answered;
  notice.count = count;
  notice.lasted = now - *alone_since_;
  notices_.push(notice);
  report_silence_at_ = now + report_silence_after_;
  report_silence_after_ = std::min(report_silence_after_ * 2, report_silence_max);
}

void Company::watch(Instant now, uint32_t filed_count, uint32_t answerable_count, bool is_joining) {
  DCHECK(answerable_count <= filed_count);
  if (answerable_count > 0) {
    if (!is_joining) joined(now, answerable_count, {});  // Via others who found us.
  } else if (has_company_) {
    NodeNotice notice;
    notice.kind = NoticeKind::alone_again;
    notice.count = filed_count;
    notices_.push(notice);
    alone_since_ = now;
  }
  has_company_ = answerable_count > 0;
}

}  // namespace xord
