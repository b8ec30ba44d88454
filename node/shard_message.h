// What the shards of one node tell each other: plain data, one frame each (reactor/base/frames.h),
// through bounded mailboxes in production and through a loop in tests. Every struct begins with its
// kind and its network, which Node::tell() fills in. The composition
// may drop a datagram; every other message it delivers, in order: a replica that missed a change
// would answer wrongly until the next one.
#pragma once

#include <cstdint>

#include "node/contact.h"
#include "node/replication/region.h"
#include "node/routing/routing_table.h"
#include "reactor/base/datagram.h"
#include "storage/operation.h"

namespace xord {

enum class ShardMessageKind : uint8_t {
  datagram,         // DatagramMessage, then the datagram: it belongs to you.
  evidence,         // EvidenceMessage: what I learnt about a contact whose bucket is yours.
  contact_wanted,   // ContactWantedMessage: an answer names a contact of yours, or awaits it.
  contact_changed,  // ContactChangedMessage: what became of a contact in a bucket of mine.
  proven,           // ProvenMessage: this source answered a transaction.
  region_wanted,    // RegionWantedMessage: a record of mine is due, and the bucket is yours.
  region,           // RegionMessage: the nodes of a region, for all that is due in it.
};

struct ShardMessage {
  ShardMessageKind kind{};
  NetworkIndex network = 0;
};

// What the owner of a contact's bucket is told of it.
enum class Learnt : uint8_t {
  heard,      // `evidence` says how.
  failed,     // A transaction with it reached 5 s.
  displaced,  // Another id lives at its endpoint.
};

struct DatagramMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::datagram;
  ShardMessage message;
  Path path;
};

struct EvidenceMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::evidence;
  ShardMessage message;
  Learnt learnt{};
  Evidence evidence{};  // Learnt::heard only.
  Contact contact;
};

struct ContactWantedMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::contact_wanted;
  ShardMessage message;
  Contact contact;
};

struct ContactChangedMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::contact_changed;
  ShardMessage message;
  ContactChange change;
};

struct RegionWantedMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::region_wanted;
  ShardMessage message;
  Id key;
};

struct RegionMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::region;
  ShardMessage message;
  Region region;
};

struct ProvenMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::proven;
  ShardMessage message;
  Endpoint source;
};

}  // namespace xord
