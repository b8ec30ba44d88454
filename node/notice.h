// What a node has to report to the person who reads the log: plain data, which the caller puts into
// words. No notice is made for each datagram: every kind says how often it occurs.
#pragma once

#include <array>
#include <cstdint>

#include "node/charge.h"
#include "node/contact.h"
#include "node/wire/message.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"
#include "storage/operation.h"

namespace xord {

enum class NoticeKind : uint8_t {
  // There are contacts, for the first time or again. `count` nodes answered, `lasted` after joining
  // began; `contact` was the first to answer, or has port 0: others found us. Reported once until
  // the node is alone again.
  joined,
  // All `count` addresses of a round of join pings failed to answer, `lasted` after joining began.
  // Reported at growing intervals (node/operations/join_state.h).
  nobody_answered,
  // No contact answers any more; `count` silent ones are still filed. Reported once until joined.
  alone_again,
  // A bootstrap address is one of our own. Reported once per address.
  own_address,
  // Another node at `contact` has our id: it answered a ping with it, and that ping did not reach
  // us. Reported at most every ten minutes per address.
  own_id_elsewhere,
  // A request other than a ping came from `contact`, which had answered nothing before and then
  // answered our ping: strangers can reach us. Reported once per shard.
  first_request,
  // A limit was reached by the sources in `prefix`, and this shard refuses them something (`charge`
  // is what came first). A prefix that holds others takes their place. At most limits_watched are
  // reported at a time, each for at least a minute (node/admission/limit_watch.h).
  limit_began,
  // Nothing was refused to `prefix` for a minute: `count` refusals, `lasted` from the first to the
  // last.
  limit_ended,
  // The shard is behind, and of what `prefix` sends `count` per cent are now dropped before anyone
  // sees them. At most four in 50 ms, each until its end.
  source_thinned,
  // All of `prefix`'s datagrams pass again, after `lasted`. Only of those reported before.
  source_restored,
};

struct NodeNotice {
  NoticeKind kind{};
  NetworkIndex network = 0;
  Method method{};  // first_request only.
  uint32_t count = 0;
  Duration lasted;
  Contact contact;
  Subnet prefix;    // limit_began, limit_ended, source_thinned, source_restored only.
  Charge charge{};  // limit_began only.
};

// The notices of one call of a node, which the caller takes afterwards. A notice that finds no room
// is dropped: with so few occasions, it can only be a repetition.
class NodeNotices {
 public:
  static constexpr uint32_t notices_max = 16;
  void push(const NodeNotice& notice) {
    if (count_ < notices_.size()) notices_[count_++] = notice;
  }
  bool is_empty() const { return count_ == 0; }
  // Calls visit(const NodeNotice&) for each, oldest first, and forgets them.
  template <class Visit>
  void take(Visit&& visit) {
    for (uint32_t i = 0; i < count_; ++i) visit(notices_[i]);
    count_ = 0;
  }

 private:
  std::array<NodeNotice, notices_max> notices_;
  uint32_t count_ = 0;
};

}  // namespace xord
