#include "storage/pending_writes.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace xord {
namespace {

constexpr uint32_t others_part = 4;
constexpr uint32_t writes_least = 8;

}  // namespace

PendingWrites::PendingWrites(uint32_t writes_max, uint32_t bytes_max)
    : pool_(writes_max),
      heads_(std::bit_ceil(writes_max), UINT32_MAX),
      taken_(heads_.size()),
      capacity_(bytes_max / 8),
      ring_(capacity_) {
  CHECK(writes_max > 0 && capacity_ > 0);
}

uint64_t PendingWrites::words_taken(uint64_t needed) const {
  const uint64_t until_end = capacity_ - next_ % capacity_;
  return needed <= until_end ? needed : until_end + needed;  // A value must be contiguous.
}

bool PendingWrites::has_room(size_t value_size) const {
  return !pool_.is_full() && next_ - oldest_ + words_taken(words(value_size)) <= capacity_;
}

bool PendingWrites::leaves_room(uint16_t source_prefix, size_t value_size) const {
  if (source_prefix == 0) return true;
  const Taken& taken = taken_[taken_index(source_prefix)];
  if (taken.writes == 0) return true;
  const uint64_t words_left = capacity_ - (next_ - oldest_);
  const uint32_t writes_left = pool_.slots_max() - pool_.taken_count();
  return taken.writes < std::max(writes_left / others_part, writes_least) &&
         taken.words + words(value_size) <= words_left / others_part;
}

uint32_t PendingWrites::put(Bytes value) {
  const uint64_t needed = words(value.size());
  const uint64_t skipped = words_taken(needed) - needed;
  if (skipped > 0) piece(next_) = {static_cast<uint32_t>(skipped), 1};
  next_ += skipped;
  piece(next_) = {static_cast<uint32_t>(needed), 0};
  const auto at = static_cast<uint32_t>(next_ % capacity_ + 1);
  if (!value.empty()) std::memcpy(ring_.data() + at, value.data(), value.size());
  next_ += needed;
  value_bytes_ += value.size();
  return at;
}

Ticket PendingWrites::add(PendingWrite write, Bytes value) {
  CHECK(has_room(value.size()));
  DCHECK(write.kind != OperationKind::read);
  const PoolHandle handle = *pool_.take();
  write.value_at = put(value);
  write.value_size = static_cast<uint32_t>(value.size());
  Taken& taken = taken_[taken_index(write.source_prefix)];
  ++taken.writes;
  taken.words += words(value.size());
  write.next = head_of(write.record);
  head_of(write.record) = handle.index;
  pool_[handle] = write;
  return handle.word();
}

const PendingWrite* PendingWrites::find(Ticket ticket) const {
  return pool_.find(PoolHandle::of(ticket));
}

const PendingWrite& PendingWrites::write_in(uint32_t slot) const {
  const auto handle = pool_.taken_at(slot);
  CHECK(handle.has_value());
  return pool_[*handle];
}

const PendingWrite* PendingWrites::newest_of(RecordHandle record) const {
  uint32_t index = heads_[record % heads_.size()];
  while (index != UINT32_MAX) {
    const PendingWrite& write = write_in(index);
    if (write.record == record) return &write;
    index = write.next;
  }
  return nullptr;
}

NodeSeconds PendingWrites::latest_publication(RecordHandle record, NodeSeconds at) const {
  NodeSeconds latest = 0;
  uint32_t index = heads_[record % heads_.size()];
  while (index != UINT32_MAX) {
    const PendingWrite& write = write_in(index);
    // The times of a removal are zero.
    if (write.record == record && at < write.times.expiry) {
      latest = std::max(latest, write.times.published);
    }
    index = write.next;
  }
  return latest;
}

Bytes PendingWrites::value(const PendingWrite& write) const {
  DCHECK(piece_of(write).is_free == 0 && piece_of(write).size == words(write.value_size));
  return {reinterpret_cast<const uint8_t*>(ring_.data() + write.value_at), write.value_size};
}

void PendingWrites::remove(Ticket ticket) {
  const PoolHandle handle = PoolHandle::of(ticket);
  const PendingWrite& write = pool_[handle];
  uint32_t* link = &head_of(write.record);
  while (*link != handle.index) {
    CHECK(*link != UINT32_MAX);
    link = &pool_[*pool_.taken_at(*link)].next;
  }
  *link = write.next;

  Taken& taken = taken_[taken_index(write.source_prefix)];
  CHECK(taken.writes > 0 && taken.words >= words(write.value_size));
  --taken.writes;
  taken.words -= words(write.value_size);
  CHECK(piece_of(write).is_free == 0 && value_bytes_ >= write.value_size);
  value_bytes_ -= write.value_size;
  reinterpret_cast<PieceHeader*>(&ring_[write.value_at - 1])->is_free = 1;
  while (oldest_ != next_ && piece(oldest_).is_free != 0) oldest_ += piece(oldest_).size;
  pool_.give_back(handle);
}

void PendingWrites::check_invariants() const {
  uint32_t chained = 0;
  uint64_t value_bytes = 0;
  for (size_t chain = 0; chain < heads_.size(); ++chain) {
    for (uint32_t slot = heads_[chain]; slot != UINT32_MAX; slot = write_in(slot).next) {
      const PendingWrite& write = write_in(slot);
      CHECK(write.record % heads_.size() == chain && chained < count());
      CHECK(piece_of(write).is_free == 0 && piece_of(write).size == words(write.value_size));
      CHECK(write.kind == OperationKind::write || write.value_size == 0);
      value_bytes += write.value_size;
      ++chained;
    }
  }
  CHECK(chained == count() && value_bytes == value_bytes_);
  uint32_t taken = 0;
  for (const Taken& each : taken_) taken += each.writes;
  CHECK(taken == count());

  CHECK(oldest_ <= next_ && next_ - oldest_ <= capacity_);
  uint32_t pieces = 0;
  uint64_t at = oldest_;
  while (at < next_) {
    CHECK(piece(at).size > 0 && at % capacity_ + piece(at).size <= capacity_);
    pieces += piece(at).is_free == 0 ? 1 : 0;
    at += piece(at).size;
  }
  CHECK(at == next_ && pieces == chained);
}

}  // namespace xord
