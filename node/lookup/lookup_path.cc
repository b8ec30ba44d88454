#include "node/lookup/lookup_path.h"

#include <algorithm>
#include <array>

#include "reactor/base/check.h"

namespace xord {
namespace {

// Enough to skip nearly all other rows; equal tags are followed by a comparison.
uint32_t tag_of(const Endpoint& endpoint) {
  return load_le<uint32_t>(&endpoint.address.bytes[12]) * 0x9e3779b1u +
         load_le<uint32_t>(&endpoint.address.bytes[4]) + endpoint.port;
}

uint32_t subnet_tag_of(const IpAddress& address) {
  const uint8_t* bytes = address.bytes.data();
  return address.is_ipv4() ? load_be32(bytes + 12) >> 8
                           : load_be32(bytes) * 0x9e3779b1u + load_be32(bytes + 4);
}

// A /16 of IPv4, a /32 of IPv6.
uint32_t wide_tag_of(const IpAddress& address) {
  return address.is_ipv4() ? load_be32(&address.bytes[12]) >> 16 : load_be32(&address.bytes[0]);
}

}  // namespace

LookupPath::LookupPath(uint32_t rows_max) {
  CHECK(rows_max >= 1 && rows_max < no_row);
  cells_.reserve(rows_max);
  order_.reserve(rows_max);
  tags_.reserve(rows_max);
  subnet_tags_.reserve(rows_max);
  wide_tags_.reserve(rows_max);
  rows_max_ = rows_max;
}

void LookupPath::start(const LookupPlan& plan) {
  CHECK(plan.parallelism >= 1 && plan.width >= 1 && plan.width < rows_max_);
  plan_ = plan;
  cells_.clear();
  order_.clear();
  tags_.clear();
  subnet_tags_.clear();
  wide_tags_.clear();
  running_count_ = slow_count_ = answered_count_ = asked_count_ = barren_count_ = 0;
  has_found_ = is_crowded_ = false;
}

std::optional<LookupPath::Row> LookupPath::next() {
  if (has_found_ || running_count_ >= slots()) return std::nullopt;
  const auto row = first_unasked();
  if (!row) return std::nullopt;
  cell(*row).state = State::asked;
  ++running_count_;
  ++asked_count_;
  return row;
}

void LookupPath::postponed(Row row) {
  CHECK(cell(row).state == State::asked);
  CHECK(running_count_ > 0 && asked_count_ > 0);
  cell(row).state = State::unasked;
  --running_count_;
  --asked_count_;
}

LookupPath::Asked LookupPath::asked_at(const Endpoint& endpoint) const {
  const auto row = row_at(endpoint);
  if (!row) return Asked::never;
  switch (cell(*row).state) {
    case State::unasked:
    case State::elsewhere:
      return Asked::never;
    case State::asked:
    case State::answered:
      return Asked::once;
    case State::slow:
    case State::failed:
      return Asked::lost;
  }
  CHECK(false);
  return Asked::never;
}

void LookupPath::asked_elsewhere(Row row, Asked how) {
  CHECK(how != Asked::never);
  postponed(row);
  cell(row).state = how == Asked::once ? State::elsewhere : State::failed;
}

void LookupPath::lost_elsewhere(const Endpoint& endpoint) {
  const auto row = row_at(endpoint);
  if (row && cell(*row).state == State::elsewhere) cell(*row).state = State::failed;
}

void LookupPath::answered(Row row, std::span<const Contact> named) {
  leave_flight(row, State::answered);
  ++answered_count_;
  const Row nearest = order_.front();
  for (const Contact& contact : named) add(contact, row);
  barren_count_ = order_.front() == nearest ? barren_count_ + 1 : 0;
}

void LookupPath::answered_value(Row row) {
  leave_flight(row, State::answered);
  ++answered_count_;
  cell(row).had_value = true;
  has_found_ = true;
}

void LookupPath::slow(Row row) {
  CHECK(cell(row).state == State::asked);
  leave_flight(row, State::slow);
  ++slow_count_;
}

void LookupPath::failed(Row row) {
  leave_flight(row, State::failed);
}

bool LookupPath::is_settled() const {
  if (has_found_) return running_count_ == 0;
  uint32_t nearest = 0;
  const bool are_shares_limited = is_spread();
  for (size_t position = 0; position < order_.size(); ++position) {
    if (are_shares_limited && is_crowded_out(position)) continue;
    const State state = cell(order_[position]).state;
    if (state == State::unasked || state == State::asked) return false;
    const bool counts = state == State::answered || state == State::elsewhere;
    if (counts && ++nearest == plan_.width) return true;
  }
  return true;
}

LookupPath::Row LookupPath::next_answered(uint32_t& position) const {
  DCHECK(position <= order_.size());
  while (position < order_.size()) {
    const Row row = order_[position++];
    if (cell(row).state == State::answered) return row;
  }
  return no_row;
}

std::optional<LookupPath::Row> LookupPath::named_by(Row row) const {
  const Row by = cell(row).named_by;
  return by == no_row ? std::nullopt : std::optional<Row>(by);
}

const LookupPath::Cell& LookupPath::cell(Row row) const {
  CHECK(row < cells_.size());
  return cells_[row];
}

LookupPath::Cell& LookupPath::cell(Row row) {
  CHECK(row < cells_.size());
  return cells_[row];
}

// Checklist 18. As slots are refilled one by one, a round here is `parallelism` answers: when that
// many in a row named nothing nearer than the nearest seen, all of the nearest are asked at once.
// The next nearer contact makes the lookup narrow again.
uint32_t LookupPath::slots() const {
  return barren_count_ >= plan_.parallelism ? std::max(plan_.width, plan_.parallelism)
                                            : plan_.parallelism;
}

// Checklist 16 and 17: the nearest unasked row among the `width` nearest in the running.
std::optional<LookupPath::Row> LookupPath::first_unasked() const {
  uint32_t running = 0;
  const bool are_shares_limited = is_spread();
  for (size_t position = 0; position < order_.size(); ++position) {
    if (are_shares_limited && is_crowded_out(position)) continue;
    const Row row = order_[position];
    const State state = cell(row).state;
    if (state == State::unasked) return row;
    if (state != State::slow && state != State::failed) ++running;
    if (running == plan_.width) return std::nullopt;
  }
  return std::nullopt;
}

void LookupPath::leave_flight(Row row, State state) {
  Cell& left = cell(row);
  CHECK(left.state == State::asked || left.state == State::slow);
  uint32_t& flight_count = left.state == State::asked ? running_count_ : slow_count_;
  CHECK(flight_count > 0);
  --flight_count;
  left.state = state;
}

void LookupPath::add(const Contact& contact, Row named_by) {
  DCHECK(named_by == no_row || cell(named_by).state == State::answered);
  if (contact.id == plan_.self) return;
  const uint32_t position = position_of(contact.id);
  if (is_known(contact, position)) return;
  const Row row = row_for(contact, position, named_by);
  if (row == no_row) return;
  const uint8_t hops =
      named_by == no_row ? uint8_t{0} : static_cast<uint8_t>(cell(named_by).hops + 1);
  DCHECK(hops < rows_max_);  // Each hop is a row of its own.
  cells_[row] = {contact, named_by, State::unasked, false, hops};
  tags_[row] = tag_of(contact.endpoint);
  subnet_tags_[row] = subnet_tag_of(contact.endpoint.address);
  DCHECK(order_.size() < rows_max_);
  wide_tags_[row] = wide_tag_of(contact.endpoint.address);
  // Never grows, because row_for() made room: perhaps that of a nearer one.
  order_.insert(order_.begin() + position_of(contact.id), row);
  note_wide(row, named_by);
  DCHECK(order_.size() == cells_.size());
}

// The first position in the order whose contact is not nearer to the target than `id`.
uint32_t LookupPath::position_of(const Id& id) const {
  const auto at = std::partition_point(order_.begin(), order_.end(), [&](Row row) {
    return nearer(plan_.target, cells_[row].contact.id, id);
  });
  return static_cast<uint32_t>(at - order_.begin());
}

std::optional<LookupPath::Row> LookupPath::row_at(const Endpoint& endpoint) const {
  DCHECK(tags_.size() == cells_.size());
  const uint32_t tag = tag_of(endpoint);
  for (size_t row = 0; row < tags_.size(); ++row) {
    if (tags_[row] == tag && cells_[row].contact.endpoint == endpoint) return static_cast<Row>(row);
  }
  return std::nullopt;
}

bool LookupPath::is_known(const Contact& contact, uint32_t position) const {
  if (position < order_.size() && cells_[order_[position]].contact.id == contact.id) return true;
  return row_at(contact.endpoint).has_value();
}

bool LookupPath::has_its_share(const IpAddress& address) const {
  DCHECK(subnet_tags_.size() == cells_.size());
  uint32_t count = 0;
  const uint32_t tag = subnet_tag_of(address);
  for (size_t row = 0; row < subnet_tags_.size(); ++row) {
    count += subnet_tags_[row] == tag && same_subnet(cells_[row].contact.endpoint.address, address);
  }
  return count >= plan_.subnets.per_lookup_max;
}

// Equal tags of both families may make it true without need, which does no harm.
void LookupPath::note_wide(Row row, Row named_by) {
  DCHECK(wide_tags_.size() == cells_.size());
  if (is_crowded_ || named_by == no_row) return;
  if (!plan_.subnets.apply_to(cells_[row].contact.endpoint.address)) return;
  const auto of_prefix = std::count(wide_tags_.begin(), wide_tags_.end(), wide_tags_[row]);
  is_crowded_ = of_prefix > int64_t{plan_.subnets.share_of_nearest};
}

// Whether shares matter: some prefix has more than its own, and those in the running would be wide
// enough with no more than a share of each.
bool LookupPath::is_spread() const {
  if (!is_crowded_) return false;
  uint32_t fill = 0;
  for (size_t row = 0; row < cells_.size() && fill < plan_.width; ++row) {
    if (cells_[row].state == State::slow || cells_[row].state == State::failed) continue;
    uint32_t before = 0;
    for (size_t other = 0; other < row; ++other) {
      before += wide_tags_[other] == wide_tags_[row] && cells_[other].state != State::slow &&
                cells_[other].state != State::failed;
    }
    fill += before < plan_.subnets.share_of_nearest;
  }
  DCHECK(fill <= cells_.size());
  return fill >= plan_.width;
}

// Whether a wide prefix of the contact has its share in nearer ones, and in those that failed. The
// table admitted those known at the start: they count, and are followed.
bool LookupPath::is_crowded_out(size_t position) const {
  DCHECK(position < order_.size());
  const Cell& here = cells_[order_[position]];
  const IpAddress& address = here.contact.endpoint.address;
  if (here.named_by == no_row || !plan_.subnets.apply_to(address)) return false;
  std::array<uint32_t, subnet_levels_max> counts{};
  for (size_t at = 0; at < order_.size(); ++at) {
    const Row row = order_[at];
    if (at == position || wide_tags_[row] != wide_tags_[order_[position]]) continue;
    const State state = cells_[row].state;
    if (at > position && state != State::slow && state != State::failed) continue;
    const IpAddress& other = cells_[row].contact.endpoint.address;
    for (size_t level = 1; level < subnet_levels(address); ++level) {
      counts[level] += same_prefix(address, other, level);
    }
  }
  return *std::max_element(counts.begin(), counts.end()) >= plan_.subnets.share_of_nearest;
}

// A row for a contact that belongs at `position`: a new one, or that of the farthest unasked
// contact if that is farther; if its subnet has its full share, that of a contact of the same
// subnet. Contacts known at the start were admitted by the table under its own limits: they count
// towards the share, and are not refused.
LookupPath::Row LookupPath::row_for(const Contact& contact, uint32_t position, Row named_by) {
  const IpAddress& address = contact.endpoint.address;
  if (named_by != no_row && plan_.subnets.apply_to(address) && has_its_share(address)) {
    return take_farthest_unasked(position, [&](Row row) {
      return same_subnet(cells_[row].contact.endpoint.address, address);
    });
  }
  if (cells_.size() < rows_max_) {
    cells_.emplace_back();
    tags_.push_back(0);
    subnet_tags_.push_back(0);
    wide_tags_.push_back(0);
    return static_cast<Row>(cells_.size() - 1);
  }
  const Row row = take_farthest_unasked(position, [](Row) { return true; });
  if (row != no_row || !is_crowded_) return row;
  // The nearest may all be of one prefix, which must not keep the others out.
  const uint32_t tag = wide_tag_of(address);
  return take_farthest_unasked(0, [&](Row other) {
    const auto of_prefix = std::count(wide_tags_.begin(), wide_tags_.end(), wide_tags_[other]);
    return wide_tags_[other] != tag && cells_[other].named_by != no_row &&
           of_prefix > int64_t{plan_.subnets.share_of_nearest} &&
           plan_.subnets.apply_to(cells_[other].contact.endpoint.address);
  });
}

// Rows that were asked stay, so that no node is asked twice.
template <class MayGo>
LookupPath::Row LookupPath::take_farthest_unasked(uint32_t position, MayGo&& may_go) {
  for (auto at = static_cast<uint32_t>(order_.size()); at > position; --at) {
    const Row row = order_[at - 1];
    if (cells_[row].state != State::unasked || !may_go(row)) continue;
    order_.erase(order_.begin() + (at - 1));
    return row;
  }
  return no_row;
}

void LookupPath::check_invariants() const {
  CHECK(cells_.size() <= rows_max_ && order_.size() == cells_.size());
  CHECK(tags_.size() == cells_.size() && subnet_tags_.size() == cells_.size());
  CHECK(wide_tags_.size() == cells_.size());
  uint32_t running = 0;
  uint32_t slow = 0;
  uint32_t answered = 0;
  bool has_value = false;
  for (size_t at = 0; at < order_.size(); ++at) {
    const Row row = order_[at];
    const Cell& here = cell(row);
    // Strictly ascending: so each row is there once, and no two have one id.
    CHECK(at == 0 || nearer(plan_.target, cell(order_[at - 1]).contact.id, here.contact.id));
    CHECK(tags_[row] == tag_of(here.contact.endpoint) && row_at(here.contact.endpoint) == row);
    CHECK(subnet_tags_[row] == subnet_tag_of(here.contact.endpoint.address));
    CHECK(wide_tags_[row] == wide_tag_of(here.contact.endpoint.address));
    CHECK(here.named_by == no_row || cell(here.named_by).state == State::answered);
    CHECK(!here.had_value || here.state == State::answered);
    running += here.state == State::asked;
    slow += here.state == State::slow;
    answered += here.state == State::answered;
    has_value = has_value || here.had_value;
  }
  CHECK(running == running_count_ && slow == slow_count_ && answered == answered_count_);
  CHECK(running + slow + answered <= asked_count_ && has_value == has_found_);
}

}  // namespace xord
