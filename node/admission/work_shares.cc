#include "node/admission/work_shares.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// What a source sent is forgotten by half in ten seconds.
constexpr double held_decay = 0.99654;
// The work let in grows by 2 % a second as long as the shard keeps up; after a moment in which it
// could do less, because its thread had to wait, by a half.
constexpr double target_growth = 1.001;
constexpr double target_recovery = 1.02;
// At each step in which the shard was behind, it is believed to be able to do this much of what it
// was.
constexpr double capable_decay = 0.95;
// For as long as this the shard may be behind, and a step still shows what is sent: the kernel's
// buffer holds little that came before a filter changed.
constexpr Duration backlog_ignored = milliseconds(5);
// No part is smaller: of 200,000 datagrams a second one passes in each step.
constexpr double part_least = 1e-4;
// A part that would be larger is not worth a filter.
constexpr double part_most = 0.95;
// A part of the kernel's that is as close as this to the wanted one stays.
constexpr double part_tolerance = 0.04;
constexpr uint32_t notices_a_step = 4;
constexpr uint32_t sampled_of = 8;              // One datagram of so many is charged for all.
constexpr uint32_t golden_ratio = 0x9e37'79b9;  // In 2^-32: steps of it fill the circle evenly.

bool holds(const Subnet& wide, const Subnet& narrow) {
  return wide.prefix_bits <= narrow.prefix_bits && wide.contains(narrow.address);
}

}  // namespace

WorkShares::Rules::Rules(const LimitsConfig& config, std::span<const Subnet> trusted)
    : mode(config.mode), factors(config.factors), exempt(trusted.begin(), trusted.end()) {
  std::stable_sort(factors.begin(), factors.end(), [](const auto& a, const auto& b) {
    return a.net.prefix_bits > b.net.prefix_bits;
  });
  for (const LimitFactor& each : factors) CHECK(each.factor > 0);
  if (config.limits_loopback) return;
  exempt.push_back({IpAddress::ipv4(0x7f000000), 104});
  exempt.push_back({*IpAddress::parse("::1"), 128});
}

WorkShares::WorkShares(NetworkIndex network, const LimitsConfig& config,
                       std::span<const Subnet> trusted, Ledger& ledger, NodeCounters& counters,
                       NodeNotices& notices)
    : network_(network),
      rules_(config, trusted),
      ledger_(ledger),
      counters_(counters),
      notices_(notices) {}

void WorkShares::swap_rules(Instant now, Rules& other) {
  notices_left_ = rows_max;
  for (Row& row : rows()) {
    if (row.passing == 1) continue;
    row.passing = 1;
    if (row.is_announced) note(row, now, NoticeKind::source_restored);
  }
  rows_count_ = kept_count_ = 0;
  holdings_.fill({});
  publish();
  end_measuring();
  backlog_since_.reset();
  std::swap(rules_, other);
  DCHECK(shares_count_ == 0 && !step_at_);
}

void WorkShares::set_backlog(Instant now, std::optional<Instant> since) {
  if (rules_.mode == LimitsMode::off) return;
  backlog_since_ = since;
  if (since && now - *since >= backlog_ignored) is_disturbed_ = true;
  if (!since || step_at_) return;
  DCHECK(rows_count_ == 0 && shares_count_ == 0);
  begin_step(now);
}

void WorkShares::begin_step(Instant now) {
  DCHECK(rules_.mode != LimitsMode::off && (!step_at_ || now >= *step_at_));
  step_began_ = now;
  step_at_ = now + step;
  done_ = demand_ = 0;
  is_disturbed_ = false;
  for (Row& row : rows()) row.served = row.sent = {};
}

double WorkShares::factor_of(const IpAddress& source) const {
  for (const LimitFactor& each : rules_.factors) {
    if (each.net.contains(source)) return each.factor;
  }
  return 1;
}

