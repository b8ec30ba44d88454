// A node that behaves, seen from the wire, as the Python library `kademlia` 2.2.3 does: lookups in
// lock-step rounds, 5 s for every silent node, one failed call evicts a contact, every sender of a
// request is filed at once, and every key is stored again each hour with its age reset
// (docs/WIRE.md and the library's source). Its arithmetic bugs are not copied: buckets and the
// choice of keys to hand over are as the library intends them. Grows with what it is given, as the
// library does.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <vector>

#include "node/budget.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/rng.h"
#include "tools/sim/actor.h"

namespace xord::sim {

class PythonNode : public Actor {
 public:
  PythonNode(uint32_t host, const Id& self, Rng rng, Instant start, Surroundings& surroundings);

  void receive(Instant now, const Datagram& datagram) override;
  void advance(Instant now) override;
  std::optional<Instant> next_wakeup() const override;
  const Id& id() const override { return self_; }
  bool holds(Instant now, const Id& key) override;
  void join(Instant now, OperationId operation, std::span<const Endpoint> endpoints) override;
  void find(Instant now, OperationId operation, const Id& target) override;
  void get(Instant now, OperationId operation, const Id& key) override;
  void set(Instant now, OperationId operation, const Id& key, Bytes value) override;

 private:
  enum class Task : uint8_t { join, find, get, set, refresh, republish };
  // A failed contact leaves the crawl; if it is named again, it is back, but is not asked again.
  enum class State : uint8_t { unasked, asked, answered, failed, back };
  struct Bucket {
    Id low;              // The prefix of its range.
    uint32_t depth = 0;  // The number of bits in that prefix.
    std::vector<Contact> contacts;
    std::deque<Contact> spares;
    Instant looked_up;
  };
  struct Row {
    Contact contact;
    State state = State::unasked;
    bool had_value = false;
  };
  // The library's crawl: it asks a round of contacts and waits for all of them.
  struct Crawl {
    Task task{};
    OperationId operation = 0;
    Id target;
    std::vector<uint8_t> value;  // The value of a set.
    std::vector<Row> rows;       // Nearest first.
    std::set<Id> contacted;      // Every contact ever asked.
    std::vector<Id> last_round;  // The k nearest when the last round began.
    std::vector<std::vector<uint8_t>> values;
    uint32_t open = 0;
    uint32_t rounds = 0;
    uint32_t asked = 0;
    uint32_t stored = 0;
    bool is_storing = false;
  };
  struct Call {
    Contact to;
    Method method{};
    Instant until;
    uint64_t crawl = 0;  // 0: belongs to no crawl.
  };
  struct Kept {
    std::vector<uint8_t> value;
    Instant since;
  };

  // Requests from peers.
  void answer(Instant now, const Endpoint& source, const Request& request);
  std::vector<Contact> nearest(const Id& target, const Endpoint& excluded) const;
  bool knows_nearer(const Id& key) const;
  void send(const Endpoint& to, Bytes bytes);
  // The routing table.
  Bucket& bucket_of(const Id& id);
  void welcome(Instant now, const Contact& contact);
  void add_contact(Instant now, const Contact& contact);
  void split(Bucket& bucket);
  void remove_contact(const Contact& contact);
  // Calls.
  void call(Instant now, const Contact& to, Method method, uint64_t crawl, const Id& target,
            Bytes value);
  void ended(Instant now, const Call& call, const Reply* reply);
  // Crawls.
  uint64_t begin(Task task, OperationId operation, const Id& target, Instant now);
  Crawl& crawl_of(uint64_t handle);  // It must not have ended.
  void add_row(Crawl& crawl, const Contact& contact);
  void next_round(Instant now, uint64_t handle);
  void end_crawl(Instant now, uint64_t handle);
  void end_get(Instant now, uint64_t handle);
  void store_at_nearest(Instant now, uint64_t handle);
  // What the library takes for the k nearest, which includes dead contacts that are back.
  static std::vector<Contact> found_by(const Crawl& crawl);
  void finish(uint64_t handle, OperationStatus status, Bytes value,
              std::span<const Contact> contacts);
  void refresh(Instant now);

  uint32_t host_;
  Id self_;
  Rng rng_;
  Surroundings& surroundings_;
  std::vector<Bucket> buckets_;
  std::map<Transaction, Call> calls_;
  std::deque<std::pair<Instant, Transaction>> timeouts_;  // All last 5 s, so they are in order.
  std::map<uint64_t, Crawl> crawls_;
  uint64_t next_crawl_ = 1;
  std::map<Id, Kept> kept_;
  Instant refresh_at_;
};

}  // namespace xord::sim
