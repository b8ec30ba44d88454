// Opens the data directory of a node that may be running, for reading.
#pragma once

#include <memory>
#include <string>

#include "storage/files/data_directory.h"

namespace xord {

// Locked for reading; null if a node or another tool holds it. Failure (environment) if the
// directory has no files of xord that can be read.
std::unique_ptr<DataDirectory> open_unless_held(const std::string& path);
// The same for commands that need a stopped node: Failure (environment) if the directory is held.
std::unique_ptr<DataDirectory> open_stopped(const std::string& path);

}  // namespace xord
