// `identity`: our id in each network, and a secret that keys the hashes of sources kept with the
// records. Written once, when a network is first joined. Losing it means a new id and, if the
// directory is not otherwise empty, a refusal to start.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "reactor/base/id.h"
#include "storage/files/data_directory.h"

namespace xord {

using Secret = std::array<uint8_t, 32>;

struct NetworkIdentity {
  std::string network;  // The dialect's name, at most 32 bytes.
  Id id;
  Secret secret{};  // Random. Keys what is kept across restarts and must not be guessed.

  bool operator==(const NetworkIdentity&) const = default;
};
constexpr size_t networks_max = 16;

// Empty at the first start.
std::variant<std::vector<NetworkIdentity>, IoError> read_identity(const DataDirectory& directory);
std::optional<IoError> write_identity(const DataDirectory& directory,
                                      const std::vector<NetworkIdentity>& networks);

}  // namespace xord
