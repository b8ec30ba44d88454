// Requests from unproven sources, kept while their source is pinged: served in full when it
// answers, dropped silently after held_lifetime (docs/DECISIONS.md, "A request of an unproven
// source waits for a ping"). Sends nothing: it says when a ping is due. What cannot be held is
// pinged for all the same, so that its source is served when it asks again.
//
// Fixed size: slots of three sizes, each with its own queue. When a queue is full, one of its
// oldest requests makes room, that of the source whose prefixes held most lately
// (docs/DECISIONS.md, "The newest stranger is held, and who held most makes room"). One source
// holds only a few requests, and while it holds any it is not pinged again.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "node/admission/amplification.h"
#include "node/admission/ledger.h"
#include "node/budget.h"
#include "reactor/base/datagram.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/instant.h"

namespace xord {

struct HoldResult {
  bool is_held = false;
  bool should_ping = false;  // Ping the source now. The ping has been paid from the budget.
  uint32_t displaced = 0;    // Requests of others that made room.
};

class HeldRequests {
 public:
  // `ping_size`: bytes of our ping as a datagram. `seed` is a secret. `ledger` is borrowed: it is
  // charged for each held request, Charge::held, by the 512 bytes.
  HeldRequests(const Budget& budget, size_t ping_size, uint64_t seed, Ledger& ledger);

  // Keeps a copy of `in`, unless it is larger than held_large_size, or its source holds its share.
  // `budget` is that of this datagram; a new source is held only if it pays for the ping. Requests
  // that advance() has not yet dropped take room, and are served like the rest.
  HoldResult hold(Instant now, const Datagram& in, ReplyBudget& budget);
  // `source` answered: calls serve(const Datagram&, Instant came) for each held datagram, in order
  // of arrival; the datagram lives for the duration of that call. Returns how many. `serve` may
  // hold and release other requests.
  template <class Serve>
  uint32_t release(const Endpoint& source, Serve&& serve);
  // Drops what `source` holds, for instance because the ping could not be sent. Returns how many.
  uint32_t drop(const Endpoint& source);
  // Drops requests that are too old. Returns how many.
  uint32_t advance(Instant now);
  // When advance() next has work; empty when nothing is held.
  std::optional<Instant> next_wakeup() const;

  // For tests and the simulator: aborts if an invariant is broken. Visits every source.
  void check_invariants() const;

  uint32_t sources_count() const { return sources_.taken_count(); }
  uint32_t held_count() const;
  // For reports: of the sources at `address`. Visits every source.
  uint32_t held_count(const IpAddress& address) const;

 private:
  static constexpr uint32_t none = UINT32_MAX;
  static constexpr uint32_t classes_count = 3;
  // Of the oldest of a queue, this many are compared: it ages in order, and prefixes that hold much
  // are among any few.
  static constexpr uint32_t compared_max = 8;

  struct Request {
    LocalAddress local;
    Instant came;
    uint32_t size = 0;
    uint32_t source = none;          // Index in sources_.
    uint32_t next_of_source = none;  // In the order of arrival.
    uint32_t older = none;           // In its queue.
    uint32_t newer = none;           // In its queue, or in the list of free slots.
  };
  // The slots of one size: requests_[first, first + slots), a queue of those in use.
  struct SizeClass {
    uint32_t slot_size = 0;
    uint32_t first = 0;
    uint32_t slots = 0;
    uint64_t bytes_at = 0;  // Of the first slot, in bytes_.
    uint32_t oldest = none;
    uint32_t newest = none;
    uint32_t free = none;
    uint32_t taken = 0;
  };
  struct Source {
    Endpoint endpoint;
    Instant drop_at;
    PoolHandle older;  // In the order of pings, which is the order of dropping.
    PoolHandle newer;
    uint32_t chain = none;  // Next source of the same hash bucket.
    uint32_t first = none;  // Its requests, oldest first.
    uint32_t last = none;
    uint32_t held_count = 0;
  };

  std::optional<PoolHandle> find(const Endpoint& endpoint) const;
  const SizeClass* class_for(size_t size) const;
  SizeClass& class_of(uint32_t request);
  const SizeClass& class_of(uint32_t request) const;
  uint8_t* bytes_of_slot(uint32_t request) const;
  Datagram datagram(const Source& source, uint32_t request) const;

  // A free slot of `kind`; a request of another source than `keep` may make room for it. none: all
  // that might are of that one.
  uint32_t take_slot(Instant now, SizeClass& kind, const Endpoint& keep, uint32_t* displaced);
  uint32_t request_to_displace(Instant now, const SizeClass& kind, const Endpoint& keep) const;
  void displace(uint32_t request);
  void give_back(uint32_t request);
  void copy_in(Instant now, const Datagram& in, uint32_t request);
  void append(PoolHandle source, uint32_t request);
  void leave_queue(uint32_t request);

  PoolHandle attach(Instant now, const Endpoint& endpoint);
  // Takes the source out of every list and of its pool, and its requests out of their queues; the
  // caller must give these back.
  Source detach(PoolHandle handle);
  size_t bucket_of(const Endpoint& endpoint) const;

  size_t ping_size_;
  uint64_t seed_;
  Ledger* ledger_;
  std::array<SizeClass, classes_count> classes_;
  std::vector<Request> requests_;
  std::unique_ptr<uint8_t[]> bytes_;  // Not written before a slot is used.
  FixedPool<Source> sources_;         // As many as requests: each has at least one.
  std::vector<uint32_t> buckets_;     // Sources by endpoint; a power of two buckets.
  PoolHandle oldest_;
  PoolHandle newest_;
};

template <class Serve>
uint32_t HeldRequests::release(const Endpoint& source, Serve&& serve) {
  const auto handle = find(source);
  if (!handle) return 0;
  const Source detached = detach(*handle);  // First, so that `serve` finds a consistent table.
  for (uint32_t request = detached.first; request != none;) {
    serve(datagram(detached, request), requests_[request].came);
    const uint32_t next = requests_[request].next_of_source;
    give_back(request);
    request = next;
  }
  return detached.held_count;
}

}  // namespace xord
