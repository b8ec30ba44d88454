// Replaces RocksDB's own log file, which is not kept: on a full disk Debian's RocksDB, built with
// assertions, aborts the process over it. Watches for the one thing that no status reports: how
// many bytes of the write-ahead log recovery could not use, and whether they were merely a tail
// torn by a crash.
#pragma once

#include <rocksdb/env.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace xord {

class RowLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;

  RowLog() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  uint64_t take_bytes_dropped() { return bytes_dropped_.exchange(0, std::memory_order_relaxed); }
  uint64_t take_bytes_torn() { return bytes_torn_.exchange(0, std::memory_order_relaxed); }

  void Logv(const char* format, va_list arguments) override { watch(format, arguments); }

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
    if (at == nullptr) return;
    // db/log_reader.cc: "error reading trailing data", "truncated header", "truncated record body".
    const bool is_torn =
        std::strstr(at, "trailing data") != nullptr || std::strstr(at, "truncated") != nullptr;
    const uint64_t bytes = std::strtoull(at + 9, nullptr, 10);
    (is_torn ? bytes_torn_ : bytes_dropped_).fetch_add(bytes, std::memory_order_relaxed);
  }

  std::atomic<uint64_t> bytes_dropped_{0};
  std::atomic<uint64_t> bytes_torn_{0};
};

}  // namespace xord
