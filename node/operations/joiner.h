// Joining a network (paper 2.3, checklist 32): pings the bootstrap endpoints, looks up our own id
// among those that answered, then refreshes every range farther away than the nearest neighbour.
// Then it looks up our own id again from time to time: otherwise nodes that joined at the same time
// would be unknown to their neighbours.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "node/calls/requester.h"
#include "node/lookup/lookups.h"
#include "node/node_context.h"
#include "node/operations/company.h"
#include "node/operations/join_state.h"
#include "node/operations/operations.h"
#include "node/routing/contacts.h"
#include "node/turn.h"
#include "reactor/base/check.h"
#include "reactor/base/rng.h"

namespace xord {

class Joiner {
 public:
  // All but `node` are borrowed.
  Joiner(const NodeContext& node, Requester& requester, Contacts& contacts, Lookups& lookups,
         Operations& operations, NodeNotices& notices, Rng& rng, Instant start);

  // As Node::join().
  void join(const Turn& turn, OperationId id, std::span<const Endpoint> endpoints);
  // Takes the outcome of a call with Purpose::bootstrap.
  void take(const Turn& turn, const Outcome& outcome);
  // The lookup of our own id has finished.
  void looked_up(const Turn& turn, const Lookup& lookup);
  // A refresh of a farther bucket has finished.
  void refreshed() {
    CHECK(state_.refreshes_running > 0);
    --state_.refreshes_running;
  }
  // Starts as many refreshes as there is room for; called after each lookup that finished.
  void refresh_farther_buckets(const Turn& turn);
  void advance(const Turn& turn);
  std::optional<Instant> next_wakeup() const;
  // Called after each call of the node in which contacts may have come or gone.
  void watch_company(Instant now);

 private:
  void ping_bootstraps(const Turn& turn);
  void answered(const Turn& turn, JoinState::Ping& ping, const Contact& contact);
  void failed(const Turn& turn);
  void look_up_self(const Turn& turn);
  // No one answered: tries again later.
  void retry_later(const Turn& turn);
  // Reports to the program how its join ended, if it is waiting for that.
  void end(const Turn& turn, OperationStatus status, std::span<const Contact> contacts = {});

  const NodeContext node_;
  Requester& requester_;
  Contacts& contacts_;
  Lookups& lookups_;
  Operations& operations_;
  Rng& rng_;
  JoinState state_;
  Company company_;
};

}  // namespace xord
