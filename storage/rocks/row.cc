#include "storage/rocks/row.h"

#include <xxhash.h>

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {
namespace {

uint32_t checksum(const RowKey& row_key, const uint8_t* row, size_t size) {
  const uint64_t seed = XXH3_64bits(row_key.data(), row_key.size());
  return static_cast<uint32_t>(XXH3_64bits_withSeed(row, size, seed));
}

static_assert(id_size == 20);  // Two bytes and 18, below.

// Whether these bytes are read as this row.
[[maybe_unused]] bool is_row_of(const RowKey& row_key, const Row& row, Bytes bytes) {
  const std::optional<Row> parsed = parse_row(row_key, bytes);
  return parsed && parsed->times == row.times && parsed->source_prefix == row.source_prefix &&
         equal(parsed->value, row.value) && expiry_of_row(bytes) == row.times.expiry;
}

}  // namespace

RowKey row_key_of(const Id& key) {
  RowKey row_key;
  std::copy_n(key.bytes.begin() + 18, 2, row_key.begin());
  std::copy_n(key.bytes.begin(), 18, row_key.begin() + 2);
  DCHECK(key_of_row(row_key) == key && load_be16(row_key.data()) == load_prefix(key));
  return row_key;
}

Id key_of_row(const RowKey& row_key) {
  Id key;
  std::copy_n(row_key.begin() + 2, 18, key.bytes.begin());
  std::copy_n(row_key.begin(), 2, key.bytes.begin() + 18);
  return key;
}

// The inverse of shard_of(). Tools divide the rows into more parts than there are shards.
RowRange row_range_of(uint32_t shard, uint32_t shards) {
  CHECK(shard < shards && shards <= UINT16_MAX);
  const auto first_of = [shards](uint32_t which) { return (which * 65'536 + shards - 1) / shards; };
  const RowRange range{first_of(shard), first_of(shard + 1)};
  CHECK(range.first < range.end && range.end <= UINT16_MAX + 1);
  return range;
}

void encode_row(const RowKey& row_key, const Row& row, std::string& out) {
  out.resize(row_header_size + row.value.size() + row_checksum_size);
  auto* at = reinterpret_cast<uint8_t*>(out.data());
  at[0] = row_version;
  at[1] = 0;  // Flags: none yet.
  at[2] = 0;  // Type: an opaque value of the dialect.
  at[3] = 0;
  store_le(at + 4, row.times.first_seen);
  store_le(at + 8, row.times.published);
  store_le(at + 12, row.times.last_store);
  store_le(at + 16, row.times.expiry);
  store_le(at + 20, row.source_prefix);
  std::copy(row.value.begin(), row.value.end(), at + row_header_size);
  const size_t size = row_header_size + row.value.size();
  store_le(at + size, checksum(row_key, at, size));
  DCHECK(is_row_of(row_key, row, bytes_of(out)));
}

std::optional<Row> parse_row(const RowKey& row_key, Bytes row) {
  if (row.size() < row_header_size + row_checksum_size || row[0] != row_version) {
    return std::nullopt;
  }
  const size_t size = row.size() - row_checksum_size;
  if (load_le<uint32_t>(&row[size]) != checksum(row_key, row.data(), size)) return std::nullopt;
  Row parsed;
  parsed.times = {load_le<uint32_t>(&row[4]), load_le<uint32_t>(&row[8]),
                  load_le<uint32_t>(&row[12]), load_le<uint32_t>(&row[16])};
  parsed.source_prefix = load_le<uint16_t>(&row[20]);
  parsed.value = row.subspan(row_header_size, size - row_header_size);
  return parsed;
}

const char* fault_of(const Row& row, const ValueRules& rules) {
  const RecordTimes& times = row.times;
  if (row.value.size() > rules.size_max) return "its value is larger than any that peers store";
  if (rules.is_storable != nullptr && !rules.is_storable(row.value)) {
    return "its value is not of a type that peers store";
  }
  // Every store sets them this way, and every change moves them forward together.
  const bool is_possible = times.published <= times.last_store && times.published < times.expiry &&
                           times.expiry - times.published <= ttl_max;
  return is_possible ? nullptr : "its times contradict each other";
}

std::string damage_of(const RowKey& row_key, Bytes row) {
  if (row.size() < row_header_size + row_checksum_size) {
    return "its row has " + std::to_string(row.size()) + " bytes, fewer than any row";
  }
  if (row[0] != row_version) {
    return "its row has version " + std::to_string(row[0]) + ", which this xord does not know";
  }
  return parse_row(row_key, row) ? "it is not" : "its row does not match its checksum";
}

std::optional<NodeSeconds> expiry_of_row(Bytes row) {
  if (row.size() < row_header_size + row_checksum_size || row[0] != row_version) {
    return std::nullopt;
  }
  return load_le<uint32_t>(&row[16]);
}

}  // namespace xord
