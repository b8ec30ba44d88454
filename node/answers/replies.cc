#include "node/answers/replies.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {

template <class Encode>
void Replies::send(const Turn& turn, const Path& path, size_t size_max, Encode&& encode) {
  const MutableBytes out = turn.out.datagrams.reserve(size_max);
  if (out.empty()) {
    node_.count(NodeCounter::outbox_full);
    return;
  }
  const size_t size = encode(out);
  DCHECK(size <= out.size());
  if (size == 0) return;
  turn.out.datagrams.commit(path, size);
  node_.count(NodeCounter::replies_sent);
}

void Replies::pong(const Turn& turn, const ReplyTo& to) {
  send(turn, to.path, node_.dialect.traits().pong_size, [&](MutableBytes out) {
    return node_.dialect.encode_pong(out, to.transaction, node_.self);
  });
}

void Replies::observed(const Turn& turn, const ReplyTo& to) {
  send(turn, to.path, node_.dialect.observed_size_max(), [&](MutableBytes out) {
    return node_.dialect.encode_observed(out, to.transaction, node_.self, to.path.remote);
  });
}

void Replies::stored(const Turn& turn, const ReplyTo& to, bool is_stored) {
  send(turn, to.path, node_.dialect.traits().stored_size, [&](MutableBytes out) {
    return node_.dialect.encode_stored(out, to.transaction, node_.self, is_stored);
  });
  node_.count(is_stored ? NodeCounter::stores_acknowledged : NodeCounter::stores_refused);
}

void Replies::value(const Turn& turn, const ReplyTo& to, Bytes value) {
  send(turn, to.path, node_.dialect.value_size(value.size()), [&](MutableBytes out) {
    return node_.dialect.encode_value(out, to.transaction, node_.self, value);
  });
  node_.count(NodeCounter::values_served);
}

void Replies::contacts(const Turn& turn, const ReplyTo& to, std::span<const ContactHandle> contacts,
                       size_t size_max) {
  DCHECK(contacts.size() <= bucket_size);
  const size_t size_wanted = std::min(size_max, node_.dialect.contacts_size_max());
  send(turn, to.path, size_wanted, [&](MutableBytes out) {
    return node_.dialect.encode_contacts(out, to.transaction, node_.self, contacts, book_);
  });
}

}  // namespace xord
