// What a server reads from its data directory first of all: the lock, its identity, the contacts it
// knew, and the time. All on the admin thread, at start; RocksDB is opened later.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "node/server/config/server_config.h"
#include "node/server/config/server_error.h"
#include "storage/files/clock_file.h"
#include "storage/files/contacts_file.h"
#include "storage/files/data_directory.h"
#include "storage/files/identity_file.h"
#include "storage/files/wall_belief.h"

namespace xord {

// The name of a dialect in files, flags and logs.
std::string_view name_of(DialectName dialect);

struct StartFiles {
  std::unique_ptr<DataDirectory> directory;  // Locked.
  std::vector<NetworkIdentity> identities;   // One for each network asked for, in that order.
  std::vector<SavedContacts> contacts;       // Of any network; empty at a first start.
  ResumedClock clock;
  std::optional<WallBelief> wall;  // What to write to `clock`.
  std::string warning;             // Not empty: what the start had to do without, and why.
};

// Opens config.data_dir. At a first start it draws an identity from the kernel's entropy and writes
// it; it always writes the clock, so that both exist from here on, even after `kill -9`.
std::variant<StartFiles, ServerError> start_files(const ServerConfig& config,
                                                  const std::vector<DialectName>& networks);

}  // namespace xord
