#include "tools/cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>

#include "reactor/base/check.h"
#include "reactor/io_error.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"

namespace xord {
namespace {

namespace fs = std::filesystem;

constexpr int links_max = 40;          // The kernel's limit, path_resolution(7).
constexpr int temporaries_max = 1000;  // Leftovers of killed commands.

// Follows all links of `path`, whether or not the file exists. Empty, with errno set, if a folder
// does not exist or the links form a cycle. Links of /proc are kept: they name an open file, not a
// place.
std::string behind_links(std::string path) {
  for (int links = 0; links < links_max; ++links) {
    std::error_code error;
    fs::path at(path);
    const fs::path folder = fs::canonical(at.has_parent_path() ? at.parent_path() : ".", error);
    if (error) {
      errno = error.value();
      return {};
    }
    at = folder / at.filename();
    const fs::path link = fs::read_symlink(at, error);
    if (error || folder.string().starts_with("/proc/")) return at.string();
    path = (folder / link).string();
  }
  errno = ELOOP;
  return {};
}

// N if the target is this process's /proc/self/fd/N, which /dev/stdout and /dev/fd/N link to. We
// then write the descriptor itself, so that its position advances for every process that shares it.
std::optional<int> own_descriptor(const std::string& target) {
  const std::string folder = "/proc/" + std::to_string(getpid()) + "/fd/";
  if (!target.starts_with(folder)) return std::nullopt;
  const std::string number = target.substr(folder.size());
  if (number.empty() || number.size() > 9 ||
      number.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return std::stoi(number);
}

}  // namespace

OutputFile::OutputFile(const std::string& path, mode_t mode) : path_(path) {
  target_ = behind_links(path);
  if (target_.empty()) fail("cannot write ");
  if (const auto descriptor = own_descriptor(target_)) {
    open_as_it_is(fcntl(*descriptor, F_DUPFD_CLOEXEC, 0));
    return;
  }
  struct stat status {};
  const bool is_there = stat(target_.c_str(), &status) == 0;
  if (is_there && (!S_ISREG(status.st_mode) || target_.starts_with("/proc/"))) {
    open_as_it_is(open(target_.c_str(), O_WRONLY | O_CLOEXEC));
  } else {
    open_temporary(mode);
  }
}

OutputFile::~OutputFile() {
  if (file_ != nullptr) std::fclose(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::fail(const char* what) const {
  const int error = errno;
  stop_if_interrupted();
  throw Failure(
      ExitCode::environment,
      io_error(what + path_ + " (is the disk full, or may this user not write there?)", error)
          .sentence);
}

void OutputFile::open_as_it_is(int descriptor) {
  CHECK(file_ == nullptr);
  if (descriptor >= 0) file_ = fdopen(descriptor, "w");
  if (file_ == nullptr) fail("cannot write ");
}

void OutputFile::open_temporary(mode_t mode) {
  // Renaming needs no permission to write the file itself, but replacing its content should.
  if (access(target_.c_str(), W_OK) != 0 && errno != ENOENT) fail("cannot write ");
  int descriptor = -1;
  for (int i = 0; i < temporaries_max && descriptor < 0; ++i) {
    const fs::path part = ".xord-" + std::to_string(getpid()) + "-" + std::to_string(i) + ".part";
    const std::string name = (fs::path(target_).parent_path() / part).string();
    descriptor = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (descriptor >= 0) temporary_ = name;
    if (descriptor < 0 && errno != EEXIST) break;
  }
  open_as_it_is(descriptor);
  keep_mode_and_owner();
}

void OutputFile::keep_mode_and_owner() {
  struct stat replaced {};
  if (stat(target_.c_str(), &replaced) != 0) return;
  // A user who may not give the file away keeps it. No user is given a set-id program.
  if (fchown(fileno(file_), replaced.st_uid, replaced.st_gid) != 0 && errno != EPERM) {
    fail("cannot set the owner of ");
  }
  if (fchmod(fileno(file_), replaced.st_mode & 0777) != 0) fail("cannot set the mode of ");
}

void OutputFile::append(std::string_view text) {
  CHECK(file_ != nullptr);
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) fail("cannot write ");
}

void OutputFile::finish() {
  if (std::fflush(file_) != 0) fail("cannot write ");
  if (temporary_.empty()) return;
  if (fsync(fileno(file_)) != 0) fail("cannot write ");
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot replace ");
  temporary_.clear();
}

}  // namespace xord
