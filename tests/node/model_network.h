// A network in one thread on virtual time, for tests: real Nodes with real Stores, any number of
// shards each, a disk that commits at once, and links with a fixed delay that a test may cut. One
// queue does here what the reactor does in production.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "node/shard_group.h"
#include "reactor/base/rng.h"

namespace xord::testing {

// Capacities for one of many nodes in a process.
NodeConfig model_config();

// The datagram that `encode(out)` writes; it returns its size.
template <class Encode>
std::vector<uint8_t> datagram(Encode&& encode) {
  std::vector<uint8_t> bytes(9000);
  bytes.resize(encode(MutableBytes(bytes)));
  return bytes;
}

// Output of a model node's shard that does not go to the network: its results.
struct ModelResult {
  OperationResult header;
  std::vector<uint8_t> tail;

  Bytes value() const { return Bytes(tail).first(header.value_size); }
};

// Options for the stores of a node.
struct ModelOptions {
  uint32_t writes_max = StoreConfig{}.writes_max;
  NodeSeconds republish_after = 0;  // 0: never.
  uint64_t memory_max = uint64_t{1} << 20;
  uint32_t records_max = 400;
  uint32_t published_max = 400;
  NodeSeconds ttl = 7 * 86'400;
  uint32_t datagrams_max = 1024;    // Of the outbox for datagrams.
  uint32_t outbox_bytes = 1 << 20;  // Of each outbox.
  bool is_loaded = true;            // Else until finish_loading().
};

class ModelNode {
 public:
  ModelNode(uint64_t seed, const Endpoint& endpoint, uint32_t shards, const NodeConfig& base,
            const ModelOptions& options = {});

  const Id& id() const { return shards_[0].node.self(); }
  const Endpoint& endpoint() const { return endpoint_; }
  Contact contact() const { return {id(), endpoint_}; }
  Node& shard(uint32_t index) { return shards_[index].node; }
  Node& owner(const Id& key) { return shards_.owner(key).node; }
  Store& store(uint32_t index) { return shards_[index].store; }
  Store& published(uint32_t index) { return *shards_[index].published; }
  // What this node holds under `key`, in whichever shard.
  Found held(Instant now, const Id& key) { return shards_.owner(key).store.find(now, key); }
  uint32_t shards_count() const { return shards_.count(); }
  uint64_t count(NodeCounter which) const { return shards_.counted(which); }
  uint64_t count(NodeSum which) const { return shards_.counted(which); }
  uint64_t count(LookupPurpose purpose, LookupOutcome outcome) const {
    uint64_t sum = 0;
    for (uint32_t shard = 0; shard < shards_.count(); ++shard) {
      sum += shards_[shard].node.counters().lookups.read(purpose, outcome);
    }
    return sum;
  }
  uint64_t malformed(ParseError why) const;

  // Runs `body(Node&, Outputs&)` on one shard, and all that follows from it.
  template <class Body>
  void run(uint32_t index, Instant now, Body&& body) {
    run_alone(index, now, body);
    run_disk(now);
  }
  void receive(Instant now, const Datagram& datagram);
  void advance(Instant now);
  std::optional<Instant> next_wakeup() const { return shards_.next_wakeup(); }
  // All that the disk holds has been loaded.
  void finish_loading(Instant now);

  // Datagrams to send; taken by the network.
  std::vector<std::pair<Path, std::vector<uint8_t>>> sent;
  std::map<OperationId, ModelResult> results;
  // The disk: false makes every write fail; frozen keeps operations until it is thawed.
  bool disk_works = true;
  bool disk_is_frozen = false;
  // How reads complete: with the values, or with this.
  std::optional<CompletionKind> reads_fail_as;
  // The shard that a datagram reaches first: any, as when steering is wrong.
  std::optional<uint32_t> lands_on;

 private:
  struct Queued {  // For the disk.
    uint32_t shard;
    std::vector<uint8_t> operation;
  };
  template <class Body>
  void run_alone(uint32_t index, Instant now, Body&& body) {
    shards_.run(now, index, outputs_, body, [&](uint32_t shard) { collect(shard); });
  }
  void collect(uint32_t shard);
  void run_disk(Instant now);
  std::vector<uint8_t> executed(const Operation& operation, Bytes value);  // Its completion.

  Endpoint endpoint_;
  NetworkIndex network_;
  Rng rng_;
  std::vector<std::unique_ptr<ContactBook>> books_;
  ShardGroup shards_;
  Outbox datagrams_;
  FrameOutbox messages_;
  FrameOutbox storage_;
  FrameOutbox results_;
  Outputs outputs_{datagrams_, messages_, storage_, results_};
  std::deque<Queued> queued_;
  std::map<std::pair<StoreId, Id>, std::vector<uint8_t>> disk_;
};

class ModelNetwork {
 public:
  explicit ModelNetwork(uint64_t seed);

  // A node at 10.0.x.y, loaded and ready.
  ModelNode& add(uint32_t shards = 1);
  ModelNode& add(uint32_t shards, const NodeConfig& config);
  ModelNode& node(size_t index) { return *nodes_[index]; }
  size_t size() const { return nodes_.size(); }
  // From here on the node receives and sends nothing.
  void kill(const ModelNode& node) { dead_.insert(node.endpoint()); }
  void revive(const ModelNode& node) { dead_.erase(node.endpoint()); }
  bool is_dead(const ModelNode& node) const { return dead_.contains(node.endpoint()); }

  void run_for(Duration duration);
  // Waits for the result of the operation on `node`, at most `most`; empty when there is none by
  // then.
  std::optional<ModelResult> await(ModelNode& node, OperationId operation, Duration most);
  Instant now() const { return now_; }

  // A stranger, not a node: what is sent to it is kept.
  void send_from(const Endpoint& from, const Endpoint& to, Bytes bytes);
  std::vector<std::vector<uint8_t>> received_by(const Endpoint& stranger) const;
  std::function<void(const Endpoint& from, const Endpoint& stranger, Bytes bytes)> on_stranger;

  // Joins every node through node 0, one after another.
  void join_all();
  std::optional<ModelResult> set(ModelNode& node, const Id& key, Bytes value);
  std::optional<ModelResult> get(ModelNode& node, const Id& key);
  std::optional<ModelResult> find(ModelNode& node, const Id& target);
  Id random_id();

  Duration delay = milliseconds(1);
  ModelOptions options;  // Of nodes added from here on.
  // True: the datagram is lost.
  std::function<bool(const Endpoint& from, const Endpoint& to, Bytes bytes)> loses;

 private:
  struct Flying {
    Instant at;
    uint64_t order;
    Endpoint from;
    Endpoint to;
    std::vector<uint8_t> bytes;
    bool operator<(const Flying& other) const {  // The earliest is on top.
      return std::pair(at, order) > std::pair(other.at, other.order);
    }
  };
  void collect(ModelNode& node);
  void deliver(const Flying& flying);
  std::optional<Instant> next_event() const;
  void run_event(Instant at);

  Rng rng_;
  Instant now_;
  uint64_t order_ = 0;
  OperationId next_operation_ = 1;
  std::vector<std::unique_ptr<ModelNode>> nodes_;
  std::map<Endpoint, size_t> by_endpoint_;
  std::vector<std::optional<Instant>> wakeups_;  // Of each node, as of its last call.
  std::set<Endpoint> dead_;
  std::map<Endpoint, std::vector<std::vector<uint8_t>>> strangers_;
  std::priority_queue<Flying> flying_;
};

}  // namespace xord::testing
