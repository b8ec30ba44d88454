// The bound of amplification, for all that anyone can send: every method in every spelling and
// size, noise, and replies that nobody asked for; from every kind of source, over IPv4 and IPv6; in
// every state of the table, the stores and the pools, full ones too. The bytes that each endpoint
// ever named was sent are summed against those it sent, the node's own pings and calls included,
// until the node is at rest (tests/node/watched_node.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/spelling.h"
#include "tests/node/walk_bursts.h"
#include "tests/node/walk_scene.h"
#include "tests/node/watched_node.h"

namespace xord::testing {
namespace {

constexpr Family families[] = {Family::ipv4, Family::ipv6};
constexpr size_t ping_size = rpcudp::ping_request_size;
// What is held, waits or was called because of a stranger has ended by then.
constexpr Duration rest = seconds(7);
static_assert(rest > held_lifetime && rest > transaction_lifetime && rest > waiting_lifetime);
// Of one that may be filed: it has been pinged after its first minute.
constexpr Duration long_rest = seconds(70);
// A scene lasts no longer than the proofs of those who fill its pools.
constexpr Duration scene_lifetime = minutes(9);

// For sources that are not served.
std::vector<Burst> all_bursts(Scene& scene, const Id& sender) {
  std::vector<Burst> bursts = requests(scene, sender);
  for (const auto& some :
       {stores(scene, sender), repeated(bursts), repeated(stores(scene, sender)),
        requests_of_others(scene), noise(scene, sender), replies(scene, sender)}) {
    bursts.insert(bursts.end(), some.begin(), some.end());
  }
  return bursts;
}

// For those that are, but for the stores: their replies are shorter than any of them. What needs no
// scene of its own comes together.
std::vector<Burst> served_bursts(Scene& scene, const Id& sender) {
  std::vector<Burst> bursts = repeated(requests(scene, sender));
  const std::vector<Burst> others = requests_of_others(scene);
  bursts.insert(bursts.end(), others.begin(), others.end());
  Burst unanswered{"noise and replies", {}};
  for (const auto& some : {noise(scene, sender), replies(scene, sender)}) {
    for (const Burst& burst : some) {
      unanswered.datagrams.insert(unanswered.datagrams.end(), burst.datagrams.begin(),
                                  burst.datagrams.end());
    }
  }
  bursts.push_back(unanswered);
  return bursts;
}

// What each but `sources` was sent beyond what it was sent in `quiet`, where these did nothing: at
// most `allowed` bytes.
void expect_others_spared(const Scene& scene, const Scene& quiet, const std::set<Endpoint>& sources,
                          uint64_t allowed) {
  for (const auto& [endpoint, account] : scene.node.accounts()) {
    if (sources.contains(endpoint)) continue;
    const auto found = quiet.node.accounts().find(endpoint);
    const uint64_t without = found == quiet.node.accounts().end() ? 0 : found->second.sent;
    ASSERT_LE(account.sent, without + allowed) << endpoint.text();
  }
}

class AmplificationWalk : public ::testing::TestWithParam<State> {
 protected:
  // In one scene after another, each burst comes from a source of its own, which is unproven.
  void walk_unproven(Source kind, const Setting& setting, Family family, uint32_t shards) {
    std::vector<Burst> bursts;
    for (size_t at = 0; at == 0 || at < bursts.size();) {
      Scene scene(GetParam(), setting, family, shards);
      Scene quiet(GetParam(), setting, family, shards);  // The same without their datagrams.
      const std::vector<Endpoint> sources = scene.prepare(kind, sources_max);
      ASSERT_EQ(quiet.prepare(kind, sources_max), sources);
      if (at == 0) {
        bursts = all_bursts(scene, scene.node.account(sources[0]).id);
        all_bursts(quiet, {});
      }
      for (const Endpoint& source : sources) {
        if (at == bursts.size() || scene.age() > scene_lifetime) break;
        SCOPED_TRACE(bursts[at].name);
        scene.send(source, bursts[at].datagrams, rest);
        quiet.send(source, {}, rest);
        ASSERT_EQ(scene.node.broken(), "");
        ++at;
      }
      scene.node.run_for(hours(2));
      quiet.node.run_for(hours(2));
      ASSERT_EQ(scene.node.broken(), "");
      for (const Endpoint& source : sources) sent += scene.node.account(source).sent;
      note_met(scene);
      // What is charged to some makes a full ledger forget what others were charged.
      if (is_met_by(NodeCounter::ledger_evicted)) continue;
      expect_others_spared(scene, quiet, {sources.begin(), sources.end()}, 0);
    }
  }
  // Each burst has a scene of its own, with a source that is proven, or proves itself.
  void walk_proven(Source kind, const Setting& setting, Family family) {
    Scene any(GetParam(), setting, family, 1);
    const Endpoint source = any.prepare(kind)[0];
    const std::vector<Burst> bursts = served_bursts(any, any.node.account(source).id);
    Scene quiet(GetParam(), setting, family, 1);
    ASSERT_EQ(quiet.prepare(kind)[0], source);
    const bool is_newcomer = kind == Source::pongs || kind == Source::echoes;
    const Duration length = is_newcomer ? long_rest : rest;
    quiet.send(source, {}, length);
    const WatchedNode::Account& before = quiet.node.account(source);
    Endpoint sibling = source;  // That used up the limit.
    ++sibling.port;
    for (const Burst& burst : bursts) {
      SCOPED_TRACE(burst.name);
      Scene scene(GetParam(), setting, family, 1);
      ASSERT_EQ(scene.prepare(kind)[0], source);
      scene.send(source, burst.datagrams, length);
      ASSERT_EQ(scene.node.broken(), "");
      const WatchedNode::Account& after = scene.node.account(source);
      EXPECT_LE(after.questions, before.questions);
      // Each record that it should hold, and that again if it does not answer.
      EXPECT_LE(after.stores, before.stores + 2 * 2);
      // One before an answer that names it; one before it makes room for another, and that again.
      expect_others_spared(scene, quiet, {source, sibling}, 3 * ping_size);
      sent += after.sent;
      note_met(scene);
      if (HasFailure()) return;
    }
  }
  // The node pings it now and then, to see whether it is back: that is not for its datagrams.
  void walk_lost(Family family) {
    Scene quiet(GetParam(), {}, family, 1);
    const Endpoint source = quiet.prepare(Source::lost)[0];
    quiet.send(source, {}, rest);
    const WatchedNode::Account& before = quiet.node.account(source);
    for (const Burst& burst : repeated(requests(quiet, before.id))) {
      SCOPED_TRACE(burst.name);
      Scene scene(GetParam(), {}, family, 1);
      ASSERT_EQ(scene.prepare(Source::lost)[0], source);
      scene.send(source, burst.datagrams, rest);
      ASSERT_EQ(scene.node.broken(), "");
      const WatchedNode::Account& after = scene.node.account(source);
      ASSERT_LE(after.sent, before.sent + after.allowed);
      expect_others_spared(scene, quiet, {source}, 0);
      if (HasFailure()) return;
    }
  }
  static bool is_met_by(NodeCounter counter) {
    return GetParam().met == std::variant<NodeCounter, NodeSum>(counter);
  }
  void note_met(Scene& scene) {
    if (is_met_by(NodeCounter::count)) return;
    met += std::visit([&](auto which) { return scene.node.node().count(which); }, GetParam().met);
  }
  void expect_met() const {
    EXPECT_TRUE(met > 0 || is_met_by(NodeCounter::count));
    EXPECT_GT(sent, 0u);
  }

