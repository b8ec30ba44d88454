#include "tests/node/walk_bursts.h"

#include <algorithm>
#include <array>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"

namespace xord::testing {
namespace {

constexpr uint32_t often = held_per_source_max + 2;
// Of requests under ever new ids: more than are pinged, if each is a newcomer to be filed.
constexpr uint32_t ids_max = 64;

Octets padded(Octets datagram, size_t size) {
  datagram.resize(std::max(size, datagram.size()));
  return datagram;
}

// A store of `size` bytes.
Octets store_of_size(const Id& key, const Id& sender, size_t size) {
  const Octets value = value_of_size(size - (rpcudp::header_size + rpcudp::store_overhead));
  return spelled({Method::store, key, value}, sender);
}

Octets contacts_reply(Family family, const Transaction& transaction) {
  return datagram([&](MutableBytes out) {
    rpcudp::ContactsReply reply(out, transaction, bucket_size);
    for (uint32_t i = 0; i < bucket_size; ++i) {
      std::array<uint8_t, rpcudp::contact_tail_max> tail;
      const Endpoint nobody = Scene::host(family, 0xf000 + i);
      const size_t size = rpcudp::encode_contact_tail(nobody, tail);
      reply.add(Scene::id_of(0xf000 + i), Bytes(tail).first(size));
    }
    return reply.size();
  });
}

}  // namespace

std::vector<Burst> requests(const Scene& scene, const Id& sender) {
  std::vector<Burst> bursts;
  const Octets least = value_of_size(1);
  const Octets most = value_of_size(value_size_max);
  const std::pair<std::string, Ask> asks[] = {
      {"ping", {Method::ping}},
      {"stun", {Method::stun}},
      {"find_node", {Method::find_node, scene.absent_key}},
      {"find_value, large", {Method::find_value, scene.large_key}},
      {"find_value, small", {Method::find_value, scene.small_key}},
      {"find_value, absent", {Method::find_value, scene.absent_key}},
      {"store, least", {Method::store, scene.absent_key, least}},
      {"store, most", {Method::store, scene.absent_key, most}},
  };
  for (const auto& [name, ask] : asks) {
    const Octets shortest = spelled(ask, sender);
    bursts.push_back({name, {shortest}});
    bursts.push_back({name + ", longest", {spelled(ask, sender, Spelling::longest())}});
    for (const size_t size : {100u, held_large_size}) {
      if (size <= shortest.size()) continue;
      bursts.push_back({name + ", padded to " + std::to_string(size), {padded(shortest, size)}});
    }
  }
  return bursts;
}

std::vector<Burst> stores(const Scene& scene, const Id& sender) {
  std::vector<Burst> bursts;
  const Octets least = value_of_size(1);
  for (const size_t size : {100u, held_small_size, held_small_size + 1, held_medium_size,
                            held_medium_size + 1, held_large_size - 5}) {
    bursts.push_back(
        {"store of " + std::to_string(size), {store_of_size(scene.absent_key, sender, size)}});
  }
  for (const size_t key_size : {0, 19, 255}) {
    bursts.push_back({"store, key of " + std::to_string(key_size),
                      {spelled({Method::store, {}, least}, sender, {}, Octets(key_size))}});
  }
  const Octets nil = {0xc0};
  const Octets too_large = value_of_size(value_size_max + 1);
  for (const Octets& refused : {nil, too_large}) {
    bursts.push_back({"store, refused: " + std::to_string(refused.size()),
                      {spelled({Method::store, scene.absent_key, refused}, sender)}});
  }
  Octets aged = spelled({Method::store, scene.absent_key, least}, sender);
  for (const int byte : {0xce, 0x00, 0x00, 0x0e, 0x10}) aged.push_back(static_cast<uint8_t>(byte));
  bursts.push_back({"store, with an age", {aged}});
  return bursts;
}

std::vector<Burst> repeated(std::vector<Burst> bursts) {
  for (Burst& burst : bursts) {
    CHECK(burst.datagrams.size() == 1);
    burst.name += ", often";
    burst.datagrams.resize(often, burst.datagrams[0]);
  }
  return bursts;
}

std::vector<Burst> requests_of_others(Scene& scene) {
  std::vector<Burst> bursts;
  const Octets least = value_of_size(1);
  for (const Ask& ask :
       {Ask{Method::ping}, Ask{Method::find_node, scene.absent_key},
        Ask{Method::find_value, scene.large_key}, Ask{Method::store, scene.absent_key, least}}) {
    const std::string name{name_of(ask.method)};
    bursts.push_back({name + ", the node's own id", {spelled(ask, scene.node.node().id())}});
    if (!scene.contacts.empty()) {
      const Id& contact = scene.node.account(scene.contacts[0]).id;
      bursts.push_back({name + ", a contact's id", {spelled(ask, contact)}});
    }
    Burst varied{name + ", ever new ids", {}};
    for (uint32_t i = 0; i < ids_max; ++i) varied.datagrams.push_back(spelled(ask, scene.new_id()));
    bursts.push_back(varied);
  }
  return bursts;
}

std::vector<Burst> noise(const Scene& scene, const Id& sender) {
  const Octets whole = spelled({Method::find_value, scene.large_key}, sender);
  Burst cut{"cut short", {}};
  for (size_t size = 0; size < whole.size(); ++size) {
    cut.datagrams.emplace_back(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
  }
  Burst kinds{"of another kind", {}};
  for (uint32_t kind = 2; kind < 256; ++kind) {
    kinds.datagrams.push_back(whole);
    kinds.datagrams.back()[0] = static_cast<uint8_t>(kind);
  }
  Burst changed{"with one byte changed", {}};
  for (size_t at = rpcudp::header_size; at < whole.size(); ++at) {
    for (const int byte : {0x00, 0xc0, 0xc1, 0xff}) {
      changed.datagrams.push_back(whole);
      changed.datagrams.back()[at] = static_cast<uint8_t>(byte);
    }
  }
  return {cut, kinds, changed, {"too long", {padded(whole, held_large_size + 1)}}};
}

std::vector<Burst> replies(Scene& scene, const Id& sender) {
  // Made up; of a ping to another stranger; and of a question of ours to a contact, if there was
  // one.
  std::vector<Transaction> transactions = {{9, 9, 9}};
  const Endpoint other = scene.add(Peer::silent);
  scene.node.ask(other, {Method::find_node, scene.absent_key});
  transactions.push_back(scene.node.account(other).last_asked);
  if (!scene.contacts.empty()) {
    transactions.push_back(scene.node.account(scene.contacts[0]).last_asked);
  }
  std::vector<Burst> bursts = {{"replies to nothing", {}}, {"replies that name others", {}}};
  for (const Transaction& transaction : transactions) {
    const auto add = [&](auto&& encode) { bursts[0].datagrams.push_back(datagram(encode)); };
    add([&](MutableBytes out) { return rpcudp::encode_ping_reply(out, transaction, sender); });
    add([&](MutableBytes out) { return rpcudp::encode_store_reply(out, transaction, true); });
    add([&](MutableBytes out) {
      return rpcudp::encode_value_reply(out, transaction, value_of_size(1000));
    });
    bursts[1].datagrams.push_back(contacts_reply(scene.family(), transaction));
  }
  Burst cut{"replies cut short", {}};
  for (size_t size = 1; size <= rpcudp::header_size; ++size) {
    cut.datagrams.emplace_back(size);
    cut.datagrams.back()[0] = 1;
  }
  bursts.push_back(cut);
  return bursts;
}

}  // namespace xord::testing
