#include "tools/sim/operations.h"

#include <cstring>
#include <type_traits>

#include "reactor/base/check.h"

namespace xord::sim {

OperationId Operations::open(uint32_t host, const char* what, Done done) {
  CHECK(world_.host(host).is_up() && done != nullptr);
  open_[next_] = {host, what, world_.now(), std::move(done)};
  return next_++;
}

std::optional<Operations::Overdue> Operations::overdue(Duration limit) const {
  // Ids are given in the order of time.
  CHECK(open_.empty() || open_.begin()->second.began <= open_.rbegin()->second.began);
  if (open_.empty() || world_.now() - open_.begin()->second.began <= limit) return std::nullopt;
  return Overdue{open_.begin()->second.host, open_.begin()->second.what};
}

void Operations::join(uint32_t host, std::vector<Endpoint> endpoints, Done done) {
  const OperationId operation = open(host, "join", std::move(done));
  world_.act(host, [&](Actor& actor, Instant now) { actor.join(now, operation, endpoints); });
}

void Operations::find(uint32_t host, const Id& target, Done done) {
  const OperationId operation = open(host, "find", std::move(done));
  world_.act(host, [&](Actor& actor, Instant now) { actor.find(now, operation, target); });
}

void Operations::get(uint32_t host, const Id& key, Done done) {
  const OperationId operation = open(host, "get", std::move(done));
  world_.act(host, [&](Actor& actor, Instant now) { actor.get(now, operation, key); });
}

void Operations::set(uint32_t host, const Id& key, std::vector<uint8_t> value, Done done) {
  const OperationId operation = open(host, "set", std::move(done));
  world_.act(host, [&](Actor& actor, Instant now) { actor.set(now, operation, key, value); });
}

void Operations::keep(uint32_t host, const Id& key, std::vector<uint8_t> value, Done done) {
  CHECK(world_.host(host).node != nullptr);
  const OperationId operation = open(host, "keep", std::move(done));
  world_.act(
      host, [&](Actor&, Instant now) { world_.host(host).node->keep(now, operation, key, value); });
}

// The caller learns of the result in a separate turn, since it may want to act on the same host.
void Operations::finished(uint32_t host, const OperationResult& result, Bytes tail) {
  const auto found = open_.find(result.operation);
  CHECK(found != open_.end());  // Exactly one result an operation.
  CHECK(found->second.host == host);
  static_assert(std::is_trivially_copyable_v<Contact>);
  CHECK(tail.size() == result.value_size + result.contacts_count * sizeof(Contact));
  Outcome outcome;
  outcome.result = result;
  outcome.took = world_.now() - found->second.began;
  const Bytes value = tail.first(result.value_size);
  outcome.value.assign(value.begin(), value.end());
  outcome.contacts.resize(result.contacts_count);
  if (result.contacts_count > 0) {
    std::memcpy(outcome.contacts.data(), tail.data() + result.value_size,
                outcome.contacts.size() * sizeof(Contact));
  }
  world_.plan(world_.now(), [done = std::move(found->second.done), outcome = std::move(outcome)] {
    done(outcome);
  });
  open_.erase(found);
}

void Operations::went_down(uint32_t host, Storage) {
  for (auto open = open_.begin(); open != open_.end();) {
    if (open->second.host != host) {
      ++open;
      continue;
    }
    Outcome outcome;
    outcome.was_cut_off = true;
    world_.plan(world_.now(), [done = std::move(open->second.done), outcome] { done(outcome); });
    open = open_.erase(open);
  }
}

}  // namespace xord::sim
