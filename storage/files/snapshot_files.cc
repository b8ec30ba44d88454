#include "storage/files/snapshot_files.h"

#include <sys/stat.h>

#include <filesystem>

#include "storage/files/data_directory.h"
#include "storage/files/small_file.h"

namespace xord {
namespace {

namespace fs = std::filesystem;

std::optional<IoError> copy(const std::string& from, const std::string& to, FileKind kind) {
  auto read = read_small_file(from, kind, UINT16_MAX);  // Of any version: it is not checked.
  if (auto* error = std::get_if<IoError>(&read)) return *error;
  const auto* file = std::get_if<SmallFile>(&read);
  if (file == nullptr) return std::nullopt;
  return write_small_file(to, kind, file->first, file->second);
}

}  // namespace

std::optional<IoError> begin_snapshot(const std::string& to) {
  if (mkdir(to.c_str(), 0700) == 0) return std::nullopt;
  const int error = errno;
  std::error_code ignored;
  if (error == EEXIST && fs::is_directory(to, ignored) && fs::is_empty(to, ignored)) {
    return check_is_private("the directory", to);
  }
  if (error == EEXIST) {
    return IoError{
        "a snapshot needs a new or an empty directory, which " + to + " is not: name another",
        error};
  }
  return io_error("cannot make the directory " + to, error);
}

std::optional<IoError> finish_snapshot(const std::string& from, const std::string& to) {
  constexpr std::pair<const char*, FileKind> files[] = {{"format", FileKind::format},
                                                        {"clock", FileKind::clock},
                                                        {"contacts", FileKind::contacts},
                                                        {"identity", FileKind::identity}};
  for (const auto& [name, kind] : files) {
    if (auto error = copy(from + "/" + name, to + "/" + name, kind)) return error;
  }
  return sync_directory(to + "/..");  // Its own name.
}

void abandon_snapshot(const std::string& to) {
  std::error_code ignored;
  for (const auto& at : fs::directory_iterator(to, ignored)) fs::remove_all(at.path(), ignored);
  fs::remove(to, ignored);
}

}  // namespace xord
