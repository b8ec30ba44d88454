// The threads that RocksDB starts by itself: one that flushes, one that compacts, one for what it
// does every few seconds. It starts them by std::thread in the middle of its work, and where the
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

// Before a database is opened: starts the first two, and tries whether there is a thread for the
// third. They are the process's, and stay. Does nothing a second time but the trying.
std::optional<IoError> start_rocks_threads(rocksdb::Env& env);

}  // namespace xord
