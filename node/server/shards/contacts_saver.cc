#include "node/server/shards/contacts_saver.h"

#include "reactor/base/check.h"

namespace xord {

ContactsSaver::ContactsSaver(uint32_t shards, std::vector<std::string> networks)
    : networks_(std::move(networks)), lists_(shards * networks_.size()) {
  CHECK(shards >= 1 && shards <= shards_max && !networks_.empty());
}

void ContactsSaver::take(ShardIndex shard, const ContactsReport& report,
                         std::span<const ReportedContact> contacts) {
  const size_t at = shard * networks_.size() + report.network;
  CHECK(report.network < networks_.size() && at < lists_.size());
  CHECK(contacts.size() <= contacts_page_max);
  List& list = lists_[at];
  if (report.first) list.incoming.clear();
  for (const ReportedContact& contact : contacts) {
    if (list.incoming.size() == saved_contacts_max) break;
    list.incoming.push_back({contact.id, contact.endpoint, contact.answered_last});
  }
  if (!report.last) return;
  list.whole.swap(list.incoming);
  list.incoming.clear();
  changed_ = true;
}

std::vector<SavedContacts> ContactsSaver::contacts() {
  changed_ = false;
  std::vector<SavedContacts> all;
  size_t total = 0;
  for (size_t network = 0; network < networks_.size(); ++network) {
    SavedContacts saved{networks_[network], {}};
    for (size_t at = network; at < lists_.size(); at += networks_.size()) {
      for (const SavedContact& contact : lists_[at].whole) {
        if (total == saved_contacts_max) break;
        saved.contacts.push_back(contact);
        ++total;
      }
    }
    all.push_back(std::move(saved));
  }
  CHECK(total <= saved_contacts_max);
  if (total == 0) all.clear();
  return all;
}

std::optional<Endpoint> ContactsSaver::answered_last(NetworkIndex network) const {
  CHECK(network < networks_.size());
  std::optional<Endpoint> endpoint;
  NodeSeconds latest = 0;
  for (size_t at = network; at < lists_.size(); at += networks_.size()) {
    for (const SavedContact& contact : lists_[at].whole) {
      if (contact.last_answered <= latest) continue;
      latest = contact.last_answered;
      endpoint = contact.endpoint;
    }
  }
  return endpoint;
}

}  // namespace xord
