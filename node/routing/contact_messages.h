// Messages about contacts between the shards of one node (node/shard_message.h).
#pragma once

#include <cstdint>

#include "node/contact.h"
#include "node/routing/routing_table.h"
#include "node/shard_message.h"
#include "reactor/base/endpoint.h"

namespace xord {

// What the owner of a contact's bucket is told about it.
enum class Learnt : uint8_t {
  heard,      // `evidence` says how.
  failed,     // A call to it expired, or its answer was malformed.
  displaced,  // Another id now lives at its endpoint.
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

struct ProvenMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::proven;
  ShardMessage message;
  Endpoint source;
};

}  // namespace xord
