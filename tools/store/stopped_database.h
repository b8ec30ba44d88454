// A stopped node's database, opened for writing, with its directory locked as a node locks it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/files/data_directory.h"
#include "storage/rocks/rocks_database.h"

namespace xord {

class StoppedDatabase {
 public:
  // Failure (environment) if there is none, it is held, or it cannot be opened.
  explicit StoppedDatabase(const std::string& data_dir);

  RocksDatabase& database() { return *database_; }
  const std::vector<std::string>& networks() const { return networks_; }
  Instant node_now() const { return node_now_; }  // Node time if it started now.
  uint64_t rows_estimate() const { return rows_estimate_; }

 private:
  std::unique_ptr<DataDirectory> directory_;
  Instant node_now_;
  std::vector<std::string> networks_;
  uint64_t rows_estimate_ = 0;
  std::unique_ptr<RocksDatabase> database_;
};

}  // namespace xord