  static constexpr uint32_t sources_max = 60;  // In one scene.
  uint64_t met = 0;
  uint64_t sent = 0;
};

TEST_P(AmplificationWalk, AnUnprovenSourceIsSentNoMoreThanItSentAndOthersNothing) {
  for (const Family family : families) {
    for (const uint32_t shards : {1, 2}) {
      walk_unproven(Source::stranger, {}, family, shards);
      if (HasFailure()) return;
    }
  }
  expect_met();
}

TEST_P(AmplificationWalk, ASourceWhoseProofHasLapsedIsUnproven) {
  walk_unproven(Source::lapsed, {}, Family::ipv4, 1);
  if (HasFailure()) return;
  walk_unproven(Source::lapsed, {}, Family::ipv6, 2);
  expect_met();
}

TEST_P(AmplificationWalk, AContactThatFellSilentIsUnproven) {
  for (const Family family : families) walk_lost(family);
}

TEST_P(AmplificationWalk, TheBoundOfTheUnprovenIsTheOperators) {
  for (const double amplification_max : {0.0, 0.5, 3.0}) {
    SCOPED_TRACE(amplification_max);
    walk_unproven(Source::stranger, {.amplification_max = amplification_max}, Family::ipv4, 1);
    if (HasFailure()) return;
  }
  for (const LimitsMode limits : {LimitsMode::off, LimitsMode::dry_run}) {
    SCOPED_TRACE(static_cast<int>(limits));
    walk_unproven(Source::stranger, {.limits = limits}, Family::ipv6, 1);
    if (HasFailure()) return;
  }
}

TEST_P(AmplificationWalk, AProvenSourceIsSentNoMoreBeyondItsRequestsThanItsLimit) {
  for (const Source kind : {Source::pongs, Source::proven, Source::contact, Source::echoes}) {
    SCOPED_TRACE(source_names[static_cast<size_t>(kind)]);
    walk_proven(kind, {}, Family::ipv4);
    if (HasFailure()) return;
    walk_proven(kind, {.is_used_up = true}, Family::ipv6);
    if (HasFailure()) return;
  }
  expect_met();
}

INSTANTIATE_TEST_SUITE_P(States, AmplificationWalk, ::testing::ValuesIn(walk_states()),
                         [](const auto& walk) { return std::string(walk.param.name); });

// ---- Beyond the product: finer axes, in one state.

const State& a_few_contacts() {
  return walk_states()[1];
}

// Calls visit(const Octets&) for each request in each spelling.
template <class Visit>
void for_each_spelled(const Scene& scene, const Id& sender, Visit&& visit) {
  for (const Method method : {Method::ping, Method::stun, Method::find_node, Method::find_value}) {
    for_each_spelling(method, [&](const Spelling& spelling) {
      visit(spelled({method, scene.large_key}, sender, spelling));
    });
  }
  for (const Octets& value : spelled_values()) {
    for_each_spelling(Method::store, [&](const Spelling& spelling) {
      visit(spelled({Method::store, scene.absent_key, value}, sender, spelling));
    });
  }
}

TEST(AmplificationOfRequests, HoldsInEverySpelling) {
  for (const Family family : families) {
    for (const Peer peer : {Peer::silent, Peer::pongs}) {
      std::unique_ptr<Scene> scene;
      uint32_t count = 0;
      const Scene any(a_few_contacts(), {}, family, 1);
      for_each_spelled(any, Scene::id_of(1), [&](const Octets& request) {
        if (::testing::Test::HasFailure()) return;
        Request parsed;
        ASSERT_EQ(rpcudp::parse_request(request, &parsed), ParseError::none);
        if (count++ % 1000 == 0) {
          scene = std::make_unique<Scene>(a_few_contacts(), Setting{}, family, 1);
          scene->prepare(Source::stranger);
        }
        scene->node.send(scene->add(peer, Scene::id_of(1)), request);
        scene->node.run_for(milliseconds(200));
        ASSERT_EQ(scene->node.broken(), "");
      });
      EXPECT_GT(count, 10'000u);
    }
  }
}

// Of a store by its value, and of other requests by bytes after the message.
TEST(AmplificationOfRequests, HoldsForEverySize) {
  const Octets least = value_of_size(1);
  for (const double amplification_max : {1.0, 0.5}) {
    for (const Method method : {Method::ping, Method::find_value, Method::store}) {
      std::unique_ptr<Scene> scene;
      for (size_t size = 50; size <= held_large_size; ++size) {
        if (scene == nullptr || scene->age() > scene_lifetime) {
          const Setting setting{.amplification_max = amplification_max};
          scene = std::make_unique<Scene>(a_few_contacts(), setting, Family::ipv4, 1);
          scene->prepare(Source::stranger);
        }
        const Id& key = method == Method::store ? scene->absent_key : scene->large_key;
        const size_t value_size = std::clamp<size_t>(size, 74, 8213) - 73;
        const Octets value = method == Method::store ? value_of_size(value_size) : least;
        Octets request = spelled({method, key, value}, Scene::id_of(1));
        request.resize(std::max(request.size(), size));
        scene->node.send(scene->add(Peer::silent), request);
        scene->node.run_for(milliseconds(50));
        ASSERT_EQ(scene->node.broken(), "") << size;
      }
      const bool is_ping = method == Method::ping;
      const NodeCounter read = is_ping ? NodeCounter::requests_ping : NodeCounter::held;
      EXPECT_GT(scene->node.node().count(read), 8000u);
    }
  }
}

// As many as take more than the prefix may have, one after another.
TEST(AmplificationOfPrefixes, AreWithinTheLimitsOfEachLevel) {
  // The address of the i-th source, in one /24, /20 or /16.
  const auto address_of = [](size_t level, uint32_t i) -> uint32_t {
    if (level == 1) return 0x50000001 + i;
    if (level == 2) return 0x50000001 + (i << 8);
    return 0x50000001 + ((i % 16) << 12) + ((i / 16) << 8);
  };
  for (size_t level = 1; level < prefix_levels; ++level) {
    for (const uint32_t shards : {1, 2}) {
      SCOPED_TRACE(level);
      Scene scene(a_few_contacts(), {}, Family::ipv4, shards);
      scene.prepare(Source::stranger);
      std::vector<Endpoint> sources;
      for (uint32_t i = 0; i <= level_factors[level]; ++i) {
        sources.push_back(Endpoint::ipv4(address_of(level, i), 4000));
        scene.node.set_peer(sources[i], Scene::client_id(), Peer::pongs);
        scene.node.ask(sources[i], {Method::find_node, scene.absent_key});
        scene.node.run_for(seconds(1));
      }
      for (const Endpoint& source : sources) {
        for (int i = 0; i < 4; ++i) scene.node.ask(source, {Method::find_value, scene.large_key});
        ASSERT_EQ(scene.node.broken(), "");
        const bool is_served = scene.node.account(source).sent > value_size_max;
        EXPECT_EQ(is_served, source != sources.back()) << source.text();
      }
    }
  }
}

// ---- Who is named to the node, in answers to its own questions.

// Hosts of one prefix, or of many, and how often one lookup may ask them all together.
struct Named {
  const char* name;
  std::vector<Contact> contacts;
  uint32_t questions_max = 0;
  uint32_t pings_max = 0;
};

std::vector<Named> named_lists(const Scene& scene, const Id& self) {
  const Family family = scene.family();
  std::vector<Named> lists = {{"hosts", {}, bucket_size},
                              {"ports of a host", {}, lookup_subnet_max},
                              {"ids at an endpoint", {}, lookup_subnet_max},
                              {"hosts of a subnet", {}, lookup_subnet_max},
                              {"the node's own id", {}, 0, 1}};
  for (uint32_t i = 0; i < bucket_size; ++i) {
    const Id id = Scene::id_of(0xe000 + i);
    const Endpoint host = Scene::host(family, 0xe000 + i);
    Endpoint port = Scene::host(family, 0xe100);
    port.port = static_cast<uint16_t>(port.port + i);
    Endpoint neighbour = Scene::host(family, 0xe200);
    neighbour.address.bytes[15] = static_cast<uint8_t>(neighbour.address.bytes[15] + i);
    lists[0].contacts.push_back({id, host});
    lists[1].contacts.push_back({id, port});
    lists[2].contacts.push_back({id, Scene::host(family, 0xe300)});
    lists[3].contacts.push_back({id, neighbour});
    lists[4].contacts.push_back({self, host});
  }
  return lists;
}

// As `named_lists`, of addresses that mean another host to us, or none.
std::vector<Contact> out_of_reach() {
  std::vector<Contact> contacts;
  for (const char* text : {"10.0.0.9:1", "172.16.0.1:1", "192.168.1.1:1", "100.64.0.1:1",
                           "127.0.0.1:1", "169.254.0.1:1", "224.0.0.1:1", "255.255.255.255:1",
                           "0.0.0.0:1", "192.0.2.1:0", "[::1]:1", "[fe80::1]:1", "[fc00::1]:1",
                           "[ff02::1]:1", "[::]:1", "[64:ff9b::7f00:1]:1", "[2002:a00:1::1]:1"}) {
    const auto number = static_cast<uint32_t>(contacts.size());
    contacts.push_back({Scene::id_of(0xe000 + number), *Endpoint::parse(text)});
  }
  return contacts;
}

Octets contacts_reply(Bytes transaction, const std::vector<Contact>& contacts) {
  return datagram([&](MutableBytes out) {
    rpcudp::ContactsReply reply(out, transaction, contacts.size());
    for (const Contact& contact : contacts) {
      std::array<uint8_t, rpcudp::contact_tail_max> tail;
      const size_t size = rpcudp::encode_contact_tail(contact.endpoint, tail);
      reply.add(contact.id, Bytes(tail).first(size));
    }
    return reply.size();
  });
}

// A node whose contacts name these to each of its questions: those of its program, and two hours of
// its own.
class NamingScene {
 public:
  NamingScene(Family family, const std::vector<Contact>& named)
      : scene(a_few_contacts(), {}, family, 1) {
    scene.prepare(Source::stranger);
    scene.node.answer = [named](const WatchedNode::Account& peer,
                                const Request& request) -> std::optional<Octets> {
      const bool is_question =
          request.method == Method::find_node || request.method == Method::find_value;
      if (!is_question || peer.peer != Peer::answers) return std::nullopt;
      return contacts_reply(request.transaction, named);
    };
  }
  void run() {
    const Id key = scene.absent_key;
    const Octets value = value_of_size(value_size_max);
    const Instant now = scene.node.now();
    scene.node.call(key, [&](Node& node, Outputs& out) { node.get(now, 101, key, out); });
    scene.node.call(key, [&](Node& node, Outputs& out) { node.find(now, 102, key, out); });
    scene.node.call(key, [&](Node& node, Outputs& out) { node.set(now, 103, key, value, out); });
    scene.node.run_for(hours(2));
  }
  uint64_t lookups() { return scene.node.node().count(NodeCounter::lookups_started); }

  Scene scene;
};

TEST(AmplificationOfAnswers, WhoIsNamedIsAskedOnceALookupAndAHostFiveTimes) {
  for (const Family family : families) {
    const Scene any(a_few_contacts(), {}, family, 1);
    const Id self = NamingScene(family, {}).scene.node.node().id();
    for (const Named& named : named_lists(any, self)) {
      SCOPED_TRACE(named.name);
      NamingScene naming(family, named.contacts);
      for (const Contact& contact : named.contacts) {
        naming.scene.node.set_peer(contact.endpoint, contact.id, Peer::silent);
        naming.scene.node.name(contact.endpoint);
      }
      naming.run();
      ASSERT_EQ(naming.scene.node.broken(), "");
      uint64_t questions = 0;
      std::set<Endpoint> endpoints;
      for (const Contact& contact : named.contacts) endpoints.insert(contact.endpoint);
      for (const Endpoint& endpoint : endpoints) {
        const WatchedNode::Account& account = naming.scene.node.account(endpoint);
        questions += account.questions;
        const uint32_t each_max = endpoints.size() > 1 ? 1 : named.questions_max;
        EXPECT_LE(account.questions, naming.lookups() * each_max);
        EXPECT_EQ(account.stores, 0u);
        EXPECT_LE(account.pings, naming.lookups() * named.pings_max);
      }
      EXPECT_LE(questions, naming.lookups() * named.questions_max);
      EXPECT_EQ(questions > 0, named.questions_max > 0);
      EXPECT_GT(naming.lookups(), 3u) << "else there were none but the program's";
    }
  }
}

TEST(AmplificationOfAnswers, WhoIsOutOfReachIsSentNothing) {
  for (const Family family : families) {
    NamingScene naming(family, out_of_reach());
    naming.run();
    EXPECT_EQ(naming.scene.node.broken(), "");
    EXPECT_GT(naming.scene.node.node().count(NodeCounter::contacts_out_of_reach), 0u);
  }
}

TEST(AmplificationOfAnswers, WhoAnswersEachPingUnderAnotherIdIsNotPingedForIt) {
  for (const Family family : families) {
    Scene scene(a_few_contacts(), {}, family, 1);
    const Endpoint source = scene.prepare(Source::pongs)[0];
    scene.node.answer = [&](const WatchedNode::Account& peer,
                            const Request& request) -> std::optional<Octets> {
      if (peer.peer != Peer::pongs || request.method != Method::ping) return std::nullopt;
      return datagram([&](MutableBytes out) {
        return rpcudp::encode_ping_reply(out, request.transaction, scene.new_id());
      });
    };
    scene.node.ask(source, {Method::find_node, scene.absent_key});
    scene.node.run_for(minutes(5));
    EXPECT_EQ(scene.node.broken(), "");
    EXPECT_LE(scene.node.account(source).pings, 8u);
  }
}

}  // namespace
}  // namespace xord::testing
