// Walks the rows of one column family in key order, skipping what cannot be read.
#pragma once

#include <rocksdb/db.h>

#include <functional>

#include "storage/rocks/row.h"

namespace xord {

// A row's bytes are borrowed for the call. Returning false ends the walk.
using VisitRow = std::function<bool(const RowKey&, Bytes)>;

// Visits the rows of a range, in order. If the walk stops early, returns the status that stopped
// it, with the place to resume in `range.first`: RocksDB cannot step over a damaged block, so the
// rest of the damaged range's two-byte prefix is skipped.
rocksdb::Status scan_rows(rocksdb::DB& database, rocksdb::ColumnFamilyHandle* family,
                          RowRange& range, const VisitRow& visit);

inline rocksdb::Slice slice_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes bytes_in(const rocksdb::Slice& slice) {
  return {reinterpret_cast<const uint8_t*>(slice.data()), slice.size()};
}

}  // namespace xord
