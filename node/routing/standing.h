// Standing: what an answer may do with a filed contact. The owner of the contact's bucket decides
// it (RoutingTable) and tells every shard of each change (ContactReplica).
#pragma once

#include <cstdint>

namespace xord {

enum class Standing : uint8_t {
  // Not named. It failed twice, stayed silent when it was asked before an answer, or was restored
  // and its answer is too old.
  silent,
  // Named only if it answers a ping first: too young to be relied on (paper 2.2: who has been up
  // long stays up), restored, or its last call failed.
  awaited,
  // Named at once, and pinged: its last answer is old for its age.
  doubted,
  // Named at once.
  trusted,
};

}  // namespace xord
