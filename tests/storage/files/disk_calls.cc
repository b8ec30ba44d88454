#include "tests/storage/files/disk_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <mutex>

namespace xord {
namespace {

std::mutex mutex;  // Guards the three below.
bool is_watching = false;
size_t calls_until_failure = 0;
std::vector<std::string> calls;

bool admit_sync(int fd) {
  const int error = errno;
  std::error_code ignored;
  const std::string name = "/proc/self/fd/" + std::to_string(fd);
  std::string call = "sync " + std::filesystem::read_symlink(name, ignored).string();
  struct stat status {};
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    call += ", " + std::to_string(status.st_size) + " bytes";
  }
  errno = error;
  return DiskCalls::admit(std::move(call));
}

}  // namespace

DiskCalls::DiskCalls(size_t failing) {
  const std::lock_guard lock(mutex);
  is_watching = true;
  calls_until_failure = failing;
  calls.clear();
}

DiskCalls::~DiskCalls() {
  const std::lock_guard lock(mutex);
  is_watching = false;
}

std::vector<std::string> DiskCalls::seen() const {
  const std::lock_guard lock(mutex);
  return calls;
}

bool DiskCalls::admit(std::string call) {
  const std::lock_guard lock(mutex);
  if (!is_watching) return true;
  calls.push_back(std::move(call));
  if (calls.size() != calls_until_failure + 1) return true;
  errno = EIO;
  return false;
}

}  // namespace xord

extern "C" {

int fsync(int fd) {
  return xord::admit_sync(fd) ? static_cast<int>(syscall(SYS_fsync, fd)) : -1;
}

int fdatasync(int fd) {
  return xord::admit_sync(fd) ? static_cast<int>(syscall(SYS_fdatasync, fd)) : -1;
}

int rename(const char* from, const char* to) noexcept {
  if (!xord::DiskCalls::admit(std::string("rename ") + from + " to " + to)) return -1;
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

}  // extern "C"
