#include "tests/node/model_network.h"

#include "node/wire/rpcudp/rpcudp_dialect.h"

#include <algorithm>

namespace xord::testing {
namespace {

StoreConfig records_config(uint64_t seed, NetworkIndex network, const ModelOptions& options) {
  StoreConfig config;
  config.id = network;
  config.hash_seed = seed;
  config.memory_max = options.memory_max;
  config.records_max = options.records_max;
  config.writes_max = options.writes_max;
  config.ttl = options.ttl;
  config.republish.after = options.republish_after;
  return config;
}

StoreConfig list_config(uint64_t seed, NetworkIndex network, const ModelOptions& options) {
  StoreConfig config = published_list_config(network);
  config.hash_seed = seed;
  config.records_max = options.published_max;
  return config;
}

}  // namespace

NodeConfig model_config() {
  NodeConfig config;
  config.dialect = &rpcudp::dialect();
  config.network = 5;  // Any; not 0, which what was forgotten would have.
  config.budget = Budget::simulated();
  config.routing = RoutingConfig::simulated();
  config.operations = 8;
  config.pending_answers = 64;
  config.waiting_requests = 16;
  config.waiting_bytes = 64 << 10;
  return config;
}

ModelNode::ModelNode(uint64_t seed, const Endpoint& endpoint, uint32_t shards,
                     const NodeConfig& base, const ModelOptions& options)
    : endpoint_(endpoint),
      network_(base.network),
      rng_(seed),
      datagrams_(options.datagrams_max, options.outbox_bytes),
      messages_(1024, options.outbox_bytes),
      storage_(1024, options.outbox_bytes),
      results_(256, options.outbox_bytes) {
  const Id self = random_id(rng_);
  const Instant start = instant_of(first_node_seconds);
  for (uint32_t i = 0; i < shards; ++i) {
    const uint64_t seed_of_shard = seed + i;
    NodeShardConfig config{base,
                           records_config(seed_of_shard, base.network, options),
                           list_config(seed_of_shard, base.network, options),
                           self,
                           {{static_cast<uint8_t>(seed), static_cast<uint8_t>(seed >> 8)}, seed}};
    config.node.shard = static_cast<ShardIndex>(i);
    config.node.shards = shards;
    books_.push_back(std::make_unique<ContactBook>(4096, base.dialect->traits().encode_contact_tail,
                                                   seed_of_shard));
    shards_.add(config, Rng(seed_of_shard), *books_.back(), start);
  }
  if (options.is_loaded) finish_loading(start);
}

void ModelNode::finish_loading(Instant now) {
  Completion loaded;
  loaded.kind = CompletionKind::load_finished;
  for (const StoreList list : {StoreList::records, StoreList::published}) {
    for (uint32_t i = 0; i < shards_count(); ++i) {
      loaded.store = {network_, list};
      run(i, now, [&](Node& node, Outputs& out) {
        node.complete(now, {reinterpret_cast<const uint8_t*>(&loaded), sizeof loaded}, out);
      });
    }
  }
}

uint64_t ModelNode::malformed(ParseError why) const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < shards_count(); ++i) {
    sum += shards_[i].node.counters().malformed.read(why);
  }
  return sum;
}

void ModelNode::receive(Instant now, const Datagram& datagram) {
  const uint32_t index = lands_on.value_or(static_cast<uint32_t>(rng_.bounded(shards_count())));
  run(index, now, [&](Node& node, Outputs& out) { node.receive(now, datagram, out); });
}

void ModelNode::advance(Instant now) {
  for (uint32_t i = 0; i < shards_count(); ++i) {
    run(i, now, [&](Node& node, Outputs& out) { node.advance(now, out); });
  }
}

void ModelNode::collect(uint32_t shard) {
  for (const Outbox::Entry& entry : datagrams_.entries()) {
    const Bytes bytes = datagrams_.bytes(entry);
    sent.emplace_back(entry.path, std::vector<uint8_t>(bytes.begin(), bytes.end()));
  }
  datagrams_.clear();
  for (const FrameOutbox::Entry& entry : results_.entries()) {
    const Bytes frame = results_.bytes(entry);
    const Bytes tail = frame_tail<OperationResult>(frame);
    const OperationResult& header = *frame_header<OperationResult>(frame);
    CHECK(!results.contains(header.operation));  // Exactly one result per operation.
    results[header.operation] = {header, {tail.begin(), tail.end()}};
  }
  results_.clear();
  for (const FrameOutbox::Entry& entry : storage_.entries()) {
    const Bytes frame = storage_.bytes(entry);
    queued_.push_back({shard, {frame.begin(), frame.end()}});
  }
  storage_.clear();
}

// Completions lead to more operations: repeats until none is left.
void ModelNode::run_disk(Instant now) {
  while (!disk_is_frozen && !queued_.empty()) {
    const Queued next = std::move(queued_.front());
    queued_.pop_front();
    const std::vector<uint8_t> completion =
        executed(*frame_header<Operation>(next.operation), frame_tail<Operation>(next.operation));
    run_alone(next.shard, now,
              [&](Node& node, Outputs& out) { node.complete(now, completion, out); });
  }
}

