// CommitThread: carries out one shard's operations on RocksDB and completes them. As soon as it is
// free it takes whatever has queued, as one batch with one sync: the batch is what arrived during
// the last sync. Unpinned, and at a lower priority than the shards. The first one to run opens the
// database; each then delivers to its shard the records of the shard's range. When a write fails it
// refuses writes, continues reading, and retries opening the database, every 5 s at first.
#pragma once

#include <atomic>
#include <memory>

#include "reactor/base/shard.h"
#include "reactor/mailbox.h"
#include "storage/rocks/commit_counters.h"
#include "storage/rocks/rocks_store.h"

namespace xord {

struct CommitThreadConfig {
  ShardIndex shard = 0;
  uint32_t shards = 1;
  Duration commit_window{};  // Wait for more stores before each sync, for slow disks.
  // Delay between attempts to open a database that failed; doubled each time, up to a minute.
  Duration retry = seconds(5);
  // A commit that takes longer is reported: the answers to all stores of its batch wait for it.
  Duration slow_commit = seconds(1);  // As CommitSum::commits_longer counts.
  // Loaded records carry their values until these total this many bytes (StoreConfig::memory_max of
  // all networks).
  uint64_t load_bytes_max = 0;
  uint32_t operations_bytes = 4 << 20;   // Mailbox sizes: each at least two of the largest frames.
  uint32_t completions_bytes = 4 << 20;  // The largest frame is a header and 64 KiB.
};

enum class DatabaseState : uint8_t { opening, open, refusing_writes, unavailable };

class CommitThread {
 public:
  // `database` and `shard` (the doorbell of the thread that consumes completions) outlive it.
  CommitThread(RocksStore& database, const CommitThreadConfig& config, Doorbell& shard);
  ~CommitThread();  // Calls stop().
  CommitThread(const CommitThread&) = delete;
  CommitThread& operator=(const CommitThread&) = delete;

  // The shard's thread produces Operation frames; `write` is followed by its value.
  Mailbox& operations();
  // The shard's thread consumes Completion frames, and calls has_frames_before_sleep() on it.
  Mailbox& completions();

  // Starts the thread: opens, loads, and then serves until stop(). An error means that no thread
  // could be started.
  [[nodiscard]] std::optional<IoError> start();
  // Commits what was published to operations() before this call, completes it as far as the mailbox
  // has room (it may no longer have a reader), and joins. Harmless if not started.
  void stop();

  // Any thread: another CommitThreadConfig::commit_window from the next batch on.
  void set_commit_window(Duration window);

  // For one other thread: asks for a sign of life, which this thread gives between two batches, and
  // tells whether it gave the last one. While its database is not open it may not.
  void ask_heartbeat();
  bool has_answered() const;

  DatabaseState state() const;
  // Whether some rows of the shard's range cannot be read; the others can.
  bool is_damaged() const;
  const Counters<CommitCount>& counters() const;
  const Histograms<CommitHistogram>& histograms() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xord
