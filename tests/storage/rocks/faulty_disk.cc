#include "tests/storage/rocks/faulty_disk.h"

#include <algorithm>
#include <filesystem>

#include "tests/storage/file_content.h"

namespace xord {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class WritableFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WritableFile(std::unique_ptr<rocksdb::FSWritableFile> target, std::string path, FaultyDisk& disk)
      : FSWritableFileOwnerWrapper(std::move(target)), path_(std::move(path)), disk_(disk) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    return append(data.size(),
                  [&] { return FSWritableFileOwnerWrapper::Append(data, options, context); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* context) override {
    return append(data.size(),
                  [&] { return FSWritableFileOwnerWrapper::Append(data, options, info, context); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    return sync([&] { return FSWritableFileOwnerWrapper::Sync(options, context); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return sync([&] { return FSWritableFileOwnerWrapper::Fsync(options, context); });
  }
  // Preallocation does not guarantee space here, and files are truncated to what was written.
  IOStatus Allocate(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return disk_.may_write();
  }

 private:
  template <class Do>
  IOStatus append(size_t size, Do&& act) {
    IOStatus status = disk_.may_write();
    if (!status.ok()) return status;
    status = act();
    if (status.ok()) disk_.written(path_, size);
    return status;
  }
  template <class Do>
  IOStatus sync(Do&& act) {
    IOStatus status = disk_.may_sync();
    if (!status.ok()) return status;
    const MonotonicTime begun = monotonic_time();
    status = act();
    if (status.ok()) disk_.synced(path_, begun);
    return status;
  }

  const std::string path_;
  FaultyDisk& disk_;
};

class ReadableFile : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  ReadableFile(std::unique_ptr<rocksdb::FSRandomAccessFile> target, uint64_t size,
               const FaultyDisk& disk)
      : FSRandomAccessFileOwnerWrapper(std::move(target)), size_(size), disk_(disk) {}

  IOStatus Read(uint64_t offset, size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* context) const override {
    IOStatus status = disk_.may_read(offset, size_);
    if (!status.ok()) return status;
    return FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, context);
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count, const IOOptions& options,
                     IODebugContext* context) override {
    for (size_t i = 0; i < count; ++i) {
      IOStatus status = disk_.may_read(requests[i].offset, size_);
      if (!status.ok()) return status;
    }
    return FSRandomAccessFileOwnerWrapper::MultiRead(requests, count, options, context);
  }

 private:
  const uint64_t size_;
  const FaultyDisk& disk_;
};

class Directory : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(std::unique_ptr<rocksdb::FSDirectory> target, std::string path, FaultyDisk& disk)
      : FSDirectoryWrapper(std::move(target)), path_(std::move(path)), disk_(disk) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return sync([&] { return FSDirectoryWrapper::Fsync(options, context); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* context,
                               const rocksdb::DirFsyncOptions& how) override {
    return sync([&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, context, how); });
  }

 private:
  template <class Do>
  IOStatus sync(Do&& act) {
    IOStatus status = disk_.may_sync();
    if (!status.ok()) return status;
    status = act();
    if (status.ok()) disk_.directory_synced(path_);
    return status;
  }

  const std::string path_;
  FaultyDisk& disk_;
};

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().parent_path().string();
}

}  // namespace

FaultyDisk::FaultyDisk()
    : FileSystemWrapper(rocksdb::FileSystem::Default()),
      // Lives as long as this object, and does not own it.
      env_(rocksdb::NewCompositeEnv(std::shared_ptr<rocksdb::FileSystem>(this, [](auto*) {}))) {}

IOStatus FaultyDisk::may_write() const {
  if (is_off_) return IOStatus::IOError("no power");
  if (fault_ == Fault::full) return IOStatus::NoSpace("No space left on device");
  if (fault_ == Fault::write_error) return IOStatus::IOError("Input/output error, writing");
  return IOStatus::OK();
}

IOStatus FaultyDisk::may_sync() const {
  if (is_off_) return IOStatus::IOError("no power");
  if (fault_ == Fault::sync_error) return IOStatus::IOError("Input/output error, syncing");
  return IOStatus::OK();
}

IOStatus FaultyDisk::may_read(uint64_t offset, uint64_t file_size) const {
  if (fault_ == Fault::read_error && file_size > 700'000 && offset < file_size / 4)
    return IOStatus::IOError("Input/output error, reading");
  return IOStatus::OK();
}

IOStatus FaultyDisk::may_open() const {
  if (is_off_) return IOStatus::IOError("no power");
  if (fault_ == Fault::no_permission) return IOStatus::IOError("Permission denied");
  if (fault_ == Fault::no_descriptors) return IOStatus::IOError("Too many open files");
  return IOStatus::OK();
}

void FaultyDisk::written(const std::string& path, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  files_[path].size += bytes;
}

void FaultyDisk::synced(const std::string& path, MonotonicTime begun) {
  const std::lock_guard lock(mutex_);
  if (is_off_) return;  // The power went while it was in progress: it may not have completed.
  files_[path].synced = files_[path].size;
  if (!path.ends_with(".log")) return;
  log_sync_began_ = begun.nanoseconds;
  note_log_synced();
}

void FaultyDisk::directory_synced(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (is_off_) return;
  const std::string directory = std::filesystem::path(path).lexically_normal().string();
  std::erase_if(entries_,
                [&](const Entry& entry) { return directory_of(entry.path) == directory; });
  note_log_synced();
}

// A flush syncs the logs before the newest one, which may hold acknowledged records already.
void FaultyDisk::note_log_synced() {
  const bool is_whole = std::all_of(files_.begin(), files_.end(), [](const auto& named) {
    return !named.first.ends_with(".log") || named.second.synced == named.second.size;
  });
  const bool is_named = std::none_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.path.ends_with(".log");
  });
  if (is_whole && is_named) log_synced_at_ = log_sync_began_;
}

