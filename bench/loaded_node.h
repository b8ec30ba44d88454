// A whole node of one shard for benchmarks: a table full of contacts, records in memory, and
// senders, each proven by a pong of its own and old enough to be named without a ping. It takes one
// request at a time from datagram in to datagram out, without a kernel. Time is virtual: five
// microseconds a request.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "node/contact_book.h"
#include "node/node_shard.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/datagram.h"
#include "reactor/base/frames.h"
#include "reactor/base/rng.h"
#include "storage/store.h"
#include "tools/load/key_space.h"
#include "tools/load/reply_check.h"

namespace xord {

struct LoadedNodeShape {
  uint32_t contacts = 1'000;
  uint32_t records = 0;        // Of 100 bytes each, in memory.
  uint32_t senders = 16;       // The first senders are contacts too, as far as there are contacts.
  uint32_t near_bits = 0;      // Keys share this many leading bits with the node's id.
  bool zipf = false;           // Keys by Zipf's law, else uniform.
  Duration id_change_every{};  // 0: never. Else one sender after another takes a new id.

  // Keys near our id, popular ones, senders that the table does not know, ids that change.
  static LoadedNodeShape unfriendly() {
    LoadedNodeShape shape;
    shape.senders = 10'000;
    shape.near_bits = 12;
    shape.zipf = true;
    shape.id_change_every = milliseconds(10);
    return shape;
  }
};

class LoadedNode {
 public:
  explicit LoadedNode(const LoadedNodeShape& shape);

  // Prepares the next request of `kind` in place and returns it; a tenth of what receive() costs.
  Datagram next(RequestKind kind);
  // Delivers it; every 64 requests, a turn, does what is due; answers the node's pings. Returns the
  // bytes of the answer; 0: none.
  size_t receive(const Datagram& datagram);

 private:
  struct Ping {  // A ping from the node, to be answered.
    Endpoint source;
    Transaction transaction;
  };
  struct Sender {
    Id id;
    Endpoint endpoint;
  };

  void fill_table();
  void load_records();
  void prove_senders();
  void let_contacts_grow_old();
  const Id* id_at(const IpAddress& address) const;  // Null: no node has this address.
  void change_an_id();
  uint64_t draw_key() { return keys_.draw(rng_); }
  // Answers pings in the outbox; returns the bytes of the last reply.
  size_t take_datagrams();
  size_t answer_pings(size_t count);
  void complete_stores();
  Outputs outputs() { return {datagrams_, messages_, storage_, results_}; }

  LoadedNodeShape shape_;
  Rng rng_{1};
  Id self_;
  Instant now_;
  Instant id_change_at_;
  std::unique_ptr<ContactBook> book_;
  std::unique_ptr<NodeShard> shard_;
  KeySpace space_;
  NumberDraw keys_;
  std::vector<Sender> senders_;
  std::vector<Id> others_;  // Contacts that send no requests.
  uint32_t sender_ = 0;
  uint32_t changed_ = 0;
  uint64_t ids_drawn_ = 0;
  uint64_t stores_ = 0;
  uint64_t requests_ = 0;
  std::array<Ping, 64> pings_;
  std::array<uint8_t, 512> request_{};
  Outbox datagrams_{1'024, 1 << 20};
  FrameOutbox messages_{1'024, 1 << 18};
  FrameOutbox storage_{1'024, 1 << 20};
  FrameOutbox results_{64, 1 << 20};
};

}  // namespace xord
