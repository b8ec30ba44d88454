// Requests from unproven sources, kept while their source is pinged: served in full when it
// answers, dropped silently after held_lifetime (docs/DECISIONS.md, "A request of an unproven
// source waits for a ping"). Sends nothing: it says when a ping is due. Every pool is fixed, one
// source holds only a few, one ping per source is in flight at a time, and pings to a source prefix
// are paced.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/admission/amplification.h"
#include "node/budget.h"
#include "reactor/base/datagram.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/instant.h"

namespace xord {

enum class HoldResult : uint8_t {
  held_and_ping,        // Held; ping the source now. The ping has been paid from the budget.
  held_already_pinged,  // Held; the source's ping is in flight.
  refused_full,         // No source, no slot, or this source holds its share: answer within bounds.
  refused_paced,        // Its prefix had enough pings for now: answer within bounds.
  refused_unpayable,    // The ping would exceed the amplification bound: answer within bounds.
  count
};

class HeldRequests {
 public:
  // `ping_size`: bytes of our ping as a datagram. `seed` is a secret.
  HeldRequests(const Budget& budget, size_t ping_size, uint64_t seed);

  // Keeps a copy of `in`, at most held_large_size bytes (else refused_full). `budget` is that of
  // this datagram. Requests that advance() has not yet dropped take room, and are served like the
  // rest.
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
  uint32_t held_count() const { return small_.taken_count() + large_.taken_count(); }

 private:
  template <uint32_t slot_size>
  struct Slot {
    Path path;
    uint32_t size = 0;
    std::array<uint8_t, slot_size> bytes;
  };
  enum class SlotKind : uint8_t { small, large };
  struct Held {
    SlotKind kind{};
    PoolHandle handle;
    Instant came;
  };
  struct Source {
    Endpoint endpoint;
    Instant drop_at;
    PoolHandle older;  // In the order of pings, which is the order of dropping.
    PoolHandle newer;
    uint32_t chain = UINT32_MAX;  // Next source of the same hash bucket.
    uint32_t held_count = 0;
    std::array<Held, held_per_source_max> held;
  };

  std::optional<PoolHandle> find(const Endpoint& endpoint) const;
  std::optional<Held> keep(Instant now, const Datagram& in);
  template <class Pool>
  static std::optional<PoolHandle> copy_into(Pool& pool, const Datagram& in);
  void give_back(const Held& held);
  Datagram datagram(const Held& held) const;
  HoldResult hold_first(Instant now, const Datagram& in, ReplyBudget& budget);
  bool add_to(Source& source, Instant now, const Datagram& in);
  void attach(PoolHandle handle);
  // Removes the source from every list and from its pool; the caller must give back what it held.
  Source detach(PoolHandle handle);
  size_t bucket_of(const Endpoint& endpoint) const;

  size_t ping_size_;
  uint64_t seed_;
  Duration ping_interval_;  // Between pings to one prefix, on average.
  FixedPool<Source> sources_;
  FixedPool<Slot<held_small_size>> small_;
  FixedPool<Slot<held_large_size>> large_;
  std::vector<uint32_t> buckets_;        // Sources by endpoint; a power of two buckets.
  std::vector<Instant> prefix_paid_to_;  // GCRA: the time up to which a prefix has used its pings.
  PoolHandle oldest_;
  PoolHandle newest_;
};

template <class Serve>
uint32_t HeldRequests::release(const Endpoint& source, Serve&& serve) {
  const auto handle = find(source);
  if (!handle) return 0;
  const Source detached = detach(*handle);  // First, so that `serve` finds a consistent table.
  for (uint32_t i = 0; i < detached.held_count; ++i) {
    serve(datagram(detached.held[i]), detached.held[i].came);
    give_back(detached.held[i]);
  }
  return detached.held_count;
}

}  // namespace xord
