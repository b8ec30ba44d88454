// Naming: which contacts xord nodes name in their answers, how long those answers waited, and which
// pings they caused. Compares each answer to find_node and find_value that names contacts with the
// hosts that are up at that moment. Observes datagrams from outside, and tables and counters, and
// changes nothing. Bounded: it follows at most open_max requests per host at a time, and compares
// one answer in table_every with the table.
#pragma once

#include <array>
#include <vector>

#include "node/wire/message.h"
#include "tools/sim/world.h"

namespace xord::sim {

// The waiting times of answers; most of them are zero.
class Waits {
 public:
  void add(Duration wait);
  void add(const Waits& others);
  uint64_t count() const { return count_; }
  double mean() const;  // All results are in seconds.
  double max() const { return max_; }
  double quantile(double share) const;

 private:
  uint64_t count_ = 0;
  double sum_ = 0;
  double max_ = 0;
  std::vector<float> waited_;  // Nonzero waits only.
};

// The purposes of pings by the nodes' own counters; a new purpose is one line here.
struct PingCounter {
  const char* name;
  NodeCounter counter;
};
constexpr PingCounter ping_counters[] = {
    {"of_newcomers", NodeCounter::pings_of_newcomers},
    {"before_eviction", NodeCounter::pings_before_eviction},
    {"of_upkeep", NodeCounter::pings_of_upkeep},
    {"of_silent", NodeCounter::pings_of_silent},
    {"of_named", NodeCounter::pings_of_named},
};
using PingCounts = std::array<uint64_t, std::size(ping_counters)>;

struct NamingCounts {
  uint64_t answers = 0;       // Answers of contacts, possibly of none.
  uint64_t named = 0;         // Contacts named in them.
  uint64_t down = 0;          // Contacts named while no node was up at their endpoint.
  uint64_t other_id = 0;      // Contacts named while a node with another id was up there.
  uint64_t compared = 0;      // Answers that were compared with the table.
  uint64_t living = 0;        // Sum of the k nearest contacts in those tables that were up.
  uint64_t living_named = 0;  // Those of them that were named.
  Waits waits;                // From the request's arrival to the answer.
  Waits served_waits;         // The same, but from the proof of a source that was held for it.
  PingCounts pings{};
  uint64_t pings_sent = 0;       // All pings.
  uint64_t pings_admitting = 0;  // Pings to the source of the request that came in.
  uint64_t pings_to_down = 0;    // Pings to endpoints where no node is up, for any purpose.

  void add(const NamingCounts& others);
  // Bootstrap pings and repeated pings.
  uint64_t other_pings() const;
};

class Naming : public Watcher {
 public:
  explicit Naming(World& world) : world_(world), dialect_(world.dialect()) {
    world.add_watcher(*this);
  }

  // The counts over all answers since the last take().
  NamingCounts take();

  void turn_begins(uint32_t host, const Datagram* datagram) override;
  void sent(uint32_t host, const Endpoint& to, Bytes bytes) override;
  void turn_ends(uint32_t host) override;
  void finished(uint32_t, const OperationResult&, Bytes) override {}
  void went_down(uint32_t host, Storage storage) override;

 private:
  struct Open {  // A request that may be answered.
    Endpoint source;
    WireTransaction transaction;
    Method method{};
    Id target;
    Instant arrived;
    Instant servable;      // The same, or when its source was proven if it was held for that.
    bool is_held = false;  // Whether it still waits for that proof.
  };
  // The counters of the acting node for requests of unproven sources, before its turn.
  struct Turn {
    const Datagram* datagram = nullptr;  // The datagram that caused the turn, or null.
    bool is_reply = false;
    uint64_t held = 0;
    uint64_t released = 0;
  };

  std::vector<Open>& open_at(uint32_t host);
  void request_arrives(std::vector<Open>& open, const Datagram& datagram);
  void reply_arrives(std::vector<Open>& open, const Endpoint& source);
  void request_leaves(uint32_t host, const Endpoint& to, Bytes bytes);
  void answer_leaves(uint32_t host, const Open& asked, const Reply& reply);
  void compare_with_table(uint32_t host, const Open& asked, const Reply& reply);
  bool is_up(const Endpoint& endpoint) const;
  bool lives(const Contact& contact) const;
  PingCounts pings_counted() const;

  World& world_;
  const Dialect& dialect_;
  std::vector<std::vector<Open>> open_;  // By host.
  Turn turn_;
  PingCounts pings_of_ended_{};  // Counted by runs of nodes that have ended.
  PingCounts pings_taken_{};     // Already reported by take(), over all runs.
  NamingCounts counts_;
};

}  // namespace xord::sim
