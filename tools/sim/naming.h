// Naming: whom xord nodes name in their answers, how long those waited, and what was pinged for it.
// Compares each answer to find_node and find_value that names contacts with who is up at that
// moment. Looks at datagrams from outside and into tables and counters, and changes nothing.
// Bounded: open_max requests a host are followed at a time, and one answer in table_every is
// compared with the table.
#pragma once

#include <array>
#include <vector>

#include "node/wire/message.h"
#include "tools/sim/world.h"

namespace xord::sim {

// Waits of answers; most of them are none at all.
class Waits {
 public:
  void add(Duration wait);
  void add(const Waits& others);
  uint64_t count() const { return count_; }
  double mean() const;  // In seconds, as the others.
  double max() const { return max_; }
  double quantile(double share) const;

 private:
  uint64_t count_ = 0;
  double sum_ = 0;
  double max_ = 0;
  std::vector<float> waited_;  // Those above 0.
};

// What nodes ping for, by their own counters; a new one is a line here.
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
  uint64_t answers = 0;   // With contacts, or that there are none.
  uint64_t named = 0;     // Contacts in them...
  uint64_t down = 0;      // ...with nobody up at the endpoint...
  uint64_t other_id = 0;  // ...or a node of another id.
  uint64_t compared = 0;  // Answers that were compared with the table:
  uint64_t living = 0;    // the k nearest that are filed and live there...
  uint64_t living_named = 0;
  Waits waits;         // From the request's arrival to the answer...
  Waits served_waits;  // ...or from the proof of its source, if it was held for that.
  PingCounts pings{};
  uint64_t pings_sent = 0;       // All, and of them...
  uint64_t pings_admitting = 0;  // ...to the source of the request that came in...
  uint64_t pings_to_down = 0;    // ...and to where nobody is up, whatever for.

  void add(const NamingCounts& others);
  // Bootstrap pings, and those that were sent once more.
  uint64_t other_pings() const;
};

class Naming : public Watcher {
 public:
  explicit Naming(World& world) : world_(world) { world.add_watcher(*this); }

  // Of all answers since the last take().
  NamingCounts take();

  void turn_begins(uint32_t host, const Datagram* datagram) override;
  void sent(uint32_t host, const Endpoint& to, Bytes bytes) override;
  void turn_ends(uint32_t host) override;
  void finished(uint32_t, const OperationResult&, Bytes) override {}
  void went_down(uint32_t host, Storage storage) override;

 private:
  struct Open {  // A request that may be answered.
    Endpoint source;
    Transaction transaction{};
    Method method{};
    Id target;
    Instant arrived;
    Instant servable;      // Or when its source was proven, if it was held for that...
    bool is_held = false;  // ...and still is.
  };
  // What the node of the turn had counted before, of requests of unproven sources.
  struct Turn {
    const Datagram* datagram = nullptr;  // What arrived, if that is why it acts.
    bool is_reply = false;
    uint64_t held = 0;
    uint64_t released = 0;
    uint64_t refused = 0;
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
  std::vector<std::vector<Open>> open_;  // By host.
  Turn turn_;
  PingCounts pings_of_ended_{};  // Counted by runs of nodes that have ended...
  PingCounts pings_taken_{};     // ...and what was taken of all.
  NamingCounts counts_;
};

}  // namespace xord::sim
