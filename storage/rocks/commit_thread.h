// CommitThread: carries out one shard's operations on RocksDB and completes them. It takes whatever
// has queued the moment it is free, as one batch and one sync: the batch is what arrived during the
// last sync. Unpinned and at a lower priority than the shards. The first one to run opens the
// database; each then hands its shard the records of the shard's range. When a write fails it
// refuses writes, goes on reading, and tries to open the database again, every 5 s at first.
#pragma once

#include <atomic>
#include <memory>

#include "reactor/base/counters.h"
#include "reactor/base/shard.h"
#include "reactor/mailbox.h"
#include "storage/rocks/rocks_store.h"

namespace xord {

struct CommitThreadConfig {
  ShardIndex shard = 0;
  uint32_t shards = 1;
  Duration commit_window{};  // A wait for more stores before each sync, for slow disks.
  // Between attempts to open a database that failed; doubled each time, up to a minute.
  Duration retry = seconds(5);
  // Loaded records carry their value while the sum of them is at most this (StoreConfig::memory_max
  // of all networks).
  uint64_t load_bytes_max = 0;
  uint32_t operations_bytes = 4 << 20;   // Mailbox sizes. Each holds at least two of the largest
  uint32_t completions_bytes = 4 << 20;  // frames: a header and 64 KiB.
};

enum class CommitCount : uint8_t {
  batches,  // With at least one write.
  rows_written,
  bytes_written,  // Of rows, before RocksDB's own amplification.
  rows_read,
  rows_damaged,  // Found with a wrong checksum, and not handed out.
  rows_faulty,   // Found with what no store can have led to (fault_of()), and not handed out.
  records_loaded,
  commits_failed,
  commit_nanoseconds,      // Sum over batches, write and sync.
  commit_nanoseconds_max,  // Of one batch.
  commits_within_1ms,      // Batches by how long they took, each counted once.
  commits_within_10ms,
  commits_within_100ms,
  commits_within_1s,
  commits_longer,
  rows_unreadable,     // Reads that the disk failed.
  ranges_lost,         // Gauge: two-byte ranges of row keys that could not be loaded.
  completions_waited,  // Times that the shard's mailbox was full.
  count
};

enum class DatabaseState : uint8_t { opening, open, refusing_writes, unavailable };

class CommitThread {
 public:
  // `database` and `shard` (the doorbell of the thread that consumes completions) outlive it.
  CommitThread(RocksStore& database, const CommitThreadConfig& config, Doorbell& shard);
  ~CommitThread();  // stop().
  CommitThread(const CommitThread&) = delete;
  CommitThread& operator=(const CommitThread&) = delete;

  // The shard's thread produces Operation frames; `write` is followed by its value.
  Mailbox& operations();
  // The shard's thread consumes Completion frames, and asks has_frames_before_sleep() of it.
  Mailbox& completions();

  // Starts the thread: open, load, and then serve until stop(). An error: it cannot be started.
  [[nodiscard]] std::optional<IoError> start();
  // Commits what was published to operations() before this call, completes it as far as the
  // mailbox has room (nobody may be reading it any more), and joins. Harmless if not started.
  void stop();

  DatabaseState state() const;
  // Whether some of what the shard's range holds cannot be read; the rest can.
  bool is_damaged() const;
  const Counters<CommitCount>& counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xord
