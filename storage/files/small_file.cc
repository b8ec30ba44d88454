#include "storage/files/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr uint8_t magic[4] = {'X', 'O', 'R', 'D'};
constexpr size_t header_size = 12;
constexpr size_t checksum_size = 8;
static_assert(header_size == sizeof magic + 2 * sizeof(uint16_t) + sizeof(uint32_t));
static_assert(checksum_size == sizeof(XXH64_hash_t));

class FileDescriptor {
 public:
  FileDescriptor(const std::string& path, int flags)
      : fd_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  bool is_open() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::vector<uint8_t> encode(FileKind kind, uint16_t version, Bytes payload) {
  std::vector<uint8_t> file(header_size + payload.size() + checksum_size);
  std::memcpy(file.data(), magic, sizeof magic);
  store_le(&file[4], static_cast<uint16_t>(kind));
  store_le(&file[6], version);
  store_le(&file[8], static_cast<uint32_t>(payload.size()));
  if (!payload.empty()) std::memcpy(&file[header_size], payload.data(), payload.size());
  const size_t checked = header_size + payload.size();
  store_le(&file[checked], uint64_t{XXH3_64bits(file.data(), checked)});
  return file;
}

bool write_whole(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

// False with errno set; a file that is too large is not read (EFBIG).
bool read_whole(int fd, std::vector<uint8_t>& bytes) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return false;
  if (S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    return false;
  }
  if (!S_ISREG(status.st_mode)) {
    errno = EINVAL;
    return false;
  }
  if (static_cast<uint64_t>(status.st_size) > small_file_size_max) {
    errno = EFBIG;
    return false;
  }
  bytes.resize(static_cast<size_t>(status.st_size));
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t got = read(fd, &bytes[at], bytes.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) bytes.resize(at);  // It shrank: the checks below will catch it.
    at += static_cast<size_t>(got);
  }
  return true;
}

std::string cannot(const char* what, const std::string& path) {
  return std::string("cannot ") + what + " " + path;
}

IoError damaged(const std::string& path, const char* how) {
  return {path + " is damaged (" + how +
              "): put a backup in its place, or move it away to start without it",
          0};
}

}  // namespace

std::optional<IoError> write_small_file(const std::string& path, FileKind kind, uint16_t version,
                                        Bytes payload) {
  CHECK(payload.size() <= small_file_size_max - header_size - checksum_size);
  const std::string temporary = path + ".new";
  const auto fail = [&](const char* what) {
    const int error = errno;
    unlink(temporary.c_str());
    return io_error(cannot(what, path), error);
  };
  {
    // Remove a leftover; never follow a link put in its place.
    unlink(temporary.c_str());
    const FileDescriptor file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (!file.is_open()) return io_error(cannot("write", path), errno);
    if (!write_whole(file.get(), encode(kind, version, payload))) return fail("write");
    if (fsync(file.get()) != 0) return fail("sync");
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return fail("replace");
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  return sync_directory(folder.empty() ? "." : folder);
}

std::optional<IoError> sync_directory(const std::string& path) {
  CHECK(!path.empty());
  const FileDescriptor directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open() && errno == EACCES) return std::nullopt;
  if (directory.is_open() && (fsync(directory.get()) == 0 || errno == EINVAL)) return std::nullopt;
  return io_error(cannot("sync the directory", path), errno);
}

std::variant<SmallFile, Missing, IoError> read_small_file(const std::string& path, FileKind kind,
                                                          uint16_t version_max) {
  const FileDescriptor file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file.is_open()) {
    if (errno == ENOENT) return Missing{};
    if (errno == ELOOP) {
      return IoError{path + " is a link, which is not followed: put the file itself in its place",
                     ELOOP};
    }
    return io_error(cannot("read", path), errno);
  }
  std::vector<uint8_t> bytes;
  if (!read_whole(file.get(), bytes)) return io_error(cannot("read", path), errno);
  if (bytes.size() < header_size + checksum_size) return damaged(path, "too short");
  if (std::memcmp(bytes.data(), magic, sizeof magic) != 0 ||
      load_le<uint16_t>(&bytes[4]) != static_cast<uint16_t>(kind)) {
    return IoError{path +
                       " is not a file that xord wrote there: move it away, or choose another "
                       "--data-dir",
                   0};
  }
  // Before the checksum, which a newer version may have moved.
  const auto version = load_le<uint16_t>(&bytes[6]);
  if (version > version_max) {
    return IoError{path + " has version " + std::to_string(version) +
                       ", and this xord reads none newer than " + std::to_string(version_max) +
                       ": run the xord that wrote it, or choose another --data-dir",
                   0};
  }
  const size_t size = load_le<uint32_t>(&bytes[8]);
  if (bytes.size() != header_size + size + checksum_size) return damaged(path, "wrong length");
  const size_t checked = header_size + size;
  if (load_le<uint64_t>(&bytes[checked]) != XXH3_64bits(bytes.data(), checked)) {
    return damaged(path, "wrong checksum");
  }
  const auto begin = bytes.begin() + header_size;
  return SmallFile{version, {begin, begin + static_cast<ptrdiff_t>(size)}};
}

}  // namespace xord
