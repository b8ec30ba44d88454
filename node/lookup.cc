#include "node/lookup.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {
namespace {

// Enough to pass over nearly all other rows; equal tags are followed by a comparison.
uint32_t tag_of(const Endpoint& endpoint) {
  return load_le<uint32_t>(&endpoint.address.bytes[12]) * 0x9e3779b1u +
         load_le<uint32_t>(&endpoint.address.bytes[4]) + endpoint.port;
}

uint32_t subnet_tag_of(const IpAddress& address) {
  const uint8_t* bytes = address.bytes.data();
  return address.is_ipv4() ? load_be32(bytes + 12) >> 8
                           : load_be32(bytes) * 0x9e3779b1u + load_be32(bytes + 4);
}

}  // namespace

Lookup::Lookup(uint32_t rows_max) {
  CHECK(rows_max >= 1 && rows_max < no_row);
  cells_.reserve(rows_max);
  order_.reserve(rows_max);
  tags_.reserve(rows_max);
  subnet_tags_.reserve(rows_max);
  rows_max_ = rows_max;
}

void Lookup::start(const LookupPlan& plan, std::span<const Contact> known) {
  CHECK(candidates_count_ == 0);
  CHECK(plan.parallelism >= 1 && plan.width >= 1 && plan.width < rows_max_);
  plan_ = plan;
  cells_.clear();
  order_.clear();
  tags_.clear();
  subnet_tags_.clear();
  running_count_ = slow_count_ = answered_count_ = asked_count_ = barren_count_ = 0;
  lost_a_value_ = false;
  for (const Contact& contact : known) add(contact, no_row);
}

std::optional<Lookup::Row> Lookup::next() {
  if (has_found() || running_count_ >= slots()) return std::nullopt;
  const auto row = first_unasked();
  if (!row) return std::nullopt;
  cell(*row).state = State::asked;
  ++running_count_;
  ++asked_count_;
  return row;
}

void Lookup::postponed(Row row) {
  CHECK(cell(row).state == State::asked);
  cell(row).state = State::unasked;
  --running_count_;
  --asked_count_;
}

void Lookup::answered(Row row, std::span<const Contact> named) {
  leave_flight(row, State::answered);
  ++answered_count_;
  const Row nearest = order_.front();
  for (const Contact& contact : named) add(contact, row);
  barren_count_ = order_.front() == nearest ? barren_count_ + 1 : 0;
}

void Lookup::answered_value(Row row, Bytes value, ValuePool& pool) {
  leave_flight(row, State::answered);
  ++answered_count_;
  cell(row).had_value = true;
  for (uint32_t i = 0; i < candidates_count_; ++i) {
    if (!equal(pool.bytes(candidates_[i].value), value)) continue;
    ++candidates_[i].votes;
    return;
  }
  if (candidates_count_ == value_candidates_max) return;
  if (const auto kept = pool.keep(value)) {
    candidates_[candidates_count_++] = {*kept, 1};
  } else {
    lost_a_value_ = true;
  }
}

void Lookup::slow(Row row) {
  CHECK(cell(row).state == State::asked);
  leave_flight(row, State::slow);
  ++slow_count_;
}

void Lookup::failed(Row row) {
  leave_flight(row, State::failed);
}

bool Lookup::is_finished() const {
  if (has_found()) return running_count_ == 0;
  uint32_t nearest = 0;
  for (const Row row : order_) {
    const State state = cell(row).state;
    if (state == State::unasked || state == State::asked) return false;
    if (state == State::answered && ++nearest == plan_.width) return true;
  }
  // With nobody found yet, ending before the slow ones had their 5 s would report an empty network.
  return answered_count_ > 0 || slow_count_ == 0;
}

size_t Lookup::results(std::span<Contact> out) const {
  const size_t most = std::min<size_t>(out.size(), plan_.width);
  size_t count = 0;
  for (const Row row : order_) {
    if (count == most) break;
    if (cell(row).state == State::answered) out[count++] = cell(row).contact;
  }
  return count;
}

std::optional<Bytes> Lookup::value(const ValuePool& pool) const {
  const Candidate* best = nullptr;
  for (uint32_t i = 0; i < candidates_count_; ++i) {
    if (best == nullptr || candidates_[i].votes > best->votes) best = &candidates_[i];
  }
  if (best == nullptr) return std::nullopt;
  return pool.bytes(best->value);
}

std::optional<Contact> Lookup::nearest_without_value() const {
  for (const Row row : order_) {
    if (cell(row).state == State::answered && !cell(row).had_value) return cell(row).contact;
  }
  return std::nullopt;
}

