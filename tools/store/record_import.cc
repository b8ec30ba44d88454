#include "tools/store/record_import.h"

#include <algorithm>
#include <limits>

#include "tools/failure.h"
#include "tools/interrupt.h"
#include "tools/progress.h"
#include "tools/store/stored_records.h"

namespace xord {
namespace {

constexpr size_t batch_records = 1024;
constexpr size_t batch_bytes = 1 << 20;

}  // namespace

RecordImport::RecordImport(std::istream& in, ImportTarget& target, Terminal& terminal)
    : in_(in), target_(target), terminal_(terminal) {}

// The next line; one that is longer than any is given as far as that, and skipped. False at the
// end, or when a signal cut the reading short.
bool RecordImport::next_line(std::string& line) {
  stop_if_interrupted();
  line.resize(export_line_max + 2);
  in_.getline(line.data(), static_cast<std::streamsize>(line.size()));
  const auto got = static_cast<size_t>(in_.gcount());
  if (in_.bad() || (got == 0 && in_.eof())) {
    stop_if_interrupted();
    return false;
  }
  if (in_.fail() && !in_.eof()) {
    in_.clear();
    in_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    line.resize(export_line_max + 1);
  } else {
    line.resize(in_.eof() ? got : got - 1);  // Without the newline that was counted.
  }
  ++line_number_;
  return true;
}

void RecordImport::note_damage(const std::string& what) {
  ++report_.damaged;
  if (report_.damages.size() == damaged_lines_max) return;
  report_.damages.push_back("line " + std::to_string(line_number_) + ": " + what);
}

ImportReport RecordImport::run() {
  std::string line;
  const ExportLine first = next_line(line) ? parse_export_line(line) : ExportDamage{};
  const auto* header = std::get_if<ExportHeader>(&first);
  if (header == nullptr) {
    throw Failure(ExitCode::usage,
                  "this is no export of records, whose first line begins with xord-export: name a "
                  "file that `xord store export` wrote");
  }
  target_.begin(*header);
  Progress progress(terminal_, "imported", "records", 0);
  while (!report_.is_whole && next_line(line)) {
    const ExportLine parsed = parse_export_line(line);
    if (const auto* record = std::get_if<ExportRecord>(&parsed)) {
      take(*record);
      ++records_;
      progress.reached(report_.imported + report_.kept);
    } else if (const auto* end = std::get_if<ExportEnd>(&parsed)) {
      report_.is_whole = end->records == records_;
      if (!report_.is_whole)
        note_damage("the export had " + std::to_string(end->records) + " records, of which " +
                    std::to_string(records_) + " came");
      break;
    } else if (const auto* damage = std::get_if<ExportDamage>(&parsed)) {
      note_damage(damage->what);
    } else {
      note_damage("a second header");
    }
  }
  write_batch();
  return report_;
}

void RecordImport::take(const ExportRecord& record) {
  const auto network = target_.network(record.network);
  if (!network) return note_damage("it is of the network \"" + record.network + "\"");
  RocksStore::Impl::Change change{*network, row_key_of(record.key), std::string()};
  if (batch_keys_.contains({change.network, change.key})) write_batch();
  const Row row{target_.shifted(record.times), record.source_prefix, record.value};
  encode_row(change.key, row, *change.row);
  batch_bytes_ += change.row->size();
  batch_keys_.insert({change.network, change.key});
  batch_.push_back(std::move(change));
  if (batch_.size() == batch_records || batch_bytes_ >= batch_bytes) write_batch();
}

// As a node decides it (Store::begin_store): the later publication stays, of equal ones the later
// store, of equal stores what is there. Of equal values both times are taken.
bool RecordImport::stays(const Row& held, RocksStore::Impl::Change& change) const {
  const Row imported = *parse_row(change.key, bytes_of(*change.row));
  const RecordTimes& mine = held.times;
  const RecordTimes& theirs = imported.times;
  if (node_seconds(target_.node_now()) >= mine.expiry) return false;
  if (!equal(held.value, imported.value)) {
    return std::pair(mine.published, mine.last_store) >=
           std::pair(theirs.published, theirs.last_store);
  }
  const RecordTimes later{mine.first_seen, std::max(mine.published, theirs.published),
                          std::max(mine.last_store, theirs.last_store),
                          std::max(mine.expiry, theirs.expiry)};
  std::string row;
  encode_row(change.key, {later, held.source_prefix, held.value}, row);
  change.row = std::move(row);
  return later == mine;
}

void RecordImport::write_batch() {
  std::vector<RocksStore::Impl::RowName> names;
  for (const auto& change : batch_) names.push_back({change.network, change.key});
  std::vector<rocksdb::Status> statuses;
  std::vector<std::string> rows;
  target_.database().read(names, statuses, rows);
  std::vector<RocksStore::Impl::Change> changes;
  for (size_t i = 0; i < batch_.size(); ++i) {
    const auto held = statuses[i].ok() ? parse_row(batch_[i].key, bytes_of(rows[i])) : std::nullopt;
    const bool is_same = held && rows[i] == *batch_[i].row;
    if (held && !is_same && stays(*held, batch_[i])) {
      ++report_.kept;
    } else {
      changes.push_back(std::move(batch_[i]));
    }
  }
  // Needs no undo: importing again does the same.
  const rocksdb::Status status = target_.database().write(changes, nullptr);
  if (!status.ok()) {
    throw Failure(ExitCode::environment, "the disk refused a batch of records after " +
                                             std::to_string(report_.imported) + " (" +
                                             status.ToString() + "): make room, and import again");
  }
  report_.imported += changes.size();
  batch_.clear();
  batch_keys_.clear();
  batch_bytes_ = 0;
}

}  // namespace xord
