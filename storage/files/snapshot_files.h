// A snapshot of a data directory: a directory on which a node can be started with the state of the
// first at some moment. RocksDB writes db/; the functions here write the directory around it and
// the small files. `identity` comes last: without it, the directory is not taken for a node's.
#pragma once

#include <optional>
#include <string>

#include "reactor/io_error.h"

namespace xord {

// Creates the directory (mode 0700). It may exist if it is empty.
std::optional<IoError> begin_snapshot(const std::string& to);
// Copies the small files of the data directory `from`, as saved. The clock of a running node is up
// to a minute old, which costs its records no more than that minute.
std::optional<IoError> finish_snapshot(const std::string& from, const std::string& to);
// Removes what was created so far, after an error.
void abandon_snapshot(const std::string& to);

}  // namespace xord
