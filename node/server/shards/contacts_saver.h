// Collects the shards' reports of their contacts, and says when the list is worth writing. It
// writes nothing itself, knows no threads, and keeps one list per shard and network.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "node/server/shards/shard_frames.h"
#include "reactor/base/shard.h"
#include "storage/files/contacts_file.h"

namespace xord {

class ContactsSaver {
 public:
  // `networks`: their names, by NetworkIndex.
  ContactsSaver(uint32_t shards, std::vector<std::string> networks);

  // Takes a page of one shard's list. A list takes effect with its last page.
  void take(ShardIndex shard, const ContactsReport& report,
            std::span<const ReportedContact> contacts);
  // Whether a list was completed since the last contacts().
  bool is_changed() const { return changed_; }
  // All contacts of all shards, at most saved_contacts_max. Empty when there are none: the file of
  // an earlier run is then worth more than an empty one.
  std::vector<SavedContacts> contacts();
  // The contact of `network` that answered most recently; empty if none did.
  std::optional<Endpoint> answered_last(NetworkIndex network) const;

 private:
  struct List {
    std::vector<SavedContact> whole;
    std::vector<SavedContact> incoming;
  };
  std::vector<std::string> networks_;
  std::vector<List> lists_;  // [shard * networks + network]
  bool changed_ = false;
};

}  // namespace xord
