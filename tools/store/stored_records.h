// The records of a stopped node, for the subcommands that only read: its locked directory, its
// database opened read-only, and its clock. Walks the rows in key order with a progress line, and
// ends early on SIGINT.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "storage/files/data_directory.h"
#include "storage/rocks/rocks_reader.h"
#include "tools/cli/terminal.h"

namespace xord {

class StoredRecords {
 public:
  // Failure (environment) if a node runs on the directory, or if the directory, the clock or the
  // database cannot be read.
  explicit StoredRecords(const std::string& data_dir);
  explicit StoredRecords(std::unique_ptr<DataDirectory> directory);

  const DataDirectory& directory() const { return *directory_; }
  const RocksReader& reader() const { return *reader_; }
  // Node time if the node started now, and the wall clock from which it was computed.
  Instant node_now() const { return node_now_; }
  Duration wall_now() const { return wall_now_; }

  // Visits every row of every network, with its record if it is intact; `verb` begins the progress
  // line. Failure (interrupted) on SIGINT or SIGTERM, which needs a live Interrupt.
  struct Visited {
    NetworkIndex network;
    const RowKey& row_key;
    Bytes bytes;
    const std::optional<Row>& row;
  };
  using Visit = std::function<void(const Visited&)>;
  UnreadableRows walk(const std::string& verb, Terminal& terminal, const Visit& visit) const;

 private:
  void open();

  std::unique_ptr<DataDirectory> directory_;
  std::unique_ptr<RocksReader> reader_;
  Instant node_now_;
  Duration wall_now_;
};

}  // namespace xord
