// A record's row in RocksDB, byte for byte as in docs/STORAGE.md. The row's key is the record's key
// with its last two bytes moved to the front, so that the records of a shard are one contiguous
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
// The range of first two bytes of a shard's row keys: from `first` up to, not including, `end`
// (65,536 at most).
struct RowRange {
  uint32_t first;
  uint32_t end;
};
RowRange row_range_of(uint32_t shard, uint32_t shards);
static_assert(shards_max <= UINT16_MAX);  // The most parts.

constexpr uint8_t row_version = 1;
constexpr size_t row_header_size = 22;
constexpr size_t row_checksum_size = 4;
// Version, flags and two bytes of type; the times; the source prefix.
static_assert(row_header_size == 4 + sizeof(RecordTimes) + sizeof(uint16_t));

struct Row {
  RecordTimes times;
  uint16_t source_prefix = 0;
  Bytes value;  // Borrowed from the parsed bytes.
};

// Replaces the content of `out`.
void encode_row(const RowKey& row_key, const Row& row, std::string& out);
// Empty when the row is malformed: its length, its version, or its checksum (which covers the key).
std::optional<Row> parse_row(const RowKey& row_key, Bytes row);

// A dialect's rules for values: the largest size, and which bytes are a valid value (null: any).
struct ValueRules {
  uint32_t size_max = UINT16_MAX;
  bool (*is_storable)(Bytes value) = nullptr;
};
// Why no store can have produced this intact row, as text for a person: an import, another program,
// or an older xord wrote it. Null when it is plausible. A faulty row is not served, since peers
// that take a record trust its size and times.
const char* fault_of(const Row& row, const ValueRules& rules);
// Why parse_row() returned nothing, as text for a person.
std::string damage_of(const RowKey& row_key, Bytes row);
// The expiry that a row states, unchecked: for the compaction filter. Empty if it is too short or
// of an unknown version.
std::optional<NodeSeconds> expiry_of_row(Bytes row);

}  // namespace xord
