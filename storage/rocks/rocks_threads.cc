#include "storage/rocks/rocks_threads.h"

#include <rocksdb/env.h>

#include <iterator>
#include <system_error>

#include "reactor/thread.h"

namespace xord {

std::optional<IoError> start_rocks_threads(rocksdb::Env& env) {
  constexpr rocksdb::Env::Priority pools[] = {rocksdb::Env::Priority::HIGH,
                                              rocksdb::Env::Priority::LOW};
  static_assert(std::size(pools) + 1 == rocks_threads);
  uint32_t missing = 1;
  for (const auto pool : pools) missing += env.GetBackgroundThreads(pool) < 1 ? 1 : 0;
  const auto error = [] {
    return thread_error("the database needs " + std::to_string(rocks_threads) +
                            " threads of its own, and the host does not grant them",
                        EAGAIN);
  };
  // Checked first: a pool that could start no thread would retry in the middle of its work.
  if (startable_threads(missing) < missing) return error();
  try {
    for (const auto pool : pools) env.IncBackgroundThreadsIfNeeded(1, pool);
  } catch (const std::system_error&) {
    return error();
  }
  return std::nullopt;
}

}  // namespace xord
