// The cache file behind the rule of node/client/client.h: for each node that was a --via, a contact
// that it once named. Losing it costs one more contact left behind in a Python node; so it is
// written without a lock, the last command wins, and whatever cannot be read or written is done
// without.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/client/client.h"

namespace xord {

constexpr size_t named_ids_max = 256;  // The ones used last are kept. 100 bytes each.

class NamedIds {
 public:
  // Reads `path`; lines that make no sense are skipped. An empty path: there is no cache.
  explicit NamedIds(std::string path);

  std::optional<Contact> find(const Endpoint& via) const;
  void remember(const NamedContact& named);
  // What `via` named is gone.
  void forget(const Endpoint& via);
  // Writes a temporary file beside the cache and renames it, making the directory first. False when
  // that could not be done.
  bool save() const;

 private:
  std::string path_;
  std::vector<NamedContact> rows_;  // The one used last comes last.
};

}  // namespace xord
