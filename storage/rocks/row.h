// A record's row in RocksDB, byte for byte as docs/STORAGE.md has it. The row's key is the record's
// key with its last two bytes moved to the front, so that the records of a shard are one contiguous
// range for any number of shards.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "reactor/base/id.h"
#include "storage/operation.h"

namespace xord {

using RowKey = std::array<uint8_t, id_size>;
RowKey row_key_of(const Id& key);
Id key_of_row(const RowKey& row_key);
// The first two bytes of the row keys of a shard: `first` to, not including, `end` (65,536 at
// most).
struct RowRange {
  uint32_t first;
  uint32_t end;
};
RowRange row_range_of(uint32_t shard, uint32_t shards);

constexpr uint8_t row_version = 1;
constexpr size_t row_header_size = 22;
constexpr size_t row_checksum_size = 4;

struct Row {
  RecordTimes times;
  uint16_t source_prefix = 0;
  Bytes value;  // Borrowed from the bytes that were parsed.
};

// Replaces what `out` holds.
void encode_row(const RowKey& row_key, const Row& row, std::string& out);
// Empty when the row is not whole: its length, its version, or its checksum, which covers the key.
std::optional<Row> parse_row(const RowKey& row_key, Bytes row);

// What a dialect says of values: the largest, and which bytes are one at all (null: any).
struct ValueRules {
  uint32_t size_max = UINT16_MAX;
  bool (*is_storable)(Bytes value) = nullptr;
};
// Why no store can have led to this row, whole as it is, for a person: an import, another program,
// or an older xord wrote it. Null when nothing speaks against it. Other rows are not served, since
// whoever takes a record trusts its size and times.
const char* fault_of(const Row& row, const ValueRules& rules);
// Why parse_row() gave nothing, for a person.
std::string damage_of(const RowKey& row_key, Bytes row);
// The expiry that a row states, unchecked: for the compaction filter. Empty if it is too short or
// of a version that is not known here.
std::optional<NodeSeconds> expiry_of_row(Bytes row);

}  // namespace xord
