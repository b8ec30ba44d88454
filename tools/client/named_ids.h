// The cache file for the rule of node/client/client.h: for each node that was a --via, a contact
// that it once named. Losing an entry costs one more stale contact in a Python node's table. So the
// file is written without a lock, the last command wins, and anything that cannot be read or
// written is ignored.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/client/client.h"

namespace xord {

constexpr size_t named_ids_max = 256;  // The most recently used ones, 100 bytes each.

class NamedIds {
 public:
  // Reads `path`; invalid lines are skipped. An empty path means no cache.
  explicit NamedIds(std::string path);

  std::optional<Contact> find(const Endpoint& via) const;
  void remember(const NamedContact& named);
  // What `via` named is gone.
  void forget(const Endpoint& via);
  // Writes a temporary file beside the cache and renames it, creating the directory first. Returns
  // false if that failed.
  bool save() const;

 private:
  std::string path_;
  std::vector<NamedContact> rows_;  // The most recently used one comes last.
};

}  // namespace xord
