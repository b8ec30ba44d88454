// Standing: how an answer may treat a filed contact. The owner of the contact's bucket decides it
// (RoutingTable) and tells every shard of each change (ContactReplica).
#pragma once

#include <cstdint>

namespace xord {

enum class Standing : uint8_t {
  // Not named. It failed twice, did not answer a ping sent before an answer, or was restored and
  // its last answer is too old.
  silent,
  // Named only if it answers a ping first: too young to be relied on (paper 2.2: the longer up, the
  // likelier to stay up), restored, or its last call failed.
  awaited,
  // Named at once, and pinged: its last answer is old for its uptime.
  doubted,
  // Named at once.
  trusted,
};

}  // namespace xord
