// The replies of a node: encodes them into the outbox, along the path by which the request came,
// and counts them. Decides only what the ledger refuses: a reply's bytes beyond those of its
// request are charged to the source, since it may be forged by another; when its limit is reached,
// contacts are cut to the size of the request, and other replies are left out.
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

// Where a reply goes, the transaction it repeats, and the bytes of the request as a datagram.
struct ReplyTo {
  const Path& path;
  Bytes transaction;
  size_t request_size;
};
inline ReplyTo reply_to(const Datagram& datagram, const Request& request) {
  return {datagram.path, request.transaction, datagram.bytes.size()};
}

class Replies {
 public:
  // `book` is borrowed; it holds the contacts that are named.
  Replies(const NodeContext& node, const ContactBook& book) : node_(node), book_(book) {}

  void pong(const Turn& turn, const ReplyTo& to);
  // Tells `to` the endpoint we see it as. Nothing beyond its limit.
  void observed(const Turn& turn, const ReplyTo& to);
  void stored(const Turn& turn, const ReplyTo& to, bool is_stored);
  // Nothing beyond the limit of `to`.
  void value(const Turn& turn, const ReplyTo& to, Bytes value);
  // Sends `contacts`, nearest first; beyond the limit of `to`, as many as fit into the size of its
  // request.
  void contacts(const Turn& turn, const ReplyTo& to, std::span<const ContactHandle> contacts);

 private:
  // Counts the reply as sent, or that there was no room.
  template <class Encode>
  void send(const Turn& turn, const ReplyTo& to, size_t size_max, Encode&& encode);
  // Whether a reply of `size` bytes may be sent; if so, what it has beyond its request is charged.
  // Counts it as `limited` where it is beyond the limit, in a dry run too.
  bool may_send(const Turn& turn, const ReplyTo& to, size_t size, NodeCounter limited);

  const NodeContext node_;
  const ContactBook& book_;
};

}  // namespace xord
