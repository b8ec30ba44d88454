// Which contacts an answer may name, and which to ping for it. A contact is believed to be up for
// as long as its past suggests (paper 2.2): a young one from one answer to the next, an old one for
// minutes. A contact that does not answer such a ping is not named until it answers.
#include <algorithm>
#include <cmath>

#include "node/routing/routing_table.h"

namespace xord {
namespace {

// Grows with the square root of the uptime. Whole milliseconds and an IEEE 754 square root, so that
// equal inputs give equal outputs.
Duration trust_for(Duration uptime) {
  DCHECK(uptime >= youth);
  constexpr int64_t ratio = trust_after_an_hour.whole_milliseconds() *
                            trust_after_an_hour.whole_milliseconds() /
                            hours(1).whole_milliseconds();
  static_assert(ratio > 0, "the division leaves something to multiply by");
  const auto square = static_cast<double>(ratio * uptime.whole_milliseconds());
  return std::min(milliseconds(static_cast<int64_t>(std::sqrt(square))), trust_max);
}

}  // namespace

Standing RoutingTable::standing(const FiledContact& filed, Instant now) {
  if (filed.failures > failures_answerable_max) return Standing::silent;
  if (filed.asked == FiledContact::Asked::in_vain) return Standing::silent;
  if (!filed.answered_in_this_run) {
    return now - filed.answered < answer_fresh ? Standing::awaited : Standing::silent;
  }
  if (filed.failures > 0) return Standing::awaited;
  if (filed.asked == FiledContact::Asked::no && now < filed.trusted_until) return Standing::trusted;
  return filed.uptime() < youth && !filed.is_slow ? Standing::awaited : Standing::doubted;
}

TableAction RoutingTable::want(const Contact& contact, Instant now) {
  CHECK(owner_of(contact.id) == shard_);
  Bucket* bucket = tree_.find(contact.id);
  FiledContact* filed = bucket == nullptr ? nullptr : find(*bucket, contact.id);
  if (filed == nullptr || book_.endpoint(filed->handle) != contact.endpoint) return {};
  const Standing is = standing(*filed, now);
  if (is != Standing::awaited && is != Standing::doubted) return {};
  if (filed->asked != FiledContact::Asked::no || !may_ping_named(is, now)) return {};
  filed->asked = FiledContact::Asked::yes;
  filed->trusted_until = now + naming_wait;
  arm(*bucket, now);
  return {TableAction::Kind::ping_named, contact, {}};
}

void RoutingTable::not_asked(const Contact& contact, Instant now) {
  CHECK(owner_of(contact.id) == shard_);
  Bucket* bucket = tree_.find(contact.id);
  FiledContact* filed = bucket == nullptr ? nullptr : find(*bucket, contact.id);
  if (filed == nullptr || filed->asked != FiledContact::Asked::yes) return;
  filed->asked = FiledContact::Asked::no;
  filed->trusted_until = now;
  arm(*bucket, now);
}

bool RoutingTable::may_ping_named(Standing standing, Instant now) {
  DCHECK(standing == Standing::awaited || standing == Standing::doubted);
  const Duration ahead_max = standing == Standing::awaited ? seconds(1) : milliseconds(500);
  const Instant after = std::max(named_paid_to_, now) + seconds(1) / config_.named_pings_a_second;
  if (after > now + ahead_max) return false;
  named_paid_to_ = after;
  return true;
}

// `filed` answered just now.
void RoutingTable::trust(FiledContact& filed, Instant now) {
  DCHECK(filed.answered == now && filed.failures == 0);
  const bool was_asked = filed.asked == FiledContact::Asked::yes;
  const Instant asked_at = filed.trusted_until - naming_wait;
  if (was_asked) filed.is_slow = now - asked_at > naming_slow;
  if (filed.asked == FiledContact::Asked::in_vain && now - asked_at < transaction_lifetime) {
    filed.is_slow = true;  // This is the answer, after the wait.
  }
  const bool is_young = filed.uptime() < youth;
  // The answer that filed a young contact shows that it was up once, not that it still is: it must
  // also answer a ping sent on behalf of an answer.
  if (!is_young) {
    filed.trusted_until = now + trust_for(filed.uptime());
  } else if (filed.asked != FiledContact::Asked::no) {
    filed.trusted_until = now + std::max(named_trust_min, filed.uptime() / named_trust_share);
  }
  filed.asked = FiledContact::Asked::no;
}

// After the wait, a contact that was asked and did not answer is silent until it answers.
void RoutingTable::end_wait(FiledContact& filed, Instant now) {
  if (filed.asked != FiledContact::Asked::yes || now < filed.trusted_until) return;
  filed.asked = FiledContact::Asked::in_vain;
  filed.ping_at = now + backoff_min;
}

}  // namespace xord
