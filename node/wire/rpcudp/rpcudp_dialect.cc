#include "node/wire/rpcudp/rpcudp_dialect.h"

#include <array>

#include "node/wire/rpcudp/rpcudp.h"
#include "node/wire/rpcudp/rpcudp_steering.h"

namespace xord::rpcudp {
namespace {

static_assert(ContactBook::tail_kept_max == 1 + std::string_view("255.255.255.255").size() + 3);
static_assert(contacts_reply_size_max ==
                  contacts_head_max + reply_contacts_kept * (contact_head_size + contact_tail_max),
              "as many contacts as are kept of an answer always fit");

// The contact's encoded tail: the one in the book, or one rendered into `rendered` (IPv6).
Bytes tail_of(ContactHandle contact, const ContactBook& book, MutableBytes rendered) {
  const Bytes tail = book.tail(contact);
  if (!tail.empty()) return tail;
  const size_t size = encode_contact_tail(book.endpoint(contact), rendered);
  DCHECK(size > 0);  // `rendered` has room for every tail.
  return rendered.first(size);
}

class RpcudpDialect final : public Dialect {
 public:
  RpcudpDialect()
      : Dialect({.name = "rpcudp",
                 .ping_size = ping_request_size,
                 .pong_size = ping_reply_size,
                 .stored_size = store_reply_size,
                 .encode_contact_tail = rpcudp::encode_contact_tail}) {}

  bool is_reply(Bytes datagram) const override { return rpcudp::is_reply(datagram); }
  Bytes transaction_of(Bytes datagram) const override { return rpcudp::transaction_of(datagram); }
  ParseError read_request(Bytes datagram, Request* out) const override {
    return parse_request(datagram, out);
  }
  ParseError read_reply(Bytes datagram, Method method, Reply* out) const override {
    return parse_reply(datagram, method, out);
  }
  std::optional<Id> record_key(Bytes datagram) const override {
    return rpcudp::record_key(datagram);
  }
  std::span<const SteeringRule> steering_rules() const override { return rpcudp::steering_rules(); }

  size_t request_size_max(const Ask& ask) const override { return size_of_request(ask); }
  size_t encode_request(MutableBytes out, Bytes transaction, const Id& sender,
                        const Ask& ask) const override {
    return rpcudp::encode_request(out, transaction, sender, ask);
  }

  size_t encode_pong(MutableBytes out, Bytes transaction, const Id& self) const override {
    return encode_ping_reply(out, transaction, self);
  }
  size_t observed_size_max() const override { return stun_reply_size_max; }
  size_t encode_observed(MutableBytes out, Bytes transaction, const Id&,
                         const Endpoint& source) const override {
    return encode_stun_reply(out, transaction, source);
  }
  size_t encode_stored(MutableBytes out, Bytes transaction, const Id&, bool stored) const override {
    return encode_store_reply(out, transaction, stored);
  }
  size_t value_size(size_t value_bytes) const override { return value_reply_size(value_bytes); }
  size_t encode_value(MutableBytes out, Bytes transaction, const Id&, Bytes value) const override {
    return encode_value_reply(out, transaction, value);
  }
  size_t contacts_size_max() const override { return contacts_reply_size_max; }
  size_t encode_contacts(MutableBytes out, Bytes transaction, const Id&,
                         std::span<const ContactHandle> contacts,
                         const ContactBook& book) const override {
    const size_t count = count_fitting(contacts, book, out.size());
    std::array<uint8_t, contact_tail_max> rendered;
    ContactsReply reply(out, transaction, count);
    for (const ContactHandle contact : contacts.first(count)) {
      reply.add(book.id(contact), tail_of(contact, book, rendered));
    }
    return reply.size();
  }

 private:
  static size_t count_fitting(std::span<const ContactHandle> contacts, const ContactBook& book,
                              size_t size_max) {
    DCHECK(contacts.size() <= reply_contacts_kept);
    if (size_max >= contacts_reply_size_max) return contacts.size();
    std::array<uint8_t, contact_tail_max> rendered;
    size_t size = contacts_head_max;
    for (size_t i = 0; i < contacts.size(); ++i) {
      size += contact_head_size + tail_of(contacts[i], book, rendered).size();
      if (size > size_max) return i;
    }
    return contacts.size();
  }
};

}  // namespace

const Dialect& dialect() {
  static const RpcudpDialect one;
  return one;
}

}  // namespace xord::rpcudp
