#include "node/answers/replies.h"

#include <array>

#include "node/wire/rpcudp/rpcudp.h"

namespace xord {

MutableBytes Replies::buffer(const Turn& turn, size_t size_max) {
  const MutableBytes buffer = turn.out.datagrams.reserve(size_max);
  if (buffer.empty()) node_.count(NodeCounter::outbox_full);
  return buffer;
}

void Replies::commit(const Turn& turn, const Path& path, size_t size) {
  turn.out.datagrams.commit(path, size);
  node_.count(NodeCounter::replies_sent);
}

template <class Encode>
void Replies::send(const Turn& turn, const Path& path, size_t size_max, Encode&& encode) {
  const MutableBytes out = buffer(turn, size_max);
  if (out.empty()) return;
  const size_t size = encode(out);
  if (size > 0) commit(turn, path, size);
}

void Replies::pong(const Turn& turn, const ReplyTo& to) {
  send(turn, to.path, rpcudp::ping_reply_size, [&](MutableBytes out) {
    return rpcudp::encode_ping_reply(out, to.transaction, node_.self);
  });
}

void Replies::observed(const Turn& turn, const ReplyTo& to) {
  send(turn, to.path, rpcudp::stun_reply_size_max, [&](MutableBytes out) {
    return rpcudp::encode_stun_reply(out, to.transaction, to.path.remote);
  });
}

void Replies::stored(const Turn& turn, const ReplyTo& to, bool is_stored) {
  send(turn, to.path, rpcudp::store_reply_size, [&](MutableBytes out) {
    return rpcudp::encode_store_reply(out, to.transaction, is_stored);
  });
  node_.count(is_stored ? NodeCounter::stores_acknowledged : NodeCounter::stores_refused);
}

void Replies::value(const Turn& turn, const ReplyTo& to, Bytes value) {
  send(turn, to.path, rpcudp::value_reply_size(value.size()),
       [&](MutableBytes out) { return rpcudp::encode_value_reply(out, to.transaction, value); });
  node_.count(NodeCounter::values_served);
}

size_t Replies::count_fitting(std::span<const ContactHandle> contacts, size_t size_max) const {
  if (size_max >= rpcudp::contacts_reply_size_max) return contacts.size();
  std::array<uint8_t, rpcudp::contact_tail_max> rendered;
  size_t size = rpcudp::contacts_head_max;
  for (size_t i = 0; i < contacts.size(); ++i) {
    size += rpcudp::contact_head_size + tail_of(contacts[i], rendered).size();
    if (size > size_max) return i;
  }
  return contacts.size();
}

void Replies::contacts(const Turn& turn, const ReplyTo& to,
                       std::span<const ContactHandle> contacts) {
  const MutableBytes out = buffer(turn, rpcudp::contacts_reply_size_max);
  if (out.empty()) return;
  std::array<uint8_t, rpcudp::contact_tail_max> rendered;
  rpcudp::ContactsReply reply(out, to.transaction, contacts.size());
  for (const ContactHandle contact : contacts) {
    reply.add(book_.id(contact), tail_of(contact, rendered));
  }
  commit(turn, to.path, reply.size());
}

Bytes Replies::tail_of(ContactHandle contact, MutableBytes rendered) const {
  const Bytes tail = book_.tail(contact);
  if (!tail.empty()) return tail;
  return rendered.first(rpcudp::encode_contact_tail(book_.endpoint(contact), rendered));
}

}  // namespace xord
