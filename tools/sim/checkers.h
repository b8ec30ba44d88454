// Checks from outside what must hold in every simulation, whatever goes wrong: each datagram of a
// xord node as it leaves, each request as it arrives. The first violation stops the world. It
// models what a node may believe (which sources are proven, what it was asked, what it was given to
// keep) from the datagrams alone, and never asks the node.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tools/sim/world.h"

namespace xord::sim {

struct Violation {
  Instant at;
  uint32_t host = 0;
  std::string what;
};

struct CheckerCounts {
  uint64_t datagrams = 0;
  uint64_t replies = 0;
  uint64_t unproven = 0;  // Datagrams from sources that had not proven their address.
  uint64_t values_served = 0;
  uint64_t inspections = 0;
};

class Checkers : public Watcher {
 public:
  // Without `watches` it stores violations that others found, and checks nothing itself.
  Checkers(World& world, bool watches);

  // Called when a set by `host` begins: the host may keep a copy itself, which no datagram shows.
  void note_own_copy(uint32_t host, const Id& key, Bytes value);
  // Called when `host` keeps this value published: it may keep a copy itself at each publication.
  void note_kept(uint32_t host, const Id& key, Bytes value);
  // Inspects the world and some hosts now, and aborts if a table or a store is broken.
  void inspect(uint32_t hosts);
  void violated(uint32_t host, const std::string& what);
  const std::optional<Violation>& violation() const { return violation_; }
  const CheckerCounts& counts() const { return counts_; }

  void turn_begins(uint32_t host, const Datagram* datagram) override;
  void sent(uint32_t host, const Endpoint& to, Bytes bytes) override;
  void turn_ends(uint32_t host) override;
  void finished(uint32_t, const OperationResult&, Bytes) override {}
  void went_down(uint32_t host, Storage storage) override;

 private:
  struct AskedBy {  // A request that reached the host and may be answered once.
    Endpoint source;
    Method method{};
    Id target;
    uint32_t replies_left = 0;
    bool is_ambiguous = false;
    Instant at;
  };
  struct Called {  // A request that the host sent.
    Endpoint to;
    Instant at;
  };
  struct Permit {  // Allows the host to serve this value under this key.
    uint64_t fingerprint = 0;
    Instant until;  // On the host's own time.
  };
  struct Believed {
    std::unordered_map<uint64_t, AskedBy> asked;   // By source and transaction.
    std::unordered_map<uint64_t, Called> called;   // By transaction.
    std::unordered_map<uint64_t, Instant> proven;  // By source: local time of its last answer.
    std::unordered_map<uint64_t, std::vector<Permit>> permits;  // By key, for values on the disk.
    std::unordered_set<uint64_t> kept;                          // Values, as Permit::fingerprint.
    Instant swept;
  };

  void inspect_tables(uint32_t host, const Node& node);
  void note_contact(uint32_t host, Instant local, const Endpoint& source);
  void request_arrives(uint32_t host, Instant local, const Datagram& datagram);
  void reply_arrives(uint32_t host, Instant local, const Datagram& datagram);
  void request_leaves(uint32_t host, const Endpoint& to, Bytes bytes);
  void reply_leaves(uint32_t host, const Endpoint& to, Bytes bytes);
  void check_answer(uint32_t host, const AskedBy& asked, Bytes bytes);
  void check_contacts(uint32_t host, const AskedBy& asked, const Reply& reply);
  void permit(uint32_t host, const Id& key, Bytes value, Instant until);
  bool is_proven(uint32_t host, const Endpoint& source) const;
  void sweep(Believed& believed, Instant local);
  Believed& believed(uint32_t host);

  World& world_;
  const Dialect& dialect_;
  // The largest datagrams that a node has reason to send.
  size_t request_limit_;
  size_t reply_limit_;
  bool watches_;
  std::vector<Believed> believed_;
  // State of the current turn.
  const Datagram* cause_ = nullptr;  // From an unproven source; null otherwise.
  uint64_t sent_to_cause_ = 0;
  uint32_t next_inspected_ = 0;
  std::optional<Violation> violation_;
  CheckerCounts counts_;
};

}  // namespace xord::sim
