// Whether a data directory is whole: each small file, each table, the log, each row, and the index
// that a node would build of the rows. It goes on behind damage and names everything that it finds,
// findings_max of it one by one. It changes nothing.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "storage/files/data_directory.h"
#include "tools/cli/terminal.h"

namespace xord {

constexpr size_t findings_max = 100;

struct CheckReport {
  std::vector<std::string> findings;  // Sentences, each naming what is damaged.
  uint64_t findings_count = 0;        // Those beyond findings_max included.
  uint64_t files = 0;                 // Small files that are whole.
  uint64_t tables = 0;                // Table files, whole or not.
  uint64_t records = 0;               // Whole, expired ones included.
  uint64_t expired = 0;
  uint64_t faulty = 0;   // Whole, and not loaded by a node (fault_of()).
  uint64_t indexed = 0;  // Records in the index as built, each found on disk again.

  bool is_sound() const { return findings_count == 0; }
  void found(const std::string& sentence);
  nlohmann::ordered_json json() const;
};

// Failure (interrupted) on SIGINT, for which an Interrupt must live.
CheckReport check_store(const DataDirectory& directory, Terminal& terminal);

}  // namespace xord
