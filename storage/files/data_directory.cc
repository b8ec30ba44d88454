#include "storage/files/data_directory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "reactor/base/check.h"
#include "storage/files/small_file.h"

namespace xord {
namespace {

namespace fs = std::filesystem;

// Left by a first start that was killed half way, or present in every mount point.
constexpr std::array<std::string_view, 3> harmless{"LOCK", "identity.new", "lost+found"};

IoError refusal(const std::string& sentence) {
  return {sentence, 0};
}

// The directory itself, or its nearest existing parent.
std::string existing_part(const std::string& path) {
  fs::path at = fs::absolute(path);
  std::error_code ignored;
  while (!fs::exists(at, ignored) && at.has_parent_path() && at != at.parent_path()) {
    at = at.parent_path();
  }
  return at.string();
}

std::optional<IoError> check_file_system(const std::string& path) {
  const std::string existing = existing_part(path);
  struct statfs status {};
  if (statfs(existing.c_str(), &status) != 0) return io_error("cannot look at " + existing, errno);
  const char* name = network_file_system_name(static_cast<uint64_t>(status.f_type));
  if (name == nullptr) return std::nullopt;
  return refusal("the data directory " + path + " is on a network file system (" + name +
                 "), whose locks and syncs cannot be trusted: choose a local --data-dir, or force "
                 "it with --allow-network-file-system");
}

// Syncs the names that lead to a new data directory: what is acknowledged from now on lies below
// them. All of them, because a first start that was killed may have made any.
std::optional<IoError> sync_names(const std::string& path) {
  for (fs::path at = fs::absolute(path); at.has_relative_path(); at = at.parent_path()) {
    if (auto failed = sync_directory(at.string() + "/..")) return failed;
  }
  return std::nullopt;
}

std::optional<IoError> make(const std::string& path) {
  std::error_code error;
  const mode_t before = umask(0077);
  fs::create_directories(path, error);
  umask(before);
  if (!error) {
    const bool is_new = !fs::exists(path + "/identity", error);
    return is_new ? sync_names(path) : std::nullopt;
  }
  if (error == std::errc::file_exists || error == std::errc::not_a_directory) {
    return refusal("the data directory " + path +
                   " cannot be made, because a file is in its place: choose another --data-dir");
  }
  return io_error("cannot make the data directory " + path +
                      " (choose another --data-dir, or give this user permission to write there)",
                  error.value());
}

// Ours if empty, or if it holds an `identity`.
std::optional<IoError> check_content(const std::string& path) {
  std::error_code error;
  fs::directory_iterator at(path, error);
  if (error) {
    return io_error("cannot read the data directory " + path +
                        " (give it to this user, or choose another --data-dir)",
                    error.value());
  }
  std::string stranger;
  for (; at != fs::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name == "identity") return std::nullopt;
    if (std::find(harmless.begin(), harmless.end(), name) == harmless.end()) stranger = name;
  }
  if (stranger.empty()) return std::nullopt;
  return refusal("the directory " + path + " holds files (" + stranger +
                 ") and no `identity`, so it is not xord's: choose an empty or new --data-dir, or "
                 "put its `identity` back");
}

// The process that LOCK names, unless it has ended: a reader does not write its own number.
std::string holder_of(int lock) {
  char text[32] = {};
  const ssize_t size = pread(lock, text, sizeof text - 1, 0);
  std::string pid(text, size > 0 ? static_cast<size_t>(size) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  const bool is_number =
      !pid.empty() && pid.size() < 10 &&
      std::all_of(pid.begin(), pid.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool is_alive = is_number && (kill(std::atoi(pid.c_str()), 0) == 0 || errno == EPERM);
  return is_alive ? "process " + pid : "another process";
}

// Opens the file LOCK itself, never the target of a link in its place.
std::variant<int, IoError> open_lock(const std::string& path, int flags) {
  const std::string name = path + "/LOCK";
  const int lock = ::open(name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (lock < 0) {
    if (errno == ELOOP) return IoError{name + " is a link: remove it", ELOOP};
    return io_error(
        "cannot open " + name + " (give the directory to this user, or choose another --data-dir)",
        errno);
  }
  struct stat status {};
  if (fstat(lock, &status) == 0 && S_ISREG(status.st_mode)) return lock;
  close(lock);
  return refusal(name + " is not a regular file: remove it");
}

std::string user_name(uid_t user) {
  const passwd* found = getpwuid(user);
  const std::string number = std::to_string(user);
  return found == nullptr ? "user " + number : std::string(found->pw_name) + " (" + number + ")";
}

// Takes the lock, or closes the file and says which process holds it.
std::optional<IoError> take(int lock, int how, const std::string& path) {
  CHECK(lock >= 0 && (how == LOCK_EX || how == LOCK_SH));
  if (flock(lock, how | LOCK_NB) == 0) return std::nullopt;
  const int error = errno;
  const std::string holder = holder_of(lock);
  close(lock);
  if (error != EWOULDBLOCK) return io_error("cannot lock " + path + "/LOCK", error);
  return IoError{"the data directory " + path + " is held by " + holder +
                     ": stop that one, or choose another --data-dir",
                 error};
}

}  // namespace

const char* network_file_system_name(uint64_t magic) {
  switch (magic & 0xffffffff) {
    case NFS_SUPER_MAGIC:
      return "NFS";
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
      return "SMB";
    case V9FS_MAGIC:
      return "9p";
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC:
      return "AFS";
    case CEPH_SUPER_MAGIC:
      return "Ceph";
    case CODA_SUPER_MAGIC:
      return "Coda";
    case NCP_SUPER_MAGIC:
      return "NCP";
    default:
      return nullptr;
  }
}

std::optional<IoError> check_is_private(const std::string& what, const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return io_error("cannot look at " + path, errno);
  if (status.st_uid != geteuid()) {
    return refusal(what + ' ' + path + " belongs to " + user_name(status.st_uid) +
                   " and not to this user, " + user_name(geteuid()) +
                   ": run as its owner, give it to this user, or choose another");
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return std::nullopt;
  return refusal("others may write to " + what + ' ' + path +
                 ", and so replace its files: remove that permission (chmod go-w " + path +
                 ") or choose another");
}

std::variant<std::unique_ptr<DataDirectory>, IoError> DataDirectory::open(
    const std::string& path, NetworkFileSystem network) {
  if (path.empty()) return refusal("no data directory is given: choose one with --data-dir");
  if (network == NetworkFileSystem::refused) {
    if (auto error = check_file_system(path)) return *error;
  }
  if (auto error = make(path)) return *error;
  if (auto error = check_is_private("the data directory", path)) return *error;
  if (auto error = check_content(path)) return *error;
  auto opened = open_lock(path, O_RDWR | O_CREAT);
  if (auto* error = std::get_if<IoError>(&opened)) return *error;
  const int lock = std::get<int>(opened);
  if (auto error = take(lock, LOCK_EX, path)) return *error;
  // The holder's number is only for the error message; the lock itself is the kernel's.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(lock, 0) != 0 ||
      pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    const int error = errno;
    close(lock);
    return io_error("cannot write " + path + "/LOCK (is the disk full?)", error);
  }
  return std::unique_ptr<DataDirectory>(new DataDirectory(path, lock));
}

std::variant<std::unique_ptr<DataDirectory>, IoError> DataDirectory::open_to_read(
    const std::string& path) {
  if (path.empty()) return refusal("no data directory is given: choose one with --data-dir");
  if (auto error = check_content(path)) return *error;
  std::error_code ignored;
  if (!fs::exists(path + "/identity", ignored)) {
    return refusal("the directory " + path +
                   " holds no data of a node: name a --data-dir in which one has run");
  }
  auto opened = open_lock(path, O_RDONLY);
  const auto* error = std::get_if<IoError>(&opened);
  if (error != nullptr && error->error_number != ENOENT) return *error;
  const int lock = error == nullptr ? std::get<int>(opened) : -1;
  if (lock >= 0) {
    if (auto held = take(lock, LOCK_SH, path)) return *held;
  }
  return std::unique_ptr<DataDirectory>(new DataDirectory(path, lock));
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace xord
