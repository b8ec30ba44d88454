// The replies of a node: encodes them into the outbox, along the path that the request came by, and
// counts them. Decides nothing.
#pragma once

#include <span>

#include "node/node_context.h"
#include "node/routing/contact_book.h"
#include "node/turn.h"
#include "node/wire/message.h"
#include "reactor/base/bytes.h"
#include "reactor/base/datagram.h"

namespace xord {

// Where a reply goes, and what it repeats.
struct ReplyTo {
  const Path& path;
  Bytes transaction;
};

class Replies {
 public:
  // `book` is borrowed: the contacts that are named.
  Replies(const NodeContext& node, const ContactBook& book) : node_(node), book_(book) {}

  void pong(const Turn& turn, const ReplyTo& to);
  // What `to` is seen as.
  void observed(const Turn& turn, const ReplyTo& to);
  void stored(const Turn& turn, const ReplyTo& to, bool is_stored);
  void value(const Turn& turn, const ReplyTo& to, Bytes value);
  void contacts(const Turn& turn, const ReplyTo& to, std::span<const ContactHandle> contacts);
  // How many of `contacts` fit into a reply of `size_max` bytes.
  size_t count_fitting(std::span<const ContactHandle> contacts, size_t size_max) const;

 private:
  template <class Encode>
  void send(const Turn& turn, const Path& path, size_t size_max, Encode&& encode);
  // Room for a reply, empty and counted when there is none; then the reply is sent from it.
  MutableBytes buffer(const Turn& turn, size_t size_max);
  void commit(const Turn& turn, const Path& path, size_t size);
  // The contact's encoded tail: kept, or put into `rendered`.
  Bytes tail_of(ContactHandle contact, MutableBytes rendered) const;

  const NodeContext node_;
  const ContactBook& book_;
};

}  // namespace xord
