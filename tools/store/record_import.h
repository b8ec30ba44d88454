// Taking the lines of one export, or of several one after another (as cat joins them), into a data
// directory: what is whole is taken, in batches that are on disk as a whole or not at all; what is
// damaged is named and left out. Importing a second time changes nothing. Memory: one batch.
#pragma once

#include <istream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/files/export_line.h"
#include "storage/rocks/rocks_store_impl.h"
#include "tools/cli/terminal.h"
#include "tools/store/import_target.h"

namespace xord {

constexpr size_t damaged_lines_max = 100;  // Named one by one.

struct ImportReport {
  uint64_t imported = 0;
  uint64_t kept = 0;  // The record held here is newer, and stays.
  uint64_t damaged = 0;
  std::vector<std::string> damages;  // "line 12: ...", at most damaged_lines_max.
  // Each export's end came, with the right number of records, and nothing else followed.
  bool is_whole = false;
};

class RecordImport {
 public:
  // `name` is what sentences call the input.
  RecordImport(std::istream& in, const std::string& name, ImportTarget& target, Terminal& terminal);

  // Failure: (usage) no header: the sentence says what the input is instead; (environment) the disk
  // refused; (interrupted) SIGINT, for which an Interrupt must live: what was imported so far
  // stays.
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
  bool stays(const Row& held, RocksStore::Impl::Change& change) const;
  void write_batch();

  std::istream& in_;
  const std::string name_;
  ImportTarget& target_;
  Terminal& terminal_;
  ImportReport report_;
  uint64_t line_number_ = 0;
  uint64_t records_ = 0;  // Whole ones, in this export.
  bool is_open_ = false;  // Its end has not come yet.
  // No key twice, since what is held is read from the disk.
  std::vector<RocksStore::Impl::Change> batch_;
  std::set<std::pair<NetworkIndex, RowKey>> batch_keys_;
  size_t batch_bytes_ = 0;
};

}  // namespace xord
