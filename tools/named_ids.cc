#include "tools/named_ids.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace xord {

NamedIds::NamedIds(std::string path) : path_(std::move(path)) {
  std::ifstream file(path_);
  std::string line;
  while (rows_.size() < named_ids_max && std::getline(file, line)) {
    std::istringstream words(line);
    std::string via;
    std::string id;
    words >> via >> id;
    const auto endpoint = Endpoint::parse(via);
    const auto named = Id::from_hex(id);
    if (endpoint && named) rows_.push_back({*endpoint, *named});
  }
}

std::optional<Id> NamedIds::find(const Endpoint& via) const {
  for (const NamedId& row : rows_) {
    if (row.via == via) return row.named;
  }
  return std::nullopt;
}

void NamedIds::remember(const NamedId& named) {
  if (named.via.scope != 0) return;  // An interface's index means nothing after the next boot.
  std::erase_if(rows_, [&](const NamedId& row) { return row.via == named.via; });
  if (rows_.size() == named_ids_max) rows_.erase(rows_.begin());
  rows_.push_back(named);
}

bool NamedIds::save() const {
  if (path_.empty()) return false;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
  const std::string temporary = path_ + "." + std::to_string(getpid());
  std::ofstream file(temporary, std::ios::trunc);
  for (const NamedId& row : rows_) file << row.via.text() << ' ' << row.named.hex() << '\n';
  file.close();
  if (file) std::filesystem::rename(temporary, path_, error);
  if (file && !error) return true;
  std::filesystem::remove(temporary, error);
  return false;
}

}  // namespace xord
