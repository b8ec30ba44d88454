// A hostile host: answers just enough to pass for a node, and does one kind of harm. It knows every
// endpoint of the world, as an attacker who has crawled the network does, and may forge its source
// address. Bounded by its rate: one burst a tick.
#pragma once

#include <vector>

#include "tools/sim/world.h"

namespace xord::sim {

enum class Malice : uint8_t {
  silent,    // Answers pings and nothing else.
  liar,      // Names nonexistent contacts near any target; takes no store.
  eclipser,  // Sits near one key, names only its fellows, answers with its own values.
  forger,    // Sends requests and replies from the addresses of others.
  flooder,   // Sends many requests, damaged ones, nonsense, and repeats.
  count
};
constexpr const char* malice_names[] = {"silent", "liar", "eclipser", "forger", "flooder"};
static_assert(std::size(malice_names) == static_cast<size_t>(Malice::count));

// What all hostile hosts know.
struct Conspiracy {
  std::vector<Endpoint> everybody;
  std::vector<Contact> eclipsers;
  Duration tick = seconds(15);
  uint32_t burst = 20;
};

class HostileActor : public Actor {
 public:
  // `world` and `conspiracy` must outlive this object.
  HostileActor(World& world, const Conspiracy& conspiracy, uint32_t host, Malice malice, Rng rng);

  void receive(Instant now, const Datagram& datagram) override;
  void advance(Instant now) override;
  std::optional<Instant> next_wakeup() const override { return next_tick_; }
  const Id& id() const override { return id_; }
  bool holds(Instant, const Id&) override { return false; }
  // Programs never use a hostile host.
  void join(Instant, OperationId, std::span<const Endpoint>) override {}
  void find(Instant, OperationId, const Id&) override {}
  void get(Instant, OperationId, const Id&) override {}
  void set(Instant, OperationId, const Id&, Bytes) override {}

 private:
  void answer(const Endpoint& source, const Request& request);
  void answer_contacts(const Endpoint& source, const Request& request);
  void make_known();
  void forge();
  void flood();
  std::vector<uint8_t> some_request();
  Endpoint anybody();

  World& world_;
  const Conspiracy& conspiracy_;
  uint32_t host_;
  Malice malice_;
  Rng rng_;
  Id id_;
  Instant next_tick_;
  std::vector<uint8_t> heard_;  // One datagram, to be sent again.
};

}  // namespace xord::sim
