#include "storage/files/contacts_file.h"

#include "storage/files/payload.h"
#include "storage/files/small_file.h"

namespace xord {
namespace {

constexpr uint16_t version = 1;
constexpr size_t contact_bytes = id_size + sizeof(IpAddress) + 4 + 2 + sizeof(NodeSeconds);
static_assert(saved_contacts_max * contact_bytes <= small_file_size_max / 4 * 3);

void write_contact(PayloadWriter& out, const SavedContact& contact) {
  out.bytes(contact.id.bytes);
  out.bytes(contact.endpoint.address.bytes);
  out.integer(contact.endpoint.scope);
  out.integer(contact.endpoint.port);
  out.integer(contact.last_answered);
}

SavedContact read_contact(PayloadReader& in) {
  SavedContact contact;
  in.bytes(contact.id.bytes);
  in.bytes(contact.endpoint.address.bytes);
  contact.endpoint.scope = in.integer<uint32_t>();
  contact.endpoint.port = in.integer<uint16_t>();
  contact.last_answered = in.integer<NodeSeconds>();
  return contact;
}

}  // namespace

std::variant<std::vector<SavedContacts>, IoError> read_contacts(const DataDirectory& directory) {
  const std::string path = directory.file("contacts");
  auto read = read_small_file(path, FileKind::contacts, version);
  if (auto* error = std::get_if<IoError>(&read)) return *error;
  std::vector<SavedContacts> networks;
  const auto* file = std::get_if<SmallFile>(&read);
  if (file == nullptr) return networks;
  PayloadReader in(file->second);
  const auto count = in.integer<uint16_t>();
  size_t total = 0;
  for (size_t i = 0; i < count && !in.failed(); ++i) {
    SavedContacts& network = networks.emplace_back();
    network.network = in.name();
    const auto contacts = in.integer<uint32_t>();
    for (size_t j = 0; j < contacts && !in.failed() && total < saved_contacts_max; ++j, ++total) {
      const SavedContact contact = read_contact(in);
      // Anything else was never a contact.
      if (!in.failed() && contact.endpoint.is_askable()) network.contacts.push_back(contact);
    }
  }
  if (in.is_complete()) return networks;
  return IoError{path + " is damaged (wrong content): move it away to start with --bootstrap", 0};
}

std::optional<IoError> write_contacts(const DataDirectory& directory,
                                      const std::vector<SavedContacts>& networks) {
  CHECK(networks.size() <= UINT16_MAX);
  PayloadWriter out;
  out.integer(static_cast<uint16_t>(networks.size()));
  size_t room = saved_contacts_max;
  for (const SavedContacts& network : networks) {
    const size_t count = std::min(network.contacts.size(), room);
    room -= count;
    out.name(network.network);
    out.integer(static_cast<uint32_t>(count));
    const size_t begin = out.payload().size();
    for (size_t i = 0; i < count; ++i) write_contact(out, network.contacts[i]);
    CHECK(out.payload().size() == begin + count * contact_bytes);
  }
  return write_small_file(directory.file("contacts"), FileKind::contacts, version, out.payload());
}

}  // namespace xord