std::vector<uint8_t> ModelNode::executed(const Operation& operation, Bytes value) {
  Completion completion;
  completion.ticket = operation.ticket;
  completion.store = operation.store;
  completion.key = operation.key;
  completion.times = operation.times;
  std::vector<uint8_t> tail;
  if (operation.kind == OperationKind::read && reads_fail_as) {
    completion.kind = *reads_fail_as;
  } else if (operation.kind == OperationKind::read) {
    tail = disk_[{operation.store, operation.key}];
    completion.kind = CompletionKind::value_read;
    completion.has_value = true;
    completion.value_size = static_cast<uint32_t>(tail.size());
  } else if (!disk_works) {
    completion.kind = CompletionKind::write_failed;
  } else {
    completion.kind = CompletionKind::written;
    if (operation.kind == OperationKind::write) {
      disk_[{operation.store, operation.key}].assign(value.begin(), value.end());
    } else if (operation.kind == OperationKind::erase) {
      disk_.erase({operation.store, operation.key});
    }
  }
  std::vector<uint8_t> bytes(sizeof completion);
  std::memcpy(bytes.data(), &completion, sizeof completion);
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

ModelNetwork::ModelNetwork(uint64_t seed) : rng_(seed), now_(instant_of(first_node_seconds)) {}

ModelNode& ModelNetwork::add(uint32_t shards) {
  NodeConfig config = model_config();
  config.ttl = seconds(options.ttl);
  return add(shards, config);
}

ModelNode& ModelNetwork::add(uint32_t shards, const NodeConfig& config) {
  const auto index = static_cast<uint32_t>(nodes_.size());
  const Endpoint endpoint = Endpoint::ipv4(0x0a000001 + index, 8468);
  nodes_.push_back(std::make_unique<ModelNode>(rng_.next(), endpoint, shards, config, options));
  by_endpoint_[endpoint] = index;
  wakeups_.push_back(nodes_.back()->next_wakeup());
  return *nodes_.back();
}

Id ModelNetwork::random_id() {
  return xord::random_id(rng_);
}

void ModelNetwork::collect(ModelNode& node) {
  wakeups_[by_endpoint_[node.endpoint()]] = node.next_wakeup();
  for (auto& [path, bytes] : node.sent) {
    if (is_dead(node)) continue;
    if (loses && loses(node.endpoint(), path.remote, bytes)) continue;
    flying_.push({now_ + delay, order_++, node.endpoint(), path.remote, std::move(bytes)});
  }
  node.sent.clear();
}

void ModelNetwork::send_from(const Endpoint& from, const Endpoint& to, Bytes bytes) {
  flying_.push({now_ + delay, order_++, from, to, {bytes.begin(), bytes.end()}});
}

std::vector<std::vector<uint8_t>> ModelNetwork::received_by(const Endpoint& stranger) const {
  const auto found = strangers_.find(stranger);
  return found == strangers_.end() ? std::vector<std::vector<uint8_t>>{} : found->second;
}

void ModelNetwork::deliver(const Flying& flying) {
  const auto found = by_endpoint_.find(flying.to);
  if (found == by_endpoint_.end()) {
    strangers_[flying.to].push_back(flying.bytes);
    if (on_stranger) on_stranger(flying.from, flying.to, flying.bytes);
    return;
  }
  ModelNode& node = *nodes_[found->second];
  if (is_dead(node)) return;
  node.receive(now_, {{flying.from, {}}, flying.bytes});
  collect(node);
}

std::optional<Instant> ModelNetwork::next_event() const {
  std::optional<Instant> next;
  if (!flying_.empty()) next = flying_.top().at;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const auto& wakeup = wakeups_[i];
    if (wakeup && (!next || *wakeup < *next) && !is_dead(*nodes_[i])) next = wakeup;
  }
  return next;
}

void ModelNetwork::run_event(Instant at) {
  now_ = std::max(now_, at);
  if (!flying_.empty() && flying_.top().at <= now_) {
    const Flying flying = flying_.top();
    flying_.pop();
    deliver(flying);
    return;
  }
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!wakeups_[i] || *wakeups_[i] > now_ || is_dead(*nodes_[i])) continue;
    nodes_[i]->advance(now_);
    collect(*nodes_[i]);
  }
}

void ModelNetwork::run_for(Duration duration) {
  const Instant until = now_ + duration;
  for (const auto& node : nodes_) collect(*node);
  for (auto next = next_event(); next && *next <= until; next = next_event()) run_event(*next);
  now_ = until;
}

std::optional<ModelResult> ModelNetwork::await(ModelNode& node, OperationId operation,
                                               Duration most) {
  const Instant until = now_ + most;
  collect(node);
  while (!node.results.contains(operation)) {
    const auto next = next_event();
    if (!next || *next > until) return std::nullopt;
    run_event(*next);
  }
  return node.results[operation];
}

void ModelNetwork::join_all() {
  for (size_t i = 1; i < nodes_.size(); ++i) {
    const OperationId operation = next_operation_++;
    const Endpoint first = nodes_[0]->endpoint();
    nodes_[i]->run(0, now_, [&](Node& node, Outputs& out) {
      node.join(now_, operation, std::span(&first, 1), out);
    });
    await(*nodes_[i], operation, seconds(30));
  }
  run_for(seconds(30));
}

std::optional<ModelResult> ModelNetwork::set(ModelNode& node, const Id& key, Bytes value) {
  const OperationId operation = next_operation_++;
  node.run(shard_of(key, node.shards_count()), now_,
           [&](Node& owner, Outputs& out) { owner.set(now_, operation, key, value, out); });
  return await(node, operation, seconds(30));
}

std::optional<ModelResult> ModelNetwork::get(ModelNode& node, const Id& key) {
  const OperationId operation = next_operation_++;
  node.run(shard_of(key, node.shards_count()), now_,
           [&](Node& owner, Outputs& out) { owner.get(now_, operation, key, out); });
  return await(node, operation, seconds(30));
}

std::optional<ModelResult> ModelNetwork::find(ModelNode& node, const Id& target) {
  const OperationId operation = next_operation_++;
  node.run(0, now_, [&](Node& any, Outputs& out) { any.find(now_, operation, target, out); });
  return await(node, operation, seconds(30));
}

}  // namespace xord::testing
