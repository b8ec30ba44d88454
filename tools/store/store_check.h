// Checks that a data directory is intact: each small file, each table, the log, each row, and the
// index that a node would build from the rows. It continues after damage and counts all of it; the
// first findings_max findings are reported one by one. It changes nothing.
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
  uint64_t findings_count = 0;        // Including those beyond findings_max.
  uint64_t files = 0;                 // Intact small files.
  uint64_t tables = 0;                // Table files, intact or not.
  uint64_t records = 0;               // Intact, including expired ones.
  uint64_t expired = 0;
  uint64_t faulty = 0;   // Intact, but a node would not load them (fault_of()).
  uint64_t indexed = 0;  // In the index built from the rows, and found on disk again.

  bool is_intact() const { return findings_count == 0; }
  void found(const std::string& sentence);
  nlohmann::ordered_json json() const;
};

// Failure (interrupted) on SIGINT, which needs a live Interrupt.
CheckReport check_store(const DataDirectory& directory, Terminal& terminal);

}  // namespace xord
