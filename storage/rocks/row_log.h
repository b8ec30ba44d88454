// RocksDB's own log file, watched for one thing that no status tells: how many bytes of its
// write-ahead log it could not use while recovering. A tail torn by a crash is not among them.
#pragma once

#include <rocksdb/env.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace xord {

class RowLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;

  // `file` may be null: then nothing is written.
  explicit RowLog(std::shared_ptr<rocksdb::Logger> file)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), file_(std::move(file)) {}

  uint64_t take_bytes_dropped() { return bytes_dropped_.exchange(0); }

  void Logv(const char* format, va_list arguments) override {
    watch(format, arguments);
    if (file_ != nullptr) file_->Logv(format, arguments);
  }
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    watch(format, arguments);
    if (file_ != nullptr && level >= GetInfoLogLevel()) file_->Logv(level, format, arguments);
  }

 private:
  // DBImpl::RecoverLogFiles, LogReporter::Corruption: "%s%s: dropping %d bytes; %s".
  void watch(const char* format, va_list arguments) {
    if (std::strstr(format, "dropping %d bytes") == nullptr) return;
    char line[1024];
    va_list copy;
    va_copy(copy, arguments);
    std::vsnprintf(line, sizeof line, format, copy);
    va_end(copy);
    const char* at = std::strstr(line, "dropping ");
    if (at != nullptr) bytes_dropped_ += std::strtoull(at + 9, nullptr, 10);
  }

  std::shared_ptr<rocksdb::Logger> file_;
  std::atomic<uint64_t> bytes_dropped_{0};
};

}  // namespace xord