void FaultyDisk::cut_power() {
  const std::lock_guard lock(mutex_);
  is_off_ = true;
}

void FaultyDisk::restore_power(Rng& rng) {
  const std::lock_guard lock(mutex_);
  for (auto at = entries_.rbegin(); at != entries_.rend(); ++at) {
    if (at->renamed_from.empty()) {
      std::filesystem::remove(at->path);
      files_.erase(at->path);
      continue;
    }
    std::filesystem::rename(at->path, at->renamed_from);
    files_[at->renamed_from] = files_[at->path];
    files_.erase(at->path);
    if (at->overwrote) overwrite(at->path, *at->overwrote);
  }
  for (const auto& [path, file] : files_) {
    if (!std::filesystem::exists(path)) continue;
    const uint64_t kept = file.synced + rng.bounded(file.size - file.synced + 1);
    if (std::filesystem::file_size(path) > kept) std::filesystem::resize_file(path, kept);
  }
  entries_.clear();
  files_.clear();
  is_off_ = false;
}

IOStatus FaultyDisk::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                     std::unique_ptr<rocksdb::FSWritableFile>* out,
                                     IODebugContext* context) {
  IOStatus status = may_open();
  if (status.ok()) status = may_write();
  if (!status.ok()) return status;
  const bool is_new = !std::filesystem::exists(path);
  std::unique_ptr<rocksdb::FSWritableFile> opened;
  status = FileSystemWrapper::NewWritableFile(path, options, &opened, context);
  if (!status.ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    files_[path] = {};
    if (is_new) entries_.push_back({path, "", std::nullopt});
  }
  *out = std::make_unique<WritableFile>(std::move(opened), path, *this);
  return status;
}

IOStatus FaultyDisk::ReopenWritableFile(const std::string&, const rocksdb::FileOptions&,
                                        std::unique_ptr<rocksdb::FSWritableFile>*,
                                        IODebugContext*) {
  return IOStatus::NotSupported("not modelled");
}

IOStatus FaultyDisk::NewRandomAccessFile(const std::string& path,
                                         const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSRandomAccessFile>* out,
                                         IODebugContext* context) {
  IOStatus status = may_open();
  if (!status.ok()) return status;
  std::unique_ptr<rocksdb::FSRandomAccessFile> opened;
  status = FileSystemWrapper::NewRandomAccessFile(path, options, &opened, context);
  if (!status.ok()) return status;
  *out = std::make_unique<ReadableFile>(std::move(opened), std::filesystem::file_size(path), *this);
  return status;
}

IOStatus FaultyDisk::NewDirectory(const std::string& path, const IOOptions& options,
                                  std::unique_ptr<rocksdb::FSDirectory>* out,
                                  IODebugContext* context) {
  std::unique_ptr<rocksdb::FSDirectory> opened;
  IOStatus status = FileSystemWrapper::NewDirectory(path, options, &opened, context);
  if (status.ok()) *out = std::make_unique<Directory>(std::move(opened), path, *this);
  return status;
}

IOStatus FaultyDisk::LinkFile(const std::string& from, const std::string& to,
                              const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) {
  if (before_link) before_link();
  return FileSystemWrapper::LinkFile(from, to, options, context);
}

IOStatus FaultyDisk::RenameFile(const std::string& from, const std::string& to,
                                const IOOptions& options, IODebugContext* context) {
  IOStatus status = may_open();
  if (!status.ok()) return status;
  Entry entry{to, from, std::nullopt};
  if (std::filesystem::exists(to)) entry.overwrote = content_of(to);
  status = FileSystemWrapper::RenameFile(from, to, options, context);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  files_[to] = files_[from];
  files_.erase(from);
  entries_.push_back(std::move(entry));
  return status;
}

IOStatus FaultyDisk::DeleteFile(const std::string& path, const IOOptions& options,
                                IODebugContext* context) {
  if (is_off_) return IOStatus::IOError("no power");
  const IOStatus status = FileSystemWrapper::DeleteFile(path, options, context);
  const std::lock_guard lock(mutex_);
  if (status.ok()) {
    files_.erase(path);
    std::erase_if(entries_, [&](const Entry& entry) { return entry.path == path; });
  }
  return status;
}

}  // namespace xord
