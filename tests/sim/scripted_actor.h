// A program in a world that does what a test tells it, and notes what happens to it.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tools/sim/world.h"

namespace xord::sim {

class ScriptedActor : public Actor {
 public:
  struct Heard {
    Instant at;  // On the host's own time.
    Endpoint from;
    std::vector<uint8_t> bytes;
  };

  // Starts on a host of a kind that needs no xord node; the world owns it.
  static ScriptedActor& start(World& world, uint32_t host) {
    auto actor = std::make_unique<ScriptedActor>(world.host(host).id);
    ScriptedActor& started = *actor;
    world.start(host, std::move(actor));
    return started;
  }
  explicit ScriptedActor(const Id& id) : id_(id) {}

  void receive(Instant now, const Datagram& datagram) override {
    heard.push_back({now, datagram.path.remote, {datagram.bytes.begin(), datagram.bytes.end()}});
  }
  void advance(Instant now) override {
    advanced.push_back(now);
    if (wakeup && *wakeup <= now) wakeup.reset();
  }
  std::optional<Instant> next_wakeup() const override { return wakeup; }
  const Id& id() const override { return id_; }
  bool holds(Instant, const Id&) override { return false; }
  void join(Instant, OperationId, std::span<const Endpoint>) override {}
  void find(Instant, OperationId, const Id&) override {}
  void get(Instant, OperationId, const Id&) override {}
  void set(Instant, OperationId, const Id&, Bytes) override {}

  std::vector<Heard> heard;
  std::vector<Instant> advanced;
  std::optional<Instant> wakeup;

 private:
  Id id_;
};

}  // namespace xord::sim
