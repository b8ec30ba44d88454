#include "tools/store/record_purge.h"

#include <algorithm>
#include <vector>

#include "reactor/base/check.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"
#include "tools/store/stopped_database.h"
#include "tools/store/stored_records.h"

namespace xord {
namespace {

// Keys are gathered for one part of the key space at a time, and erased after the walk of that
// part.
constexpr uint32_t parts = 256;
constexpr size_t batch_records = 4096;

using Change = RocksDatabase::Change;

[[noreturn]] void fail(const std::string& what, const rocksdb::Status& status) {
  throw Failure(ExitCode::environment,
                what + " (" + status.ToString() + "): free disk space, or run `xord store check`");
}

class RecordPurge {
 public:
  RecordPurge(StoppedDatabase& stopped, const PurgeSelection& selection, Terminal& terminal)
      : stopped_(stopped),
        selection_(selection),
        now_(node_seconds(stopped.node_now())),
        progress_(terminal, "looked at", "records", stopped.rows_estimate()) {}

  uint64_t run() {
    const size_t networks = stopped_.networks().size();
    for (size_t network = 0; network < networks; ++network) {
      for (uint32_t part = 0; part < parts; ++part) {
        walk(static_cast<NetworkIndex>(network), row_range_of(part, parts));
        erase();
      }
    }
    return purged_;
  }

 private:
  // Ranges that cannot be read are skipped: a node does not serve their records either.
  void walk(NetworkIndex network, RowRange range) {
    while (range.first < range.end) {
      const auto status =
          stopped_.database().scan(network, range, [&](const RowKey& row_key, Bytes bytes) {
            stop_if_interrupted();
            if (is_selected(row_key, bytes)) gathered_.push_back({network, row_key, std::nullopt});
            progress_.reached(++seen_);
            return true;
          });
      if (status.ok()) return;
    }
  }
  bool is_selected(const RowKey& row_key, Bytes bytes) const {
    if (shared_prefix(key_of_row(row_key), selection_.prefix) < selection_.prefix_bits) {
      return false;
    }
    if (!selection_.is_expired_only) return true;
    const auto row = parse_row(row_key, bytes);
    return row && now_ >= row->times.expiry;
  }
  void erase() {
    for (size_t at = 0; at < gathered_.size(); at += batch_records) {
      stop_if_interrupted();
      const size_t count = std::min(batch_records, gathered_.size() - at);
      // Needs no undo: purging again has the same result.
      const auto status = stopped_.database().write({&gathered_[at], count}, nullptr);
      if (!status.ok()) fail("the disk refused to erase records", status);
      purged_ += count;
      CHECK(purged_ <= seen_);
    }
    gathered_.clear();
  }

  StoppedDatabase& stopped_;
  const PurgeSelection& selection_;
  const NodeSeconds now_;
  Progress progress_;
  std::vector<Change> gathered_;
  uint64_t seen_ = 0;
  uint64_t purged_ = 0;
};

}  // namespace

uint64_t purge_records(const std::string& data_dir, const PurgeSelection& selection,
                       Terminal& terminal) {
  CHECK(selection.prefix_bits <= id_bits);
  StoppedDatabase stopped(data_dir);
  const uint64_t purged = RecordPurge(stopped, selection, terminal).run();
  if (purged == 0 || selection.prefix_bits == id_bits) return purged;
  const rocksdb::Status status = stopped.database().compact();
  if (!status.ok()) fail("the records are purged, but their disk space could not be freed", status);
  return purged;
}

}  // namespace xord
