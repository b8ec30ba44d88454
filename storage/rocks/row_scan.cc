#include "storage/rocks/row_scan.h"

#include <cstring>
#include <memory>

#include "reactor/base/check.h"

namespace xord {

rocksdb::Status scan_rows(rocksdb::DB& database, rocksdb::ColumnFamilyHandle* family,
                          RowRange& range, const VisitRow& visit) {
  CHECK(range.first < range.end && range.end <= UINT16_MAX + 1);
  uint8_t first[2];
  uint8_t end[2];
  store_be16(first, static_cast<uint16_t>(range.first));
  store_be16(end, static_cast<uint16_t>(range.end));
  const rocksdb::Slice bound = slice_of(Bytes(end));
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 2 << 20;
  if (range.end <= UINT16_MAX) options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(database.NewIterator(options, family));
  for (at->Seek(slice_of(Bytes(first))); at->Valid(); at->Next()) {
    const rocksdb::Slice key = at->key();
    if (key.size() != id_size) continue;
    RowKey row_key;
    std::memcpy(row_key.data(), key.data(), id_size);
    DCHECK(load_be16(row_key.data()) >= range.first && load_be16(row_key.data()) < range.end);
    range.first = load_be16(row_key.data());
    if (!visit(row_key, bytes_in(at->value()))) break;
  }
  if (!at->status().ok()) ++range.first;
  CHECK(range.first <= range.end);
  return at->status();
}

}  // namespace xord
