// What a server reads from its data directory before anything else: the lock, who it is, whom it
// knew, and what time it is. All of it on the admin thread, at start; RocksDB is opened later.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "node/server/server.h"
#include "storage/files/clock_file.h"
#include "storage/files/contacts_file.h"
#include "storage/files/data_directory.h"
#include "storage/files/identity_file.h"
#include "storage/files/wall_belief.h"

namespace xord {

// The name by which a dialect stands in files, flags and logs.
std::string_view name_of(DialectName dialect);

struct StartFiles {
  std::unique_ptr<DataDirectory> directory;  // Locked.
  std::vector<NetworkIdentity> identities;   // One for each network asked for, in that order.
  std::vector<SavedContacts> contacts;       // Of any network; empty at a first start.
  ResumedClock clock;
  std::optional<WallBelief> wall;  // Of what to write in `clock`.
  std::string warning;             // Not empty: something could be done without, and this is why.
};

// Opens config.data_dir. At a first start draws an identity from the kernel's entropy and writes
// it, and in any case the clock, so that `kill -9` finds both from here on.
std::variant<StartFiles, ServerError> start_files(const ServerConfig& config,
                                                  const std::vector<DialectName>& networks);

}  // namespace xord
