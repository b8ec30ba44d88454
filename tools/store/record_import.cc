#include "tools/store/record_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "node/server/config/value_rules.h"
#include "reactor/base/check.h"
#include "storage/files/clock_file.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"
#include "tools/store/stored_records.h"

namespace xord {
namespace {

constexpr size_t batch_records = 1024;
constexpr size_t batch_bytes = 1 << 20;

struct Beginning {
  std::string_view bytes;
  const char* is;
};
// What users may have instead of an export, by its first bytes.
constexpr Beginning beginnings[] = {
    {"\x1f\x8b", " is compressed by gzip (`gunzip -c FILE | xord store import -`)"},
    {"\x28\xb5\x2f\xfd", " is compressed by zstd (`zstd -dc FILE | xord store import -`)"},
    {"\xfd\x37zXZ", " is compressed by xz (`xz -dc FILE | xord store import -`)"},
    {"BZh", " is compressed by bzip2 (`bunzip2 -c FILE | xord store import -`)"},
    {"PK\x03\x04", " is a zip archive (`unzip -p FILE | xord store import -`)"},
    {"\xef\xbb\xbf",
     " begins with a byte-order mark, which an editor put there (`sed -b "
     "'1s/^\\xef\\xbb\\xbf//' FILE` removes it)"},
    {"\xff\xfe",
     " is UTF-16 text, as an editor saved it (`iconv -f utf-16 -t utf-8` converts it back)"},
    {"\xfe\xff",
     " is UTF-16 text, as an editor saved it (`iconv -f utf-16 -t utf-8` converts it back)"},
};

// A sentence that says what an input that begins with `line` is, if not an export.
std::string no_export(const std::string& name, const std::string& line) {
  for (const Beginning& each : beginnings) {
    if (line.starts_with(each.bytes)) return name + each.is;
  }
  const std::string_view text(line);
  if (line.ends_with('\r') && text.starts_with("xord-export ")) {
    return name +
           " has lines that end with CR LF, as some editors and mail programs make them "
           "(`dos2unix` or `tr -d '\\r'` converts them back)";
  }
  if (text.starts_with("xord-export ")) {
    return "the first line of " + name + ", which holds the clock of the records, is damaged";
  }
  return name + " is not an export of records, whose first line begins with xord-export";
}

}  // namespace

RecordImport::RecordImport(std::istream& in, const std::string& name, ImportTarget& target,
                           Terminal& terminal)
    : in_(in), name_(name), target_(target), terminal_(terminal) {}

// Reads the next line. Of a line that is too long for an export only the beginning is returned and
// the rest is skipped. Returns false at the end, or if a signal interrupted the reading.
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
    line.resize(in_.eof() ? got : got - 1);  // gcount() included the newline.
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
  if (!next_line(line)) {
    throw Failure(ExitCode::usage, name_ + " is empty: name a file that `xord store export` wrote");
  }
  const ExportLine first = parse_export_line(line);
  const auto* header = std::get_if<ExportHeader>(&first);
  if (header == nullptr) {
    throw Failure(ExitCode::usage,
                  no_export(name_, line) + ": name a file that `xord store export` wrote");
  }
  begin(*header);
  report_.is_whole = true;
  Progress progress(terminal_, "imported", "records", 0);
  while (next_line(line)) {
    is_open_ ? take_line(line) : take_line_between(line);
    progress.reached(report_.imported + report_.kept);
  }
  if (is_open_) note_cut();
  write_batch();
  return report_;
}

void RecordImport::begin(const ExportHeader& header) {
  if (!is_possible_node_time(header.node_time)) {
    throw Failure(ExitCode::usage, "the times in the header of " + name_ +
                                       " are impossible: export again from the original");
  }
  write_batch();  // The batch has times of the previous export's clock.
  target_.begin(header);
  if (target_.shift() != 0) {
    terminal_.err << fmt::format("times were moved by {} s, to the clock of this node\n",
                                 target_.shift());
  }
  is_open_ = true;
  records_ = 0;
}

