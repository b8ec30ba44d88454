// The replies of a node: encodes them into the outbox, along the path that the request came by, and
// counts them. Decides nothing.
#pragma once

#include <cstdint>
#include <span>

#include "node/contact_book.h"
#include "node/node_context.h"
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
  // As many of `contacts`, nearest first, as fit into `size_max` bytes.
  void contacts(const Turn& turn, const ReplyTo& to, std::span<const ContactHandle> contacts,
                size_t size_max = SIZE_MAX);

 private:
  // Counts when there is no room, or that it was sent.
  template <class Encode>
  void send(const Turn& turn, const Path& path, size_t size_max, Encode&& encode);

  const NodeContext node_;
  const ContactBook& book_;
};

}  // namespace xord
