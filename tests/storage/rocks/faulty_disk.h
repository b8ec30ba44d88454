// A file system below RocksDB, over real files, that can be made to fail and to lose power. Any
// thread may set or clear a fault at any time. After cut_power() nothing more reaches the disk.
// Once the database is closed, restore_power() leaves what a disk may show after that: of each file
// at least what was synced, perhaps more; but a file or a name whose directory was not synced is
// gone.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "reactor/base/rng.h"
#include "reactor/monotonic.h"

namespace xord {

enum class Fault : uint8_t {
  none,
  full,         // No write finds space.
  write_error,  // Writes fail with EIO.
  sync_error,   // Syncs fail with EIO.
  // Reads of the first quarter of a large table fail. The end is needed to open it, and RocksDB
  // reads 512 KiB of that at once.
  read_error,
  no_permission,   // Nothing may be opened or created; open files still work.
  no_descriptors,  // The same, for lack of file descriptors.
};

class FaultyDisk : public rocksdb::FileSystemWrapper {
 public:
  FaultyDisk();
  rocksdb::Env* env() { return env_.get(); }

  void set(Fault fault) { fault_.store(fault); }
  // Called before each hard link is made, by the thread that makes it (a snapshot). Set it only
  // while none is being made.
  std::function<void()> before_link;
  void cut_power();
  // The database is closed. `rng` draws how much of the unsynced data survives.
  void restore_power(Rng& rng);
  // When the last sync began that left nothing of any write-ahead log, names included, unsynced.
  MonotonicTime log_synced_at() const { return MonotonicTime{log_synced_at_.load()}; }

  const char* Name() const override { return "xord.FaultyDisk"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* out,
                                    rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* out,
                                       rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* out,
                                        rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* out,
                                 rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;

  // Called by its files.
  rocksdb::IOStatus may_write() const;
  rocksdb::IOStatus may_sync() const;
  rocksdb::IOStatus may_read(uint64_t offset, uint64_t file_size) const;
  rocksdb::IOStatus may_open() const;
  void written(const std::string& path, uint64_t bytes);
  void synced(const std::string& path, MonotonicTime begun);
  void directory_synced(const std::string& path);

 private:
  struct File {
    uint64_t size = 0;
    uint64_t synced = 0;
  };
  // A change of a directory that is lost unless the directory is synced.
  struct Entry {
    std::string path;
    std::string renamed_from;              // Empty: it was created.
    std::optional<std::string> overwrote;  // The content of the file that a rename replaced.
  };

  void note_log_synced();  // Under the lock.

  std::unique_ptr<rocksdb::Env> env_;
  std::atomic<Fault> fault_{Fault::none};
  std::atomic<bool> is_off_{false};
  std::atomic<int64_t> log_synced_at_{0};
  std::mutex mutex_;  // Guards the three members below.
  int64_t log_sync_began_ = 0;
  std::map<std::string, File> files_;
  std::vector<Entry> entries_;
};

}  // namespace xord
