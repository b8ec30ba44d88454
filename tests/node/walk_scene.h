// A node in one of many states, in the middle of everyone that the walk over amplification needs:
// contacts, strangers, sources that are proven (tests/node/amplification_walk_test.cc). Equal
// scenes in which the same happens are equal in every byte.
#pragma once

#include <cstdint>
#include <ostream>
#include <span>
#include <variant>
#include <vector>

#include "node/counters.h"
#include "node/limits_config.h"
#include "tests/node/watched_node.h"

namespace xord::testing {

struct Setting {
  double amplification_max = 1.0;
  LimitsMode limits = LimitsMode::on;
  // Whether the source's address has had all that it may have beyond its requests, by another port.
  bool is_used_up = false;
};
// What an address may have beyond its requests: two answers with the largest value, then no more.
constexpr uint64_t walk_excess_a_second = 2048;

// Who sends.
enum class Source : uint8_t {
  stranger,  // Has proven nothing, and answers nothing.
  lapsed,    // Likewise, but it was proven more than ten minutes ago.
  lost,      // Likewise, but it was a contact before it fell silent, and is pinged now and then.
  pongs,     // Proves itself once it is pinged.
  proven,    // Has done so, was not filed, and answers nothing any more.
  contact,   // Is filed, and answers.
  echoes,    // Sends back what it gets.
};
constexpr const char* source_names[] = {"stranger", "lapsed",  "lost",  "pongs",
                                        "proven",   "contact", "echoes"};

class Scene;
// A state of the node, and how to bring it about.
struct State {
  const char* name;
  void (*configure)(NodeConfig&, ModelOptions&) = nullptr;
  void (*prepare)(Scene&) = nullptr;
  void (*prime)(Scene&) = nullptr;    // Just before a datagram comes.
  void (*release)(Scene&) = nullptr;  // A second after it.
  // If it is not `count`: above 0 once the state was met.
  std::variant<NodeCounter, NodeSum> met = NodeCounter::count;
};
inline void PrintTo(const State& state, std::ostream* out) {
  *out << state.name;
}
std::span<const State> walk_states();

class Scene {
 public:
  Scene(const State& state, const Setting& setting, Family family, uint32_t shards);

  Family family() const { return family_; }
  // Since its sources were added.
  Duration age() const { return node.now() - begin_; }

  // Adds sources of this kind, and brings about the state.
  std::vector<Endpoint> prepare(Source source, uint32_t count = 1);
  // Primes the state, has `datagrams` come from `source` at once, and lets `length` pass, of which
  // a second passes before the state is released.
  void send(const Endpoint& source, std::span<const Octets> datagrams, Duration length);

  // --- For the states.

  Endpoint add(Peer peer, const Id& id);
  Endpoint add(Peer peer) { return add(peer, id_of(hosts_ + 1)); }
  // One that has proven itself and is never filed.
  Endpoint add_asker();
  // `count` contacts of both families in turn, that answered an earlier run `age` ago.
  void restore(uint32_t count, Duration age);
  // The same, which have been up for long, and answer a ping now.
  void meet(uint32_t count);
  Id new_id() { return id_of(0x10000 + ++ids_); }

  static Id id_of(uint32_t number);
  // Each has a /24 or a /56 to itself.
  static Endpoint host(Family family, uint32_t number);
  static Id client_id() { return id_of(0xc11e47); }  // Never filed.

  Id large_key;  // Of a value of the largest size.
  Id small_key;  // Of one of ten bytes.
  const Id absent_key = id_of(0xab5e47);
  WatchedNode node;
  std::vector<Endpoint> contacts;
  std::vector<Endpoint> askers;

 private:
  static NodeConfig config_of(const State& state, const Setting& setting);
  static ModelOptions options_of(const State& state);
  std::vector<Endpoint> add(Source source, uint32_t count);
  void prove(const Endpoint& source);
  void use_up(const Endpoint& source);

  const State& state_;
  const Setting setting_;
  const Family family_;
  Instant begin_;
  uint32_t hosts_ = 0;
  uint32_t ids_ = 0;
};

}  // namespace xord::testing
