// The data directory that an import goes to: a stopped node's, or a new one, which gets an identity
// of its own and the clock of the export. It knows how times of the export become this node's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/files/data_directory.h"
#include "storage/files/export_line.h"
#include "storage/rocks/rocks_store_impl.h"

namespace xord {

class ImportTarget {
 public:
  // Failure (environment) when the directory cannot be had.
  explicit ImportTarget(const std::string& data_dir);

  // To be called before the rest, and again for each further export.
  void begin(const ExportHeader& header);
  // If the node started now.
  Instant node_now() const { return node_now_; }
  // Seconds that are added to the export's times.
  int64_t shift() const { return shift_; }
  RecordTimes shifted(const RecordTimes& times) const;

  // The index of a network, which is made if it is not there; empty for a name that is no
  // dialect's.
  std::optional<NetworkIndex> network(const std::string& name);
  // Failure (environment) when the disk refuses.
  RocksStore::Impl& database();

 private:
  void open_directory(Instant exported_now);
  void open_database();

  const std::string data_dir_;
  std::unique_ptr<DataDirectory> directory_;
  bool is_new_ = false;
  Instant node_now_;
  int64_t shift_ = 0;
  std::vector<std::string> networks_;
  std::unique_ptr<RocksStore> database_;
};

}  // namespace xord
