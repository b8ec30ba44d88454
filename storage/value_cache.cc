#include "storage/value_cache.h"

#include <algorithm>
#include <cstring>

namespace xord {
namespace {

// Places are 32-bit word offsets: 32 GiB a shard.
constexpr uint64_t words_max = uint64_t{1} << 32;
static_assert(words_max - 1 <= not_cached);  // No place is taken for `not_cached`.

// How many cache lines of a value are worth prefetching: copying a longer one streams by itself.
constexpr uint32_t words_per_line = 8;
constexpr uint32_t words_fetched_ahead = 4 * words_per_line;

}  // namespace

ValueCache::ValueCache(Records& records, uint64_t bytes_max)
    : records_(records),
      words_(std::min(bytes_max / 8, words_max - 1), Filled::from_the_beginning),
      small_{},
      large_{} {
  const auto total = static_cast<uint32_t>(words_.size());
  small_.capacity = total / 8;
  large_.base = small_.capacity;
  large_.capacity = total - small_.capacity;
}

Bytes ValueCache::value(RecordHandle record) const {
  const uint32_t place = records_[record].cached_at;
  DCHECK(place != not_cached && header(place).record == record);
  return {reinterpret_cast<const uint8_t*>(&words_[place]) + sizeof(Header), header(place).size};
}

Bytes ValueCache::use(RecordHandle record) {
  const uint32_t place = records_[record].cached_at;
  DCHECK(place != not_cached && header(place).record == record);
  header(place).is_used = 1;
  return value(record);
}

void ValueCache::fetch_ahead(RecordHandle record) const {
  const Record& of = records_[record];
  if (of.cached_at == not_cached) return;
  const uint32_t length = std::min(words(of.value_size), words_fetched_ahead);
  for (uint32_t word = 0; word < length; word += words_per_line) {
    __builtin_prefetch(&words_[of.cached_at + word]);
  }
  __builtin_prefetch(&words_[of.cached_at + length - 1]);
}

uint64_t ValueCache::words_taken(const Ring& ring, uint32_t needed) {
  const uint64_t until_end = ring.capacity - ring.next % ring.capacity;
  return needed <= until_end ? needed : until_end + needed;
}

bool ValueCache::has_room(const Ring& ring, uint32_t needed) const {
  return ring.next - ring.oldest + words_taken(ring, needed) <= ring.capacity;
}

void ValueCache::put(Ring& ring, RecordHandle record, Bytes value) {
  const uint32_t needed = words(value.size());
  DCHECK(has_room(ring, needed) && value.size() <= UINT16_MAX);
  DCHECK(records_[record].cached_at == not_cached);
  const uint64_t taken = words_taken(ring, needed);
  const uint64_t skipped = taken - needed;
  // `value` may lie where it is to be put, or overlap it: move first, then write headers.
  const uint32_t place = ring.place(ring.next + skipped);
  if (!value.empty()) std::memmove(&words_[place] + 1, value.data(), value.size());
  header(place) = {record, static_cast<uint16_t>(value.size()), 0};
  // Skipped room is a chain of headers without a record, each of at most 64 KiB.
  for (uint64_t at = 0; at < skipped;) {
    const uint64_t piece = std::min<uint64_t>(skipped - at, 8'000);
    header(ring.place(ring.next + at)) = {no_record, static_cast<uint16_t>((piece - 1) * 8), 0};
    at += piece;
  }
  ring.next += taken;
  ring.live += needed;
  records_[record].cached_at = place;
}

void ValueCache::evict_oldest(Ring& ring, uint32_t& moves) {
  DCHECK(ring.oldest < ring.next);
  const uint32_t place = ring.place(ring.oldest);
  const Header oldest = header(place);
  const uint32_t length = words(oldest.size);
  ring.oldest += length;
  if (oldest.record == no_record) return;
  DCHECK(ring.live >= length && records_[oldest.record].cached_at == place);
  ring.live -= length;
  records_[oldest.record].cached_at = not_cached;
  const Bytes value{reinterpret_cast<const uint8_t*>(&words_[place]) + sizeof(Header), oldest.size};
  const bool may_move = oldest.is_used != 0 && moves < moves_max && length <= large_.capacity;
  if (may_move) ++moves;
  if (may_move && &ring == &small_) make_room(large_, length, moves);
  if (may_move && has_room(large_, length)) {
    put(large_, oldest.record, value);
  } else {
    ++evictions_;
  }
}

void ValueCache::make_room(Ring& ring, uint32_t needed, uint32_t& moves) {
  while (!has_room(ring, needed)) evict_oldest(ring, moves);
}

void ValueCache::insert(RecordHandle record, Bytes value) {
  const uint32_t needed = words(value.size());
  // A ring that holds only a few values of this size would drop them before they are asked for
  // again.
  Ring& ring = needed <= small_.capacity / 4 ? small_ : large_;
  if (needed > ring.capacity / 2) return;
  uint32_t moves = 0;
  make_room(ring, needed, moves);
  put(ring, record, value);
}

bool ValueCache::insert_if_free(RecordHandle record, Bytes value) {
  const uint32_t needed = words(value.size());
  if (needed > large_.capacity / 2 || !has_room(large_, needed)) return false;
  put(large_, record, value);
  return true;
}

void ValueCache::erase(RecordHandle record) {
  const uint32_t place = records_[record].cached_at;
  if (place == not_cached) return;
  DCHECK(header(place).record == record);
  DCHECK(ring_of(place).live >= words(header(place).size));
  ring_of(place).live -= words(header(place).size);
  header(place).record = no_record;
  records_[record].cached_at = not_cached;
}

uint32_t ValueCache::check_ring(const Ring& ring) const {
  CHECK(ring.oldest <= ring.next && ring.next - ring.oldest <= ring.capacity);
  uint32_t values = 0;
  uint64_t live = 0;
  uint64_t at = ring.oldest;
  while (at < ring.next) {
    const uint32_t place = ring.place(at);
    const Header& piece = header(place);
    const uint32_t length = words(piece.size);
    CHECK(place - ring.base + length <= ring.capacity);  // In one piece.
    at += length;
    if (piece.record == no_record) continue;
    CHECK(records_[piece.record].cached_at == place);
    live += length;
    ++values;
  }
  CHECK(at == ring.next && live == ring.live);
  return values;
}

uint32_t ValueCache::check_invariants() const {
  return check_ring(small_) + check_ring(large_);
}

}  // namespace xord
