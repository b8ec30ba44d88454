#include "tests/node/walk_scene.h"

#include "reactor/base/check.h"

namespace xord::testing {

Scene::Scene(const State& state, const Setting& setting, Family family, uint32_t shards)
    : node(config_of(state, setting), options_of(state), shards),
      state_(state),
      setting_(setting),
      family_(family),
      begin_(node.now()) {
  // None is nearer to them than the node, so that it hands them over.
  large_key = small_key = node.node().id();
  large_key.bytes[id_size - 1] ^= 1;
  small_key.bytes[id_size - 1] ^= 2;
}

NodeConfig Scene::config_of(const State& state, const Setting& setting) {
  NodeConfig config = model_config();
  config.amplification_max = setting.amplification_max;
  config.limits.mode = setting.limits;
  config.limits.excess_a_second = walk_excess_a_second;
  config.budget.held_small = 8;
  config.budget.ledger_rows = 1024;
  config.routing.contacts_max = 24;
  config.routing.client_id = client_id();
  ModelOptions unused;
  if (state.configure != nullptr) state.configure(config, unused);
  return config;
}

ModelOptions Scene::options_of(const State& state) {
  ModelOptions options;
  options.datagrams_max = 128;
  options.outbox_bytes = 1 << 18;
  NodeConfig unused;
  if (state.configure != nullptr) state.configure(unused, options);
  return options;
}

Id Scene::id_of(uint32_t number) {
  Rng rng(number);
  return random_id(rng);
}

Endpoint Scene::host(Family family, uint32_t number) {
  if (family == Family::ipv4) return Endpoint::ipv4(0x2d000001 + (number << 8), 4000);
  Endpoint endpoint = *Endpoint::parse("[2a01:4f8::1]:4000");
  store_be32(&endpoint.address.bytes[4], number << 8);
  return endpoint;
}

std::vector<Endpoint> Scene::prepare(Source source, uint32_t count) {
  node.set(large_key, value_of_size(value_size_max));
  node.set(small_key, value_of_size(10));
  std::vector<Endpoint> sources = add(source, count);
  begin_ = node.now();
  if (state_.prepare != nullptr) state_.prepare(*this);
  return sources;
}

std::vector<Endpoint> Scene::add(Source source, uint32_t count) {
  constexpr Peer peers[] = {Peer::silent, Peer::pongs,   Peer::pongs, Peer::pongs,
                            Peer::pongs,  Peer::answers, Peer::echoes};
  static_assert(std::size(peers) == std::size(source_names));
  const bool is_asker = source == Source::lapsed || source == Source::proven;
  const bool is_filed = source == Source::lost || source == Source::contact;
  std::vector<Endpoint> sources;
  for (uint32_t i = 0; i < count; ++i) {
    const Peer peer = peers[static_cast<size_t>(source)];
    sources.push_back(is_asker ? add_asker() : add(peer));
    const Id id = node.account(sources.back()).id;
    if (is_filed) node.restore(sources.back(), id, minutes(14));
  }
  if (is_filed) node.run_for(seconds(count));
  for (const Endpoint& endpoint : sources) {
    if (source == Source::contact) node.no_longer_named(endpoint);
    if (source == Source::contact || (!is_asker && !is_filed)) continue;
    node.set_peer(endpoint, node.account(endpoint).id, Peer::silent);
  }
  if (source == Source::lapsed) node.run_for(proven_lifetime);
  if (source == Source::lost) node.run_for(minutes(40));
  for (const Endpoint& endpoint : sources) {
    if (source == Source::lapsed) node.forget(endpoint);
    CHECK(source != Source::lost || !node.node().shard(0).knows_contact_at(endpoint));
  }
  return sources;
}

Endpoint Scene::add(Peer peer, const Id& id) {
  const Endpoint endpoint = host(family_, ++hosts_);
  node.set_peer(endpoint, id, peer);
  return endpoint;
}

Endpoint Scene::add_asker() {
  const Endpoint asker = add(Peer::pongs, client_id());
  prove(asker);
  return asker;
}

void Scene::prove(const Endpoint& source) {
  Octets request = spelled({Method::find_node, absent_key}, node.account(source).id);
  request.resize(held_small_size);  // It pays for a ping, if anything does.
  node.send(source, request);
  node.run_for(seconds(1));
  CHECK(node.account(source).is_proven || setting_.amplification_max == 0);
}

void Scene::restore(uint32_t count, Duration age) {
  for (uint32_t i = 0; i < count; ++i) {
    const Family family = i % 2 == 0 ? Family::ipv4 : Family::ipv6;
    contacts.push_back(host(family, 0x8000 + i));
    node.restore(contacts.back(), id_of(0x8000 + i), age);
  }
}

void Scene::meet(uint32_t count) {
  restore(count, minutes(14));
  node.run_for(seconds(1 + count / 2));  // A bucket pings two a second.
}

void Scene::send(const Endpoint& source, std::span<const Octets> datagrams, Duration length) {
  if (setting_.is_used_up) use_up(source);
  if (state_.prime != nullptr) state_.prime(*this);
  for (const Octets& bytes : datagrams) node.send(source, bytes);
  node.run_for(seconds(1));
  if (state_.release != nullptr) state_.release(*this);
  node.run_for(length - seconds(1));
}

void Scene::use_up(const Endpoint& source) {
  Endpoint sibling = source;
  ++sibling.port;
  node.set_peer(sibling, client_id(), Peer::pongs);
  prove(sibling);
  for (int i = 0; i < 4; ++i) node.ask(sibling, {Method::find_value, large_key});
  for (int i = 0; i < 20; ++i) node.ask(sibling, {Method::find_node, absent_key});
  node.run_for(WatchedNode::delay);
}

}  // namespace xord::testing
