#include "tools/sim/xord_node.h"

#include <algorithm>
#include <string>

#include "reactor/base/check.h"

namespace xord::sim {
namespace {

// The share of datagrams that land on a shard that does not own them: steering is wrong for a while
// after a restart, and absent if the kernel refuses it or the dialect states no rules.
constexpr double steering_wrong = 0.3;
// The largest value that a simulated program keeps published.
constexpr uint32_t published_size_max = 1024;
static_assert(published_size_max <= value_size_max);
// Contacts that are restored before messages are moved.
constexpr size_t restored_at_once = 64;

StoreConfig list_config(const XordConfig& config, uint64_t hash_seed) {
  StoreConfig list = published_list_config(config.node.network);
  list.hash_seed = hash_seed;
  list.records_max = config.published_max;
  list.republish.after = static_cast<NodeSeconds>(config.publish_after.whole_seconds());
  list.value_size_max = published_size_max;
  list.write_bytes_max = config.published_at_once * published_size_max;
  list.writes_max = list.reads_max = config.published_at_once;
  return list;
}

}  // namespace

XordNode::XordNode(const XordConfig& config, const Dialect& dialect, uint32_t host, const Id& self,
                   Rng rng, Instant start, LoadedRecords loaded, Disk& disk, ContactBook& book,
                   Workbench& bench, Surroundings& surroundings)
    : dialect_(dialect),
      host_(host),
      rng_(rng.split("steering")),
      disk_(disk),
      bench_(bench),
      surroundings_(surroundings) {
  CHECK(config.shards >= 1 && config.shards <= shards_max);
  Rng secrets_rng = rng.split("secrets");
  NodeSecrets secrets;
  secrets_rng.fill(secrets.transactions);
  secrets.hash_seed = secrets_rng.next();
  NodeShardConfig shard{config.node, config.store, list_config(config, secrets.hash_seed), self,
                        secrets};
  shard.node.dialect = &dialect;
  shard.node.shards = config.shards;
  shard.node.routing.seed = secrets_rng.next();
  shard.store.id = shard.node.network;
  if (!dialect.traits().holders_republish) shard.store.republish.after = 0;
  shard.store.hash_seed = secrets.hash_seed;
  shard.store.loaded = loaded;
  shard.store.ttl = static_cast<NodeSeconds>(shard.node.ttl.whole_seconds());
  for (uint32_t i = 0; i < config.shards; ++i) {
    shard.node.shard = static_cast<ShardIndex>(i);
    shards_.add(shard, rng.split("shard" + std::to_string(i)), book, start);
  }
  disk_.load(start, shard.node.network, config.shards, secrets.hash_seed);
}

template <class Body>
void XordNode::run(Instant now, uint32_t shard, Body&& body) {
  CHECK(shard < shards_count());
  // Only one node acts at a time, and it takes all that it emitted.
  CHECK(bench_.datagrams.entries().empty() && bench_.messages.entries().empty());
  CHECK(bench_.storage.entries().empty() && bench_.results.entries().empty());
  shards_.run(now, shard, bench_.outputs, body, [&](uint32_t ran) { collect(now, ran); });
}

void XordNode::collect(Instant now, uint32_t shard) {
  for (const Outbox::Entry& entry : bench_.datagrams.entries()) {
    surroundings_.send(host_, entry.path.remote, bench_.datagrams.bytes(entry));
  }
  bench_.datagrams.clear();
  for (const FrameOutbox::Entry& entry : bench_.storage.entries()) {
    disk_.take(now, shard, bench_.storage.bytes(entry));
  }
  bench_.storage.clear();
  for (const FrameOutbox::Entry& entry : bench_.results.entries()) {
    const Bytes frame = bench_.results.bytes(entry);
    const OperationResult* result = frame_header<OperationResult>(frame);
    CHECK(result != nullptr);
    surroundings_.finished(host_, *result, frame_tail<OperationResult>(frame));
  }
  bench_.results.clear();
}

uint32_t XordNode::landing_of(Bytes datagram) {
  if (shards_count() == 1) return 0;
  const Bytes transaction = dialect_.transaction_of(datagram);
  const bool steered = !dialect_.steering_rules().empty() && dialect_.is_reply(datagram) &&
                       !transaction.empty() && transaction[0] < shards_count() &&
                       !rng_.chance(steering_wrong);
  return steered ? transaction[0] : static_cast<uint32_t>(rng_.bounded(shards_count()));
}

void XordNode::receive(Instant now, const Datagram& datagram) {
  run(now, landing_of(datagram.bytes),
      [&](Node& node, Outputs& out) { node.receive(now, datagram, out); });
}

void XordNode::advance(Instant now) {
  disk_.advance(now, [&](uint32_t shard, Bytes frame) {
    run(now, shard, [&](Node& node, Outputs& out) { node.complete(now, frame, out); });
  });
  for (uint32_t i = 0; i < shards_count(); ++i) {
    run(now, i, [&](Node& node, Outputs& out) { node.advance(now, out); });
  }
}

std::optional<Instant> XordNode::next_wakeup() const {
  return earlier(disk_.next_wakeup(), shards_.next_wakeup());
}

bool XordNode::holds(Instant now, const Id& key) {
  return life_left(now, key).has_value();
}

std::optional<Duration> XordNode::life_left(Instant now, const Id& key) {
  const auto record = shards_.owner(key).store.first_from(now, key);
  if (!record || record->key != key || record->found.presence == Presence::absent) {
    return std::nullopt;
  }
  return instant_of(record->found.times.expiry) - now;
}

void XordNode::join(Instant now, OperationId operation, std::span<const Endpoint> endpoints) {
  run(now, 0, [&](Node& node, Outputs& out) { node.join(now, operation, endpoints, out); });
}

void XordNode::find(Instant now, OperationId operation, const Id& target) {
  const auto shard = static_cast<uint32_t>(rng_.bounded(shards_count()));
  run(now, shard, [&](Node& node, Outputs& out) { node.find(now, operation, target, out); });
}

void XordNode::get(Instant now, OperationId operation, const Id& key) {
  run(now, shard_of(key, shards_count()),
      [&](Node& node, Outputs& out) { node.get(now, operation, key, out); });
}

void XordNode::set(Instant now, OperationId operation, const Id& key, Bytes value) {
  run(now, shard_of(key, shards_count()),
      [&](Node& node, Outputs& out) { node.set(now, operation, key, value, out); });
}

void XordNode::keep(Instant now, OperationId operation, const Id& key, Bytes value) {
  run(now, shard_of(key, shards_count()),
      [&](Node& node, Outputs& out) { node.keep(now, operation, key, value, out); });
}

void XordNode::restore(Instant now, std::span<const std::pair<Contact, Duration>> contacts) {
  for (size_t first = 0; first < contacts.size(); first += restored_at_once) {
    const auto some = contacts.subspan(first, std::min(restored_at_once, contacts.size() - first));
    for (uint32_t i = 0; i < shards_count(); ++i) {
      run(now, i, [&](Node& node, Outputs& out) {
        for (const auto& [contact, age] : some) node.restore(now, contact, age, out);
      });
    }
  }
}

std::vector<std::pair<Contact, Duration>> XordNode::contacts(Instant now) const {
  std::vector<std::pair<Contact, Duration>> all;
  for (uint32_t i = 0; i < shards_count(); ++i) {
    node(i).for_each_own_contact([&](const Contact& contact, Instant answered) {
      all.emplace_back(contact, std::max(now - answered, Duration{}));
    });
  }
  return all;
}

NodeUsage XordNode::usage() const {
  NodeUsage sum{};
  for (uint32_t shard = 0; shard < shards_count(); ++shard) {
    const NodeUsage usage = node(shard).usage();
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += usage[i];
  }
  return sum;
}

}  // namespace xord::sim
