// The replies of a node: encodes them into the outbox, along the path by which the request came,
// and counts them. Decides nothing.
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

// Where a reply goes, and the transaction it repeats.
struct ReplyTo {
  const Path& path;
  Bytes transaction;
};

class Replies {
 public:
  // `book` is borrowed; it holds the contacts that are named.
  Replies(const NodeContext& node, const ContactBook& book) : node_(node), book_(book) {}

  void pong(const Turn& turn, const ReplyTo& to);
  // Tells `to` the endpoint we see it as.
  void observed(const Turn& turn, const ReplyTo& to);
  void stored(const Turn& turn, const ReplyTo& to, bool is_stored);
  void value(const Turn& turn, const ReplyTo& to, Bytes value);
  // Sends as many of `contacts`, nearest first, as fit into `size_max` bytes.
  void contacts(const Turn& turn, const ReplyTo& to, std::span<const ContactHandle> contacts,
                size_t size_max = SIZE_MAX);

 private:
  // Counts the reply as sent, or that there was no room.
  template <class Encode>
  void send(const Turn& turn, const Path& path, size_t size_max, Encode&& encode);

  const NodeContext node_;
  const ContactBook& book_;
};

}  // namespace xord