void Lookup::release(ValuePool& pool) {
  for (uint32_t i = 0; i < candidates_count_; ++i) pool.give_back(candidates_[i].value);
  candidates_count_ = 0;
}

std::optional<Lookup::Row> Lookup::named_by(Row row) const {
  const Row by = cell(row).named_by;
  return by == no_row ? std::nullopt : std::optional<Row>(by);
}

uint32_t Lookup::hops() const {
  for (const Row row : order_) {
    if (cell(row).state == State::answered) return cell(row).hops;
  }
  return 0;
}

const Lookup::Cell& Lookup::cell(Row row) const {
  CHECK(row < cells_.size());
  return cells_[row];
}

Lookup::Cell& Lookup::cell(Row row) {
  CHECK(row < cells_.size());
  return cells_[row];
}

// Checklist 18. A round is `parallelism` answers here, as slots are refilled one by one: when so
// many in a row named nothing nearer than the nearest seen, all of the nearest are asked at once.
// The next nearer contact makes the lookup narrow again.
uint32_t Lookup::slots() const {
  return barren_count_ >= plan_.parallelism ? std::max(plan_.width, plan_.parallelism)
                                            : plan_.parallelism;
}

// Checklist 16 and 17: the nearest unasked one among the `width` nearest in the running.
std::optional<Lookup::Row> Lookup::first_unasked() const {
  uint32_t running = 0;
  for (const Row row : order_) {
    const State state = cell(row).state;
    if (state == State::unasked) return row;
    if (state == State::asked || state == State::answered) ++running;
    if (running == plan_.width) return std::nullopt;
  }
  return std::nullopt;
}

void Lookup::leave_flight(Row row, State state) {
  Cell& left = cell(row);
  CHECK(left.state == State::asked || left.state == State::slow);
  --(left.state == State::asked ? running_count_ : slow_count_);
  left.state = state;
}

void Lookup::add(const Contact& contact, Row named_by) {
  if (contact.id == plan_.self) return;
  const uint32_t position = position_of(contact.id);
  if (is_known(contact, position)) return;
  const Row row = row_for(contact, position, named_by);
  if (row == no_row) return;
  const uint8_t hops =
      named_by == no_row ? uint8_t{0} : static_cast<uint8_t>(cell(named_by).hops + 1);
  cells_[row] = {contact, named_by, State::unasked, false, hops};
  tags_[row] = tag_of(contact.endpoint);
  subnet_tags_[row] = subnet_tag_of(contact.endpoint.address);
  order_.insert(order_.begin() + position, row);  // Never grows: row_for() made room.
}

// The first position in the order whose contact is not nearer to the target than `id`.
uint32_t Lookup::position_of(const Id& id) const {
  const auto at = std::partition_point(order_.begin(), order_.end(), [&](Row row) {
    return nearer(plan_.target, cells_[row].contact.id, id);
  });
  return static_cast<uint32_t>(at - order_.begin());
}

bool Lookup::is_known(const Contact& contact, uint32_t position) const {
  if (position < order_.size() && cells_[order_[position]].contact.id == contact.id) return true;
  const uint32_t tag = tag_of(contact.endpoint);
  for (size_t row = 0; row < tags_.size(); ++row) {
    if (tags_[row] == tag && cells_[row].contact.endpoint == contact.endpoint) return true;
  }
  return false;
}

bool Lookup::has_its_share(const IpAddress& address) const {
  uint32_t count = 0;
  const uint32_t tag = subnet_tag_of(address);
  for (size_t row = 0; row < subnet_tags_.size(); ++row) {
    count += subnet_tags_[row] == tag && same_subnet(cells_[row].contact.endpoint.address, address);
  }
  return count >= plan_.subnets.a_lookup_max;
}

// A row for a contact that belongs at `position`: a new one, or that of the farthest unasked
// contact if that is farther; one of its own subnet if that has its share. What we knew at the
// start was admitted by the table under limits of its own: it counts, and is not refused.
Lookup::Row Lookup::row_for(const Contact& contact, uint32_t position, Row named_by) {
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
    return static_cast<Row>(cells_.size() - 1);
  }
  return take_farthest_unasked(position, [](Row) { return true; });
}

// Rows that were asked stay: they keep a node from being asked twice.
template <class MayGo>
Lookup::Row Lookup::take_farthest_unasked(uint32_t position, MayGo&& may_go) {
  for (auto at = static_cast<uint32_t>(order_.size()); at > position; --at) {
    const Row row = order_[at - 1];
    if (cells_[row].state != State::unasked || !may_go(row)) continue;
    order_.erase(order_.begin() + (at - 1));
    return row;
  }
  return no_row;
}

}  // namespace xord
