// Messages between the shards of one node: plain data, one frame each (reactor/base/frames.h),
// through bounded mailboxes in production and through a loop in tests. Every struct begins with its
// kind and its network, which ShardLink fills in (node/shard_link.h). The driver may drop a
// datagram; it delivers every other message, in order: a replica that missed a change would answer
// wrongly until the next one. Messages about contacts, regions and sources are in node/routing/,
// node/replication/ and node/calls/.
#pragma once

#include <cstdint>

#include "reactor/base/datagram.h"
#include "storage/operation.h"

namespace xord {

enum class ShardMessageKind : uint8_t {
  datagram,         // DatagramMessage, then the datagram: it belongs to you.
  evidence,         // EvidenceMessage: what I learned about a contact whose bucket is yours.
  contact_wanted,   // ContactWantedMessage: an answer names a contact of yours, or awaits it.
  contact_changed,  // ContactChangedMessage: a change to a contact in a bucket of mine.
  proven,           // ProvenMessage: this source answered a transaction.
  region_wanted,    // RegionWantedMessage: a record of mine is due, and the bucket is yours.
  region,           // RegionMessage: the nodes of a region, for all that is due in it.
  source_called,    // SourceCalledMessage: I called this source, whose shard you are.
  source_asked,     // SourceAskedMessage: a request came from it, and I had not called it.
};

struct ShardMessage {
  ShardMessageKind kind{};
  NetworkIndex network = 0;
};

struct DatagramMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::datagram;
  ShardMessage message;
  Path path;
};

}  // namespace xord
