// What a node has to say that a person wants to read in the log: plain data, for whoever drives the
// node to put into words. Nothing here is said for each datagram: each kind says how often it
// comes.
#pragma once

#include <array>
#include <cstdint>

#include "node/contact.h"
#include "node/wire/message.h"
#include "reactor/base/instant.h"
#include "storage/operation.h"

namespace xord {

enum class NoticeKind : uint8_t {
  // Contacts are there again, or for the first time. `count` nodes answered, `lasted` since joining
  // began; `contact` was the first to answer, or has port 0: others found us. Once until alone.
  joined,
  // All `count` addresses of a round of join pings were silent, `lasted` since joining began. At
  // growing intervals, as node/operations/join_state.h says.
  nobody_answered,
  // No contact answers any more; `count` silent ones are still filed. Once until joined.
  alone_again,
  // A bootstrap address is one of our own. Once an address.
  own_address,
  // Another node at `contact` has our id: it answered a ping with it, and that ping did not reach
  // us. Every ten minutes at most for an address.
  own_id_elsewhere,
  // A request other than a ping came from `contact`, which had answered nothing before and then
  // answered our ping: strangers reach us. Once a shard.
  first_request,
};

struct NodeNotice {
  NoticeKind kind{};
  NetworkIndex network = 0;
  Method method{};  // first_request only.
  uint32_t count = 0;
  Duration lasted;
  Contact contact;
};

// The notices of one call of a node, which the caller takes after it. What finds no room is
// dropped: with so few occasions it is repetition.
class NodeNotices {
 public:
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
  std::array<NodeNotice, 8> notices_;
  uint32_t count_ = 0;
};

}  // namespace xord
