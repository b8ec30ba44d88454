#include "storage/files/identity_file.h"

#include "storage/files/payload.h"
#include "storage/files/small_file.h"

namespace xord {
namespace {

constexpr uint16_t version = 1;
static_assert(networks_max <= UINT16_MAX);

}  // namespace

std::variant<std::vector<NetworkIdentity>, IoError> read_identity(const DataDirectory& directory) {
  const std::string path = directory.file("identity");
  auto read = read_small_file(path, FileKind::identity, version);
  if (auto* error = std::get_if<IoError>(&read)) return *error;
  std::vector<NetworkIdentity> networks;
  const auto* file = std::get_if<SmallFile>(&read);
  if (file == nullptr) return networks;
  PayloadReader in(file->second);
  const auto count = in.integer<uint16_t>();
  for (size_t i = 0; i < count && !in.failed(); ++i) {
    NetworkIdentity& identity = networks.emplace_back();
    identity.network = in.name();
    in.bytes(identity.id.bytes);
    in.bytes(identity.secret);
  }
  if (in.is_complete() && count > 0 && count <= networks_max) return networks;
  return IoError{path +
                     " is damaged (wrong content): put a backup in its place, or move the whole "
                     "data directory away to start with a new id",
                 0};
}

std::optional<IoError> write_identity(const DataDirectory& directory,
                                      const std::vector<NetworkIdentity>& networks) {
  CHECK(!networks.empty() && networks.size() <= networks_max);
  PayloadWriter out;
  out.integer(static_cast<uint16_t>(networks.size()));
  for (const NetworkIdentity& identity : networks) {
    out.name(identity.network);
    out.bytes(identity.id.bytes);
    out.bytes(identity.secret);
  }
  return write_small_file(directory.file("identity"), FileKind::identity, version, out.payload());
}

}  // namespace xord
