// Requests from peers: which may be served, and by which part. A datagram is handled completely
// here or kept in a bounded pool; replies go only along the path by which the request came. Owns
// the requests that are held until their source has proven itself.
#pragma once

#include <cstdint>
#include <optional>

#include "node/admission/amplification.h"
#include "node/admission/held_requests.h"
#include "node/admission/work_shares.h"
#include "node/answers/named_answers.h"
#include "node/answers/own_id_watch.h"
#include "node/answers/record_service.h"
#include "node/answers/replies.h"
#include "node/calls/requester.h"
#include "node/node_context.h"
#include "node/notice.h"
#include "node/routing/contacts.h"
#include "node/turn.h"

namespace xord {

class Responder {
 public:
  // All but `node` are borrowed.
  Responder(const NodeContext& node, Requester& requester, Contacts& contacts, Replies& replies,
            NamedAnswers& named, RecordService& records, OwnIdWatch& own_ids, WorkShares& work,
            NodeNotices& notices);

  // A datagram that is not a reply.
  void receive(const Turn& turn, const Datagram& datagram);
  // `source` has proven itself by answering a call with this purpose (empty: a call of another
  // shard): serves the requests held for it.
  void release(const Turn& turn, const Endpoint& source, std::optional<Purpose> answered);
  // Drops requests held for too long.
  void advance(Instant now);
  std::optional<Instant> next_wakeup() const { return held_.next_wakeup(); }

  uint32_t held_sources_count() const { return held_.sources_count(); }
  uint32_t held_count() const { return held_.held_count(); }
  uint32_t held_count(const IpAddress& address) const { return held_.held_count(address); }
  void check_invariants() const {
    held_.check_invariants();
    named_.check_invariants();
  }

 private:
  // Answers at once and never pings back: the pong has 43 bytes, the ping 50.
  void answer_ping(const Turn& turn, const Datagram& datagram, const Request& request);
  // How much may be sent back to the unproven source of `datagram`.
  ReplyBudget budget_of(const Datagram& datagram) const;
  // Whether the request may be served now; if not, it was held or dropped, and its source pinged if
  // it is not already.
  bool admit(const Turn& turn, const Datagram& datagram, const Request& request);
  // `came`: now, or when the request was held.
  void serve(const Turn& turn, const Datagram& datagram, const Request& request, Instant came);
  void tell_first_request(const Datagram& datagram, const Request& request);

  const NodeContext node_;
  Requester& requester_;
  Contacts& contacts_;
  Replies& replies_;
  NamedAnswers& named_;
  RecordService& records_;
  OwnIdWatch& own_ids_;
  WorkShares& work_;
  NodeNotices& notices_;
  HeldRequests held_;
  bool has_told_request_ = false;
};

}  // namespace xord
