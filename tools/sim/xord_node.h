// A xord node in a simulation: the same Node and Store objects of all its shards that the server
// runs, with a simulated disk in place of the commit thread. The world lends the outboxes, because
// only one node acts at a time.
#pragma once

#include <vector>

#include "node/shard_group.h"
#include "tools/sim/actor.h"
#include "tools/sim/disk.h"

namespace xord::sim {

// Outboxes for one turn of one node, shared by all nodes of a world.
struct Workbench {
  Workbench()
      : datagrams(1024, 2 << 20),
        messages(8192, 4 << 20),
        storage(1024, 2 << 20),
        results(64, 1 << 20) {}
  Outbox datagrams;
  FrameOutbox messages;
  FrameOutbox storage;
  FrameOutbox results;
  Outputs outputs{datagrams, messages, storage, results};
};

struct XordConfig {
  uint32_t shards = 1;
  NodeConfig node;    // For each shard; `shard`, `shards` and `dialect` are filled in.
  StoreConfig store;  // `network`, `hash_seed`, `loaded` and `ttl` are filled in.
  // The keys that a shard's published list has room for, and how often it publishes them; 0: no
  // list.
  uint32_t published_max = 0;
  uint32_t published_at_once = 4;  // Listed keys written or read at a time.
  Duration publish_after = hours(24);
  DiskOptions disk;
};

class XordNode : public Actor {
 public:
  // Starts a host's node. `disk` hands over what it holds. `dialect`, `disk`, `book`, `bench` and
  // `surroundings` must outlive the node.
  XordNode(const XordConfig& config, const Dialect& dialect, uint32_t host, const Id& self, Rng rng,
           Instant start, LoadedRecords loaded, Disk& disk, ContactBook& book, Workbench& bench,
           Surroundings& surroundings);

  void receive(Instant now, const Datagram& datagram) override;
  void advance(Instant now) override;
  std::optional<Instant> next_wakeup() const override;
  const Id& id() const override { return shards_[0].node.self(); }
  bool holds(Instant now, const Id& key) override;
  // How much longer the record will be served; empty if it is not served.
  std::optional<Duration> life_left(Instant now, const Id& key);
  void join(Instant now, OperationId operation, std::span<const Endpoint> endpoints) override;
  void find(Instant now, OperationId operation, const Id& target) override;
  void get(Instant now, OperationId operation, const Id& key) override;
  void set(Instant now, OperationId operation, const Id& key, Bytes value) override;
  // The same as set, repeated every `publish_after`.
  void keep(Instant now, OperationId operation, const Id& key, Bytes value);
  // Files the contacts that an earlier run saved.
  void restore(Instant now, std::span<const std::pair<Contact, Duration>> contacts);

  uint32_t shards_count() const { return shards_.count(); }
  Node& node(uint32_t shard) { return shards_[shard].node; }
  const Node& node(uint32_t shard) const { return shards_[shard].node; }
  Store& store(uint32_t shard) { return shards_[shard].store; }
  // All filed contacts, with the time since each answered.
  std::vector<std::pair<Contact, Duration>> contacts(Instant now) const;
  uint64_t count(NodeCounter which) const { return shards_.counted(which); }
  NodeUsage usage() const;  // Over all shards.

 private:
  // Runs `body(Node&, Outputs&)` on one shard, and all that follows from it.
  template <class Body>
  void run(Instant now, uint32_t shard, Body&& body);
  void collect(Instant now, uint32_t shard);
  uint32_t landing_of(Bytes datagram);

  const Dialect& dialect_;
  uint32_t host_;
  Rng rng_;
  Disk& disk_;
  Workbench& bench_;
  Surroundings& surroundings_;
  ShardGroup shards_;
};

}  // namespace xord::sim
