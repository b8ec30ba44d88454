// The data directory of a node that may be running, opened for reading.
#pragma once

#include <memory>
#include <string>

#include "storage/files/data_directory.h"

namespace xord {

// Locked for reading; null when a node, or another tool, holds it. Failure (environment) when
// nothing of xord's is there to be read.
std::unique_ptr<DataDirectory> open_unless_held(const std::string& path);
// The same for what needs a stopped node: Failure (environment) when it is held.
std::unique_ptr<DataDirectory> open_stopped(const std::string& path);

}  // namespace xord
