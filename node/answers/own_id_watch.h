// Our own id seen elsewhere: is an endpoint with our id one of our own, or a node with a copy of
// our data directory? A ping finds out, because a ping to ourselves comes back to us, whether by
// another of our addresses or through a peer that returns whatever it receives. Reports the finding
// as a notice.
#pragma once

#include "node/admission/own_id_checks.h"
#include "node/calls/requester.h"
#include "node/node_context.h"
#include "node/notice.h"
#include "node/routing/contacts.h"
#include "node/turn.h"
#include "node/wire/message.h"

namespace xord {

class OwnIdWatch {
 public:
  // All but `node` are borrowed.
  OwnIdWatch(const NodeContext& node, Requester& requester, Contacts& contacts,
             NodeNotices& notices)
      : node_(node), requester_(requester), contacts_(contacts), notices_(notices) {}

  // `request` names our own id as its sender. True if it needs no further handling. `may_ping`:
  // whether a ping may be sent because of it.
  bool receive(const Turn& turn, const Datagram& datagram, const Request& request, bool may_ping);
  // The reply of `namer` may name our own id.
  void look_for_own_id(const Turn& turn, const Reply& reply, const Endpoint& namer);
  // A stranger at `path` has proven itself, with our own id: pings it by a call, which shows
  // whether the ping comes back.
  void found(const Turn& turn, const Path& path);
  // A ping was answered with our own id.
  void answered(Instant now, const Outcome& outcome);

 private:
  bool ping(const Turn& turn, const Endpoint& to, const LocalAddress& local = {});

  const NodeContext node_;
  Requester& requester_;
  Contacts& contacts_;
  NodeNotices& notices_;
  OwnIdChecks checks_;
};

}  // namespace xord