void WorkShares::measure(Instant now, const IpAddress& source, uint32_t work) {
  DCHECK(rules_.mode != LimitsMode::off && work > 0);
  done_ += work;
  if (ledger_.is_exempt(source)) {
    demand_ += work;
    return;
  }
  sample(now, source, work);
  const uint32_t held_by = holding(source);
  double stands_for = work;
  for (uint32_t bits = held_by; bits != 0; bits &= bits - 1) {
    stands_for *= rows_[static_cast<size_t>(std::countr_zero(bits))].stands_for;
  }
  demand_ += stands_for;
  if (held_by == 0) return;
  const double factor = factor_of(source);
  for (uint32_t bits = held_by; bits != 0; bits &= bits - 1) {
    Row& row = rows_[static_cast<size_t>(std::countr_zero(bits))];
    row.served.work += work;
    row.served.load += work / factor;
    row.sent.work += stands_for;
    row.sent.load += stands_for / factor;
  }
}

void WorkShares::sample(Instant now, const IpAddress& source, uint32_t work) {
  sampled_ += golden_ratio;
  if (sampled_ < UINT32_MAX / sampled_of + 1) {
    ledger_.charge(now, source, Charge::work, work * sampled_of);
  }
}

uint32_t WorkShares::holding(const IpAddress& source) {
  const uint64_t bits = load_be64(source.bytes.data()) ^ load_be64(&source.bytes[8]);
  Holding& holding = holdings_[bits * 0x9e37'79b9'7f4a'7c15 >> 56];
  static_assert(holdings_max == 1 << 8);
  if (holding.source == source) return holding.rows;
  holding = {source, 0};
  for (uint32_t i = 0; i < rows_count_; ++i) {
    holding.rows |= uint32_t{rows_[i].net.contains(source)} << i;
  }
  return holding.rows;
}

void WorkShares::advance(Instant now) {
  if (!step_at_ || now < *step_at_) return;
  const double seconds = (now - step_began_).seconds();
  CHECK(seconds > 0);
  const bool is_behind = backlog_since_ && *backlog_since_ <= step_began_;
  if (is_behind) {
    is_disturbed_ = true;
    capable_ = std::max(done_ / seconds, capable_ * capable_decay);
    target_ = load_wanted * done_ / seconds;
  } else if (!is_disturbed_) {
    target_ *= target_ < load_wanted * capable_ ? target_recovery : target_growth;
  }
  for (Row& row : rows()) judge(row, seconds);
  const double demand = is_disturbed_ ? done_ / seconds : demand_ / seconds + held_demand();
  cut_to(level_for(demand - target_, demand));
  notices_left_ = notices_a_step;
  for (Row& row : rows()) update(row, now, is_behind);
  choose_rows(now);
  publish();
  if (backlog_since_ || rows_count_ > 0) return begin_step(now);
  end_measuring();
}

void WorkShares::end_measuring() {
  CHECK(rows_count_ == 0);
  step_at_.reset();
  target_ = std::numeric_limits<double>::infinity();
  capable_ = 0;
}

// While the shard is behind, it serves what came before the filter changed, and only some of what
// comes now: then that is all that is known, and nothing is learnt of what is sent.
void WorkShares::judge(Row& row, double seconds) {
  for (Amount* amount : {&row.served, &row.sent}) {
    amount->work /= seconds;
    amount->load /= seconds;
  }
  const bool is_thinned = row.passing < 1 && rules_.mode == LimitsMode::on;
  if (!is_thinned) {
    row.held = is_disturbed_ ? row.served : row.sent;
  } else if (!is_disturbed_) {
    row.held.work = std::max(row.sent.work, row.held.work * held_decay);
    row.held.load = std::max(row.sent.load, row.held.load * held_decay);
  }
  row.judged = is_disturbed_ ? row.served : row.held;
}

// The work that is held against prefixes and was not sent in this step.
double WorkShares::held_demand() const {
  std::array<double, rows_max> held{};
  double sum = 0;
  CHECK(rows_count_ <= rows_max);
  for (uint32_t i = 0; i < rows_count_; ++i) {
    held[i] = rows_[i].held.work - rows_[i].sent.work;
    for (uint32_t bits = rows_[i].within; bits != 0; bits &= bits - 1) {
      held[i] -= held[static_cast<size_t>(std::countr_zero(bits))];
    }
    held[i] = std::max(held[i], 0.0);
    sum += held[i];
  }
  return sum;
}

// The highest level at which at least `excess` is cut off; `most` is above any that cuts something.
double WorkShares::level_for(double excess, double most) {
  if (excess <= 0) return std::numeric_limits<double>::infinity();
  double low = level_least;
  double high = std::max(most, low);
  for (int i = 0; i < 24 && high - low > 1; ++i) {
    const double middle = low + (high - low) / 2;
    (cut_to(middle) >= excess ? low : high) = middle;
  }
  return low;
}

// How much work is cut off at this level; the parts that pass go to parts_. The rows are in the
// order of their prefixes' lengths, the longest first: what is cut off an address no longer counts
// for its prefixes.
double WorkShares::cut_to(double level) {
  CHECK(level >= level_least);
  std::array<double, rows_max> cut_load{};
  std::array<double, rows_max> cut_work{};
  double sum = 0;
  for (uint32_t i = 0; i < rows_count_; ++i) {
    const Row& row = rows_[i];
    double load = row.judged.load;
    double work = row.judged.work;
    for (uint32_t bits = row.within; bits != 0; bits &= bits - 1) {
      const auto nested = static_cast<size_t>(std::countr_zero(bits));
      DCHECK(nested < i);
      load -= cut_load[nested];
      work -= cut_work[nested];
    }
    const double most = level * row.factor;
    parts_[i] = load > most ? most / load : 1;
    cut_load[i] = std::max(load, 0.0) * (1 - parts_[i]);
    cut_work[i] = std::max(work, 0.0) * (1 - parts_[i]);
    sum += cut_work[i];
  }
  return sum;
}

void WorkShares::update(Row& row, Instant now, bool is_behind) {
  const double part = parts_[static_cast<size_t>(&row - rows_.data())];
  const bool was_thinned = row.passing < 1;
  DCHECK(part > 0 && part <= 1 && row.passing > 0 && row.passing <= 1);
  double wanted = part > part_most && !was_thinned ? 1 : part;
  if (was_thinned && is_disturbed_ && rules_.mode == LimitsMode::on) {
    // Datagrams are lost before they are counted, or many wait.
    const double least = level_least * row.factor / std::max(row.held.load, row.sent.load);
    wanted = is_behind ? std::max(row.passing / 2, std::min(least, row.passing)) : row.passing;
  }
  wanted = std::max(wanted, part_least);
  const bool is_close = std::abs(wanted - row.passing) <= part_tolerance * row.passing;
  if (is_close && (wanted < 1) == was_thinned) return;
  row.passing = wanted;
  if (rules_.mode == LimitsMode::on) row.stands_for = 1 / wanted;
  if (!was_thinned && row.passing < 1) {
    row.thinned_since = now;
    row.is_announced = notices_left_ > 0;
    if (row.is_announced) note(row, now, NoticeKind::source_thinned);
  } else if (was_thinned && row.passing == 1) {
    if (row.is_announced) note(row, now, NoticeKind::source_restored);
    row.is_announced = false;
  }
}

void WorkShares::note(const Row& row, Instant now, NoticeKind kind) {
  if (rules_.mode != LimitsMode::on) return;
  notices_left_ -= notices_left_ > 0;
  NodeNotice notice;
  notice.kind = kind;
  notice.network = network_;
  notice.prefix = row.net;
  notice.lasted = now - row.thinned_since;
  notice.count = static_cast<uint32_t>(std::lround((1 - row.passing) * 100));
  notices_.push(notice);
}

// For the next step: those thinned now, and while the shard is behind, those that did most lately.
void WorkShares::choose_rows(Instant now) {
  const auto is_free = [](const Row& row) { return row.passing == 1; };
  const auto end = std::remove_if(rows_.begin(), rows_.begin() + rows_count_, is_free);
  rows_count_ = static_cast<uint32_t>(end - rows_.begin());
  kept_count_ = 0;
  for (const Row& row : rows()) CHECK(keep_exempt_of(row.net));  // It did before.
  if (!backlog_since_) return find_nested();
  std::array<Ledger::Account, rows_max> worst;
  const size_t count = ledger_.top(now, Charge::work, worst);
  CHECK(count <= worst.size());
  for (size_t i = 0; i < count && rows_count_ < rows_max; ++i) {
    Row row;
    row.net = worst[i].prefix.subnet();
    row.factor = level_factors[static_cast<size_t>(worst[i].prefix.level)];
    const auto is_same = [&](const Row& other) { return other.net == row.net; };
    if (std::any_of(rows_.begin(), rows_.begin() + rows_count_, is_same)) continue;
    if (keep_exempt_of(row.net)) rows_[rows_count_++] = row;
  }
  find_nested();
}

void WorkShares::find_nested() {
  static_assert(rows_max <= 32, "Row::within has a bit for each, and so has Holding::rows");
  holdings_.fill({});  // No datagram comes from ::, which is in no row.
  std::stable_sort(rows_.begin(), rows_.begin() + rows_count_, [](const Row& a, const Row& b) {
    return a.net.prefix_bits > b.net.prefix_bits;
  });
  for (uint32_t i = 0; i < rows_count_; ++i) {
    rows_[i].within = 0;
    for (uint32_t nested = 0; nested < i; ++nested) {
      if (holds(rows_[i].net, rows_[nested].net)) rows_[i].within |= uint32_t{1} << nested;
    }
  }
}

void WorkShares::publish() {
  std::array<SourceShare, source_shares_max> shares;
  uint32_t count = 0;
  for (const Row& row : rows()) {
    if (row.passing < 1) shares[count++] = {row.net, row.passing};
  }
  counters_.node.set(NodeCounter::sources_thinned, count);
  if (rules_.mode != LimitsMode::on) count = 0;
  const bool is_same =
      count == shares_count_ && std::equal(shares.begin(), shares.begin() + count, shares_.begin());
  if (is_same) return;
  std::copy_n(shares.begin(), count, shares_.begin());
  shares_count_ = count;
  ++version_;
}

// False if a filter has no room for the exempt subnets of `net`: then it is left alone.
bool WorkShares::keep_exempt_of(const Subnet& net) {
  const uint32_t before = kept_count_;
  for (const Subnet& exempt : rules_.exempt) {
    const auto end = kept_.begin() + kept_count_;
    if (!holds(net, exempt) || std::find(kept_.begin(), end, exempt) != end) continue;
    if (kept_count_ == sources_kept_max) {
      kept_count_ = before;
      return false;
    }
    kept_[kept_count_++] = exempt;
  }
  return true;
}

double WorkShares::passing_of(const IpAddress& source) const {
  if (is_in_any(kept(), source)) return 1;
  double passing = 1;
  for (const SourceShare& share : shares()) {
    if (share.net.contains(source)) passing = std::min(passing, share.passing);
  }
  DCHECK(passing >= 0 && passing <= 1);
  return passing;
}

void WorkShares::check_invariants() const {
  CHECK(rows_count_ <= rows_max && shares_count_ <= rows_count_ && kept_count_ <= sources_kept_max);
  CHECK(rules_.mode == LimitsMode::on || shares_count_ == 0);
  CHECK(step_at_ || rows_count_ == 0);
  for (uint32_t i = 0; i < rows_count_; ++i) {
    const Row& row = rows_[i];
    CHECK(row.passing >= part_least && row.passing <= 1);
    CHECK(row.within >> i == 0);
  }
}

}  // namespace xord
