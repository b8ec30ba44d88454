#include "tools/client/named_ids.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "reactor/base/check.h"

#include "tools/cli/failure.h"
#include "tools/cli/output_file.h"

namespace xord {

namespace {

enum class CacheState { usable, missing, foreign };

// A cache that belongs to another user is ignored: if root runs with another user's HOME, a file
// there may be a link to anything. A FIFO would block.
CacheState state_of(const std::string& path) {
  struct stat status {};
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (stat(folder.c_str(), &status) == 0 && status.st_uid != geteuid()) return CacheState::foreign;
  if (lstat(path.c_str(), &status) != 0) return CacheState::missing;
  const bool is_ours = S_ISREG(status.st_mode) && status.st_uid == geteuid();
  return is_ours ? CacheState::usable : CacheState::foreign;
}

}  // namespace

NamedIds::NamedIds(std::string path) : path_(std::move(path)) {
  if (state_of(path_) != CacheState::usable) return;
  std::ifstream file(path_);
  std::string line;
  while (rows_.size() < named_ids_max && std::getline(file, line)) {
    std::istringstream words(line);
    std::string via;
    std::string id;
    std::string at;
    words >> via >> id >> at;
    const auto endpoint = Endpoint::parse(via);
    const auto named = Id::from_hex(id);
    const auto named_at = Endpoint::parse(at);
    if (endpoint && named && named_at) rows_.push_back({*endpoint, {*named, *named_at}});
  }
}

std::optional<Contact> NamedIds::find(const Endpoint& via) const {
  for (const NamedContact& row : rows_) {
    if (row.via == via) return row.named;
  }
  return std::nullopt;
}

void NamedIds::remember(const NamedContact& named) {
  // An interface index may change at the next boot.
  if (named.via.scope != 0 || named.named.endpoint.scope != 0) return;
  forget(named.via);
  if (rows_.size() == named_ids_max) rows_.erase(rows_.begin());
  rows_.push_back(named);
  CHECK(rows_.size() <= named_ids_max);
}

void NamedIds::forget(const Endpoint& via) {
  std::erase_if(rows_, [&](const NamedContact& row) { return row.via == via; });
}

bool NamedIds::save() const {
  if (path_.empty()) return false;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
  if (state_of(path_) == CacheState::foreign) return false;
  try {
    OutputFile file(path_, 0600);
    for (const NamedContact& row : rows_) {
      file.append(row.via.text() + ' ' + row.named.id.hex() + ' ' + row.named.endpoint.text() +
                  '\n');
    }
    file.finish();
    return true;
  } catch (const Failure&) {
    return false;
  }
}

}  // namespace xord
