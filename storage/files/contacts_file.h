// `contacts`: the routing table as last saved, so that a restart needs no bootstrap server. Losing
// it costs one bootstrap.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"
#include "storage/files/data_directory.h"
#include "storage/operation.h"

namespace xord {

struct SavedContact {
  Id id;
  Endpoint endpoint;
  NodeSeconds last_answered = 0;
};

struct SavedContacts {
  std::string network;  // The dialect's name, at most 32 bytes.
  std::vector<SavedContact> contacts;
};
constexpr size_t saved_contacts_max = 1 << 20;  // Over all networks.

// Empty when there is no file. Addresses that cannot be sent to are skipped.
std::variant<std::vector<SavedContacts>, IoError> read_contacts(const DataDirectory& directory);
std::optional<IoError> write_contacts(const DataDirectory& directory,
                                      const std::vector<SavedContacts>& networks);

}  // namespace xord
