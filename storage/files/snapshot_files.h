// A snapshot of a data directory: a directory that a node can be started on, as the first one was
// at some moment. RocksDB makes its db/; here are the directory around it and the small files.
// `identity` comes last: without it, nothing takes the directory for a node's.
#pragma once

#include <optional>
#include <string>

#include "reactor/io_error.h"

namespace xord {

// Makes the directory (mode 0700). It may be there, if it is empty.
std::optional<IoError> begin_snapshot(const std::string& to);
// Copies the small files of the data directory `from`, as they are saved: the clock of a running
// node is up to a minute old, which costs its records nothing but that minute.
std::optional<IoError> finish_snapshot(const std::string& from, const std::string& to);
// Removes what was made so far, after an error.
void abandon_snapshot(const std::string& to);

}  // namespace xord
