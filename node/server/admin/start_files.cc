#include "node/server/admin/start_files.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "reactor/entropy.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

ServerError environment(const IoError& error) {
  return {ServerErrorKind::environment, error.sentence};
}

// The identities of `networks`, in that order; new ones are drawn and saved.
std::variant<std::vector<NetworkIdentity>, IoError> identities_of(
    const DataDirectory& directory, const std::vector<DialectName>& networks) {
  CHECK(!networks.empty() && networks.size() <= networks_max);
  auto read = read_identity(directory);
  if (auto* error = std::get_if<IoError>(&read)) return *error;
  auto& known = std::get<std::vector<NetworkIdentity>>(read);
  const size_t known_before = known.size();
  std::vector<NetworkIdentity> wanted;
  for (const DialectName dialect : networks) {
    const auto same = [&](const NetworkIdentity& each) { return each.network == name_of(dialect); };
    const auto at = std::find_if(known.begin(), known.end(), same);
    if (at != known.end()) {
      wanted.push_back(*at);
      continue;
    }
    if (known.size() == networks_max) {
      return IoError{directory.file("identity") + " holds the ids of " +
                         std::to_string(networks_max) +
                         " networks, as many as it can, and none of " +
                         std::string(name_of(dialect)) + ": choose another --data-dir",
                     0};
    }
    NetworkIdentity drawn;
    drawn.network = name_of(dialect);
    fill_with_entropy(drawn.id.bytes);
    fill_with_entropy(drawn.secret);
    known.push_back(drawn);
    wanted.push_back(drawn);
  }
  if (known.size() > known_before) {
    if (auto error = write_identity(directory, known)) return *error;
  }
  return wanted;
}

}  // namespace

std::string_view name_of(DialectName dialect) {
  CHECK(dialect == DialectName::rpcudp || dialect == DialectName::mainline);
  return dialect == DialectName::mainline ? "mainline" : "rpcudp";
}

std::variant<StartFiles, ServerError> start_files(const ServerConfig& config,
                                                  const std::vector<DialectName>& networks) {
  StartFiles files;
  auto opened = DataDirectory::open(config.data_dir, config.allow_network_file_system
                                                         ? NetworkFileSystem::forced
                                                         : NetworkFileSystem::refused);
  if (auto* error = std::get_if<IoError>(&opened)) return environment(*error);
  files.directory = std::move(std::get<std::unique_ptr<DataDirectory>>(opened));

  auto identities = identities_of(*files.directory, networks);
  if (auto* error = std::get_if<IoError>(&identities)) return environment(*error);
  files.identities = std::move(std::get<std::vector<NetworkIdentity>>(identities));

  auto contacts = read_contacts(*files.directory);
  if (auto* error = std::get_if<IoError>(&contacts)) {
    // This costs a bootstrap, not the start. The file is replaced once there are contacts again.
    files.warning = error->sentence + "; starting without the contacts of the last run";
  } else {
    files.contacts = std::move(std::get<std::vector<SavedContacts>>(contacts));
  }

  auto clock = read_clock(*files.directory);
  if (auto* error = std::get_if<IoError>(&clock)) return environment(*error);
  const auto& saved = std::get<std::optional<SavedClock>>(clock);
  const Duration wall = wall_time();
  files.clock = resume_clock(saved, wall, config.ttl);
  files.wall.emplace(saved, files.clock.now, wall);
  if (!files.clock.is_doubtful) {
    if (auto error = write_clock(*files.directory, files.wall->at(files.clock.now, wall))) {
      return environment(*error);
    }
  }
  return files;
}

}  // namespace xord
