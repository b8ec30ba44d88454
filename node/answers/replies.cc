#include "node/answers/replies.h"

#include "node/admission/ledger.h"
#include "reactor/base/check.h"

namespace xord {

// `encode` returns the size of the reply, or 0 to send none.
template <class Encode>
void Replies::send(const Turn& turn, const ReplyTo& to, size_t size_max, Encode&& encode) {
  const MutableBytes out = turn.out.datagrams.reserve(size_max);
  if (out.empty()) {
    node_.count(NodeCounter::outbox_full);
    return;
  }
  const size_t size = encode(out);
  DCHECK(size <= out.size());
  if (size == 0) return;
  turn.out.datagrams.commit(to.path, size);
  node_.count(NodeCounter::replies_sent);
}

bool Replies::may_send(const Turn& turn, const ReplyTo& to, size_t size, NodeCounter limited) {
  DCHECK(to.request_size > 0);
  if (size <= to.request_size) return true;
  bool is_beyond = false;
  const bool may_send =
      node_.ledger.try_charge(turn.now, to.path.remote.address, Charge::excess,
                              static_cast<uint32_t>(size - to.request_size), &is_beyond);
  if (is_beyond) node_.count(limited);
  return may_send;
}

// No pong and no stored is longer than the shortest request for it: nothing to charge.
void Replies::pong(const Turn& turn, const ReplyTo& to) {
  send(turn, to, node_.dialect.traits().pong_size, [&](MutableBytes out) {
    return node_.dialect.encode_pong(out, to.transaction, node_.self);
  });
}

void Replies::observed(const Turn& turn, const ReplyTo& to) {
  send(turn, to, node_.dialect.observed_size_max(), [&](MutableBytes out) -> size_t {
    const size_t size =
        node_.dialect.encode_observed(out, to.transaction, node_.self, to.path.remote);
    return may_send(turn, to, size, NodeCounter::limited_stuns) ? size : 0;
  });
}

void Replies::stored(const Turn& turn, const ReplyTo& to, bool is_stored) {
  send(turn, to, node_.dialect.traits().stored_size, [&](MutableBytes out) {
    return node_.dialect.encode_stored(out, to.transaction, node_.self, is_stored);
  });
  node_.count(is_stored ? NodeCounter::stores_acknowledged : NodeCounter::stores_refused);
}

// An answer with contacts would deny the value, so there is none beyond the limit.
void Replies::value(const Turn& turn, const ReplyTo& to, Bytes value) {
  const size_t size = node_.dialect.value_size(value.size());
  send(turn, to, size, [&](MutableBytes out) -> size_t {
    if (!may_send(turn, to, size, NodeCounter::limited_values)) return 0;
    node_.count(NodeCounter::values_served);
    return node_.dialect.encode_value(out, to.transaction, node_.self, value);
  });
}

// Beyond the limit some contacts are better than none: silence would cost a Python peer 5 s, and us
// our place in its table.
void Replies::contacts(const Turn& turn, const ReplyTo& to,
                       std::span<const ContactHandle> contacts) {
  DCHECK(contacts.size() <= bucket_size);
  const auto encode = [&](MutableBytes out) {
    return node_.dialect.encode_contacts(out, to.transaction, node_.self, contacts, book_);
  };
  send(turn, to, node_.dialect.contacts_size_max(), [&](MutableBytes out) -> size_t {
    const size_t size = encode(out);
    if (may_send(turn, to, size, NodeCounter::limited_contacts)) return size;
    DCHECK(size > to.request_size);
    return encode(out.first(to.request_size));
  });
}

}  // namespace xord
