// Reads the lines of one export, or of several joined by cat, into a data directory. Intact records
// are written in batches, each of which reaches the disk whole or not at all; damaged ones are
// reported and left out. A second import of the same file changes nothing. Memory: one batch.
#pragma once

#include <istream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/files/export_line.h"
#include "storage/rocks/rocks_database.h"
#include "tools/cli/terminal.h"
#include "tools/store/import_target.h"

namespace xord {

constexpr size_t damaged_lines_max = 100;  // Reported one by one.

struct ImportReport {
  uint64_t imported = 0;
  uint64_t kept = 0;  // The record held here was newer and stayed.
  uint64_t damaged = 0;
  std::vector<std::string> damages;  // "line 12: ...", at most damaged_lines_max.
  // Every export had its end line with the right number of records, and nothing else followed.
  bool is_whole = false;
};

class RecordImport {
 public:
  // `name` is the name of the input in messages.
  RecordImport(std::istream& in, const std::string& name, ImportTarget& target, Terminal& terminal);

  // Failure: (usage) there is no header, and the sentence says what the input is instead;
  // (environment) the disk refused; (interrupted) SIGINT, which needs a live Interrupt. What was
  // imported before a failure stays.
  ImportReport run();

 private:
  bool next_line(std::string& line);
  void begin(const ExportHeader& header);
  void take_line(const std::string& line);
  void take_line_between(const std::string& line);
  void end(const ExportEnd& end);
  void note_cut();
  void take(const ExportRecord& record);
  void note_damage(const std::string& what);
  bool stays(const Row& held, RocksDatabase::Change& change) const;
  void write_batch();

  std::istream& in_;
  const std::string name_;
  ImportTarget& target_;
  Terminal& terminal_;
  ImportReport report_;
  uint64_t line_number_ = 0;
  uint64_t records_ = 0;  // Intact records in this export.
  bool is_open_ = false;  // The export's end line has not come yet.
  // Each key at most once, because the records to compare with are read from the disk.
  std::vector<RocksDatabase::Change> batch_;
  std::set<std::pair<StoreId, RowKey>> batch_keys_;
  size_t batch_bytes_ = 0;
};

}  // namespace xord
