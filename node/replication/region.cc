#include "node/replication/region.h"

#include "reactor/base/check.h"

namespace xord {
namespace {

// How many bits finer than the region the proof may look. A million nodes in the region would need
// half of it; a region has about 30.
constexpr uint32_t proof_depth = 16;

Id farthest() {
  Id all;
  all.bytes.fill(0xff);
  return all;
}

}  // namespace

size_t Region::nearest(const Id& key, std::span<Contact> out) const {
  CHECK(contacts_count <= contacts.size());
  std::array<uint8_t, region_contacts_max> order;
  for (uint8_t i = 0; i < contacts_count; ++i) order[i] = i;
  const size_t count = std::min<size_t>(out.size(), contacts_count);
  std::partial_sort(
      order.begin(), order.begin() + static_cast<ptrdiff_t>(count), order.begin() + contacts_count,
      [&](uint8_t a, uint8_t b) { return nearer(key, contacts[a].id, contacts[b].id); });
  for (size_t i = 0; i < count; ++i) out[i] = contacts[order[i]];
  return count;
}

RegionSurvey::RegionSurvey(uint32_t rows_max) : rows_max_(rows_max) {
  CHECK(rows_max >= bucket_size && rows_max <= region_contacts_max);
  rows_.reserve(rows_max);
}

void RegionSurvey::start(const Id& self, std::span<const Contact> nearest) {
  CHECK(nearest.size() <= bucket_size);
  // The last of them says how far the lookup saw.
  DCHECK(std::is_sorted(nearest.begin(), nearest.end(), [&](const Contact& a, const Contact& b) {
    return nearer(target_, a.id, b.id);
  }));
  self_ = self;
  rows_.clear();
  running_count_ = 0;
  is_crowded_ = false;
  const bool is_whole_network = nearest.size() < bucket_size;
  depth_ = is_whole_network ? 0 : shared_prefix(target_, nearest.back().id);
  target_radius_ = is_whole_network ? farthest() : distance(target_, nearest.back().id);
  for (const Contact& contact : nearest) add(contact);
}

void RegionSurvey::add(const Contact& contact) {
  if (contact.id == self_ || shared_prefix(target_, contact.id) < depth_) return;
  for (const Cell& cell : rows_) {
    if (cell.contact.id == contact.id || cell.contact.endpoint == contact.endpoint) return;
  }
  if (rows_.size() == rows_max_) {
    is_crowded_ = true;
    return;
  }
  rows_.push_back({contact, State::unasked, {}});
}

std::optional<RegionSurvey::Row> RegionSurvey::next() {
  if (running_count_ >= lookup_parallelism || is_crowded_) return std::nullopt;
  for (Row row = 0; row < rows_.size(); ++row) {
    if (rows_[row].state != State::unasked) continue;
    rows_[row].state = State::asked;
    ++running_count_;
    return row;
  }
  return std::nullopt;
}

RegionSurvey::Cell& RegionSurvey::cell_of(Row row) {
  CHECK(row < rows_.size());
  return rows_[row];
}

void RegionSurvey::postponed(Row row) {
  Cell& cell = cell_of(row);
  CHECK(cell.state == State::asked && running_count_ > 0);
  cell.state = State::unasked;
  --running_count_;
}

void RegionSurvey::answered(Row row, std::span<const Contact> named, size_t named_count) {
  Cell& cell = cell_of(row);
  CHECK(cell.state == State::asked || cell.state == State::slow);
  CHECK(named.size() <= named_count);
  running_count_ -= cell.state == State::asked;
  cell.state = State::answered;
  // If it named fewer than k, it named all that it knows.
  cell.radius = named_count < bucket_size ? farthest() : Id{};
  for (const Contact& contact : named) {
    cell.radius = std::max(cell.radius, distance(cell.contact.id, contact.id));
  }
  for (const Contact& contact : named) add(contact);
}

void RegionSurvey::slow(Row row) {
  Cell& cell = cell_of(row);
  CHECK(cell.state == State::asked && running_count_ > 0);
  cell.state = State::slow;
  --running_count_;
}

void RegionSurvey::failed(Row row) {
  Cell& cell = cell_of(row);
  CHECK(cell.state == State::asked || cell.state == State::slow);
  running_count_ -= cell.state == State::asked;
  cell.state = State::failed;
}

bool RegionSurvey::is_finished() const {
  if (is_crowded_) return running_count_ == 0;
  // Slow nodes are waited for: a node left out would miss everything stored in the region.
  return std::all_of(rows_.begin(), rows_.end(), [](const Cell& cell) {
    return cell.state == State::answered || cell.state == State::failed;
  });
}

bool RegionSurvey::is_within(const Id& center, const Id& radius, const Id& block,
                             uint32_t depth) const {
  return last_of_block(distance(center, block), depth) <= radius;
}

// Whether every node in the block would have been named: one answer covers the block, or both
// halves are covered.
bool RegionSurvey::is_covered(const Id& block, uint32_t depth) const {
  DCHECK(depth >= depth_ && depth <= id_bits);
  bool is_touched = false;
  const auto covers = [&](const Id& center, const Id& radius) {
    is_touched = is_touched || first_of_block(distance(center, block), depth) <= radius;
    return is_within(center, radius, block, depth);
  };
  if (covers(target_, target_radius_)) return true;
  for (const Cell& cell : rows_) {
    if (cell.state == State::answered && covers(cell.contact.id, cell.radius)) return true;
  }
  if (!is_touched || depth >= depth_ + proof_depth || depth == id_bits) return false;
  Id upper = block;
  upper.bytes[depth / 8] = static_cast<uint8_t>(upper.bytes[depth / 8] | (0x80 >> (depth % 8)));
  return is_covered(block, depth + 1) && is_covered(upper, depth + 1);
}

// The k nearest of each key in the range are in the range, because at least k of its nodes answered
// (we count as one if the range holds our id), and none is missing.
bool RegionSurvey::is_proven(const Id& self) const {
  if (is_crowded_) return false;
  const auto answered = static_cast<size_t>(std::count_if(
      rows_.begin(), rows_.end(), [](const Cell& cell) { return cell.state == State::answered; }));
  const size_t own = shared_prefix(target_, self) >= depth_ ? 1 : 0;
  if (depth_ > 0 && answered + own < bucket_size) return false;
  return is_covered(first_of_block(target_, depth_), depth_);
}

Region RegionSurvey::region() const {
  CHECK(is_finished());
  Region region;
  const bool proven = is_proven(self_);
  region.depth = static_cast<uint8_t>(proven ? depth_ : id_bits);
  region.prefix = first_of_block(target_, region.depth);
  for (const Cell& cell : rows_) {
    if (cell.state != State::failed) region.contacts[region.contacts_count++] = cell.contact;
  }
  DCHECK(region.contains(target_));
  if (proven) return region;
  std::array<Contact, bucket_size> nearest;
  region.contacts_count = static_cast<uint8_t>(region.nearest(target_, nearest));
  std::copy_n(nearest.begin(), region.contacts_count, region.contacts.begin());
  return region;
}

void RegionSurvey::check_invariants() const {
  CHECK(rows_.size() <= rows_max_ && depth_ <= id_bits);
  CHECK(!is_crowded_ || rows_.size() == rows_max_);
  uint32_t asked_count = 0;
  for (const Cell& cell : rows_) {
    CHECK(cell.contact.id != self_ && shared_prefix(target_, cell.contact.id) >= depth_);
    asked_count += cell.state == State::asked;
    CHECK(std::count_if(rows_.begin(), rows_.end(), [&](const Cell& other) {
            return other.contact.id == cell.contact.id ||
                   other.contact.endpoint == cell.contact.endpoint;
          }) == 1);
  }
  CHECK(running_count_ == asked_count && asked_count <= lookup_parallelism);
}

}  // namespace xord
