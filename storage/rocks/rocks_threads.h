// The threads that RocksDB starts by itself: one that flushes, one that compacts, one for periodic
// tasks every few seconds. It starts them by std::thread in the middle of its work, and where the
// host grants none, the process ends.
#pragma once

#include <cstdint>
#include <optional>

#include "reactor/io_error.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace xord {

constexpr uint32_t rocks_threads = 3;

// Call before opening a database: starts the first two, and checks that a third can be started.
// They belong to the process, and stay. A second call only repeats the check.
std::optional<IoError> start_rocks_threads(rocksdb::Env& env);

}  // namespace xord
