// What the store holds of one record in memory: one cache line. Its value is only in the value
// cache or on disk.
#pragma once

#include <cstdint>

#include "reactor/base/id.h"
#include "reactor/base/lazy_array.h"
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
  // Earlier than `expiry` if an equal store came since; later if the clock was wrong.
  NodeSeconds expiry_on_disk;
  uint32_t cached_at;     // Place in the value cache, or not_cached.
  RecordHandle due_next;  // Links in the expiry ring; of a free record, the next free one.
  RecordHandle due_previous;
  uint64_t fingerprint;  // Of the committed value, as are the size and source prefix below.
  uint16_t value_size;
  uint16_t source_prefix;  // StoreRequest::source_prefix.
  uint16_t due_bucket;     // Bucket in the expiry ring, or not_filed.
  uint8_t is_committed;    // If false, its first write is pending and the record is not visible.
  uint8_t pending_count;   // Writes awaiting completion; at most 255.
};
static_assert(sizeof(Record) == 64);

using Records = LazyArray<Record>;

}  // namespace xord
