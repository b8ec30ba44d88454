#include "node/admission/limit_watch.h"

#include <algorithm>
#include <utility>

#include "reactor/base/check.h"

namespace xord {
namespace {

// Before a spell ends its account is read once more: afterwards the refusals are gone.
constexpr Duration last_look = seconds(1);
static_assert(last_look < limited_spell_gap);
static_assert(NodeNotices::notices_max >= 2 * limits_watched);

bool is_within(const Subnet& inner, const Subnet& outer) {
  return inner.prefix_bits >= outer.prefix_bits && outer.contains(inner.address);
}

}  // namespace

LimitWatch::LimitWatch(const NodeContext& node, NodeNotices& notices)
    : node_(node), notices_(notices) {}

NodeNotice LimitWatch::notice_of(NoticeKind kind, const Watched& watched) const {
  NodeNotice notice;
  notice.kind = kind;
  notice.network = node_.config.network;
  notice.prefix = watched.subnet;
  return notice;
}

void LimitWatch::take_begun(Instant now) {
  const uint32_t missed = node_.ledger.take_begun_spells([&](const Ledger::Spell& spell) {
    if (is_on()) watch(now, spell);
  });
  if (!is_on()) return;
  if (missed > 0) node_.count(NodeCounter::limits_unwatched, missed);
  for (uint32_t i = 0; i < count_; ++i) {
    Watched& each = watched_[i];
    if (std::exchange(each.is_reported, true)) continue;
    NodeNotice notice = notice_of(NoticeKind::limit_began, each);
    notice.charge = each.charge;
    notices_.push(notice);
  }
}

void LimitWatch::watch(Instant now, const Ledger::Spell& spell) {
  Watched begun;
  begun.subnet = spell.prefix.subnet();
  begun.prefix = spell.prefix;
  begun.charge = spell.charge;
  begun.since = begun.last = now;
  if (!follow(now, begun)) return;  // Its row has made room already: nothing could be said of it.
  for (uint32_t i = count_; i-- > 0;) {
    if (watched_[i].subnet == begun.subnet) {
      // A minute had passed, and advance() was not called yet.
      report_end(watched_[i]);
      drop(i);
    } else if (is_within(begun.subnet, watched_[i].subnet)) {
      return;
    } else if (is_within(watched_[i].subnet, begun.subnet)) {
      drop(i);
    }
  }
  if (count_ == watched_.size()) return node_.count(NodeCounter::limits_unwatched);
  watched_[count_++] = begun;
}

void LimitWatch::drop(uint32_t index) {
  CHECK(index < count_);
  watched_[index] = watched_[--count_];
}

bool LimitWatch::follow(Instant now, Watched& watched) const {
  const Ledger::Account account = node_.ledger.account(now, watched.prefix);
  uint64_t refused = 0;
  for (const uint32_t each : account.refused) refused += each;
  if (refused == 0) return false;
  DCHECK(account.limited_since <= account.limited_last);
  watched.refused = refused;
  watched.since = account.limited_since;
  watched.last = account.limited_last;
  const Instant over_at = account.limited_last + limited_spell_gap;
  watched.check_at = over_at - last_look > now ? over_at - last_look : over_at;
  DCHECK(watched.check_at > now);
  return true;
}

void LimitWatch::advance(Instant now) {
  for (uint32_t i = count_; i-- > 0;) {
    if (watched_[i].check_at > now || follow(now, watched_[i])) continue;
    report_end(watched_[i]);
    drop(i);
  }
}

void LimitWatch::report_end(const Watched& watched) {
  if (!watched.is_reported) return;
  NodeNotice notice = notice_of(NoticeKind::limit_ended, watched);
  notice.count = static_cast<uint32_t>(std::min<uint64_t>(watched.refused, UINT32_MAX));
  notice.lasted = watched.last - watched.since;
  notices_.push(notice);
}

std::optional<Instant> LimitWatch::next_wakeup() const {
  std::optional<Instant> next;
  for (uint32_t i = 0; i < count_; ++i) {
    if (!next || watched_[i].check_at < *next) next = watched_[i].check_at;
  }
  return next;
}

}  // namespace xord