void RecordImport::take_line(const std::string& line) {
  const ExportLine parsed = parse_export_line(line);
  if (const auto* record = std::get_if<ExportRecord>(&parsed)) {
    take(*record);
    ++records_;
  } else if (const auto* ended = std::get_if<ExportEnd>(&parsed)) {
    end(*ended);
  } else if (const auto* header = std::get_if<ExportHeader>(&parsed)) {
    note_cut();
    begin(*header);
  } else if (line.ends_with('\r')) {
    note_damage("it ends with CR LF");
  } else {
    note_damage(std::get<ExportDamage>(parsed).what);
  }
}

// After an end line comes the next export, or nothing.
void RecordImport::take_line_between(const std::string& line) {
  if (line.empty()) return;
  const ExportLine parsed = parse_export_line(line);
  if (const auto* header = std::get_if<ExportHeader>(&parsed)) return begin(*header);
  report_.is_whole = false;
  note_damage("it follows the end of an export and does not begin another");
}

void RecordImport::end(const ExportEnd& end) {
  is_open_ = false;
  if (end.records == records_) return;
  report_.is_whole = false;
  note_damage("the export had " + std::to_string(end.records) + " records, of which " +
              std::to_string(records_) + " are present");
}

void RecordImport::note_cut() {
  report_.is_whole = false;
  if (report_.damages.size() == damaged_lines_max) return;
  report_.damages.push_back("before line " + std::to_string(line_number_ + 1) +
                            ": the export is truncated");
}

void RecordImport::take(const ExportRecord& record) {
  const auto network = target_.network(record.network);
  if (!network) return note_damage("it is of the network \"" + record.network + "\"");
  RocksDatabase::Change change{*network, row_key_of(record.key), std::string()};
  if (batch_keys_.contains({change.store, change.key})) write_batch();
  const Row row{target_.shifted(record.times), record.source_prefix, record.value};
  if (const char* fault = fault_of(row, value_rules)) return note_damage(fault);
  encode_row(change.key, row, *change.row);
  batch_bytes_ += change.row->size();
  batch_keys_.insert({change.store, change.key});
  batch_.push_back(std::move(change));
  CHECK(batch_.size() == batch_keys_.size());
  if (batch_.size() == batch_records || batch_bytes_ >= batch_bytes) write_batch();
}

// Decides as a node does (Store::begin_store): the later publication stays; of equal publications
// the later store; of equal stores the record that is held. If the values are equal, both later
// times are taken.
bool RecordImport::stays(const Row& held, RocksDatabase::Change& change) const {
  const auto parsed = parse_row(change.key, bytes_of(*change.row));
  CHECK(parsed);  // It was encoded here.
  const Row& imported = *parsed;
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
  if (batch_.empty()) return;
  std::vector<RocksDatabase::RowName> names;
  for (const auto& change : batch_) names.push_back({change.store, change.key});
  std::vector<rocksdb::Status> statuses;
  std::vector<std::string> rows;
  target_.database().read(names, statuses, rows);
  CHECK(statuses.size() == batch_.size() && rows.size() == batch_.size());
  std::vector<RocksDatabase::Change> changes;
  for (size_t i = 0; i < batch_.size(); ++i) {
    const auto held = statuses[i].ok() ? parse_row(batch_[i].key, bytes_of(rows[i])) : std::nullopt;
    const bool is_same = held && rows[i] == *batch_[i].row;
    if (held && !is_same && stays(*held, batch_[i])) {
      ++report_.kept;
    } else {
      changes.push_back(std::move(batch_[i]));
    }
  }
  // Needs no undo: importing again has the same result.
  const rocksdb::Status status = target_.database().write(changes, nullptr);
  if (!status.ok()) {
    throw Failure(ExitCode::environment,
                  "the disk refused a batch of records after " + std::to_string(report_.imported) +
                      " (" + status.ToString() + "): free disk space, and import again");
  }
  report_.imported += changes.size();
  batch_.clear();
  batch_keys_.clear();
  batch_bytes_ = 0;
}

}  // namespace xord
