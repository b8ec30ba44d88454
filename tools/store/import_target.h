// The data directory that an import writes to: a stopped node's, or a new one, which gets its own
// identity and the clock of the export. It converts times of the export into this node's times.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/files/data_directory.h"
#include "storage/files/export_line.h"
#include "storage/rocks/rocks_database.h"

namespace xord {

class ImportTarget {
 public:
  // Failure (environment) if the directory cannot be opened or created.
  explicit ImportTarget(const std::string& data_dir);

  // Must be called before all functions below, and again for each further export.
  void begin(const ExportHeader& header);
  // Node time if the node started now.
  Instant node_now() const { return node_now_; }
  // The seconds that are added to the export's times.
  int64_t shift() const { return shift_; }
  RecordTimes shifted(const RecordTimes& times) const;

  // Returns the index of a network, creating the network if necessary; empty if no dialect has that
  // name.
  std::optional<NetworkIndex> network(const std::string& name);
  // Failure (environment) if the database cannot be opened.
  RocksDatabase& database();

 private:
  void open_directory(Instant exported_now);
  void open_database();

  const std::string data_dir_;
  std::unique_ptr<DataDirectory> directory_;
  bool is_new_ = false;
  Instant node_now_;
  int64_t shift_ = 0;
  std::vector<std::string> networks_;
  std::unique_ptr<RocksDatabase> database_;
};

}  // namespace xord
