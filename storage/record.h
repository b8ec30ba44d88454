// What the store holds of one record in memory: one cache line. Its value is in the value cache or
// on disk only.
#pragma once

#include <cstdint>

#include "reactor/base/id.h"
#include "storage/lazy_array.h"
#include "storage/operation.h"

namespace xord {

using RecordHandle = uint32_t;  // Index into the array of records.
constexpr RecordHandle no_record = UINT32_MAX;
constexpr uint32_t not_cached = UINT32_MAX;
constexpr uint16_t not_filed = UINT16_MAX;

struct alignas(64) Record {
  Id key;
  NodeSeconds published;
  NodeSeconds last_store;
  NodeSeconds expiry;
  NodeSeconds expiry_on_disk;  // Behind `expiry` after an equal store; ahead after a wrong clock.
  uint32_t cached_at;          // Place in the value cache, or not_cached.
  RecordHandle due_next;       // In the expiry ring; of a free record: the next free one.
  RecordHandle due_previous;
  uint64_t fingerprint;  // Of the committed value, as are the next two.
  uint16_t value_size;
  uint16_t source_prefix;
  uint16_t due_bucket;    // Of the expiry ring, or not_filed.
  uint8_t is_committed;   // Otherwise its first write is pending, and nobody sees it.
  uint8_t pending_count;  // Writes awaiting completion; at most 255.
};
static_assert(sizeof(Record) == 64);

using Records = LazyArray<Record>;

}  // namespace xord
