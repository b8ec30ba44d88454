// Actor: the program at an endpoint of a simulated network: a xord node, a node that behaves as the
// Python library does, or a hostile one. The world drives it on the host's own time; it hands what
// it sends and the results of its operations to its Surroundings.
#pragma once

#include <optional>

#include "node/operation_result.h"
#include "reactor/base/datagram.h"
#include "reactor/base/instant.h"

namespace xord::sim {

class Surroundings {
 public:
  virtual ~Surroundings() = default;
  // `bytes` are valid only during the call.
  virtual void send(uint32_t host, const Endpoint& to, Bytes bytes) = 0;
  virtual void finished(uint32_t host, const OperationResult& result, Bytes tail) = 0;
};

class Actor {
 public:
  virtual ~Actor() = default;
  virtual void receive(Instant now, const Datagram& datagram) = 0;
  virtual void advance(Instant now) = 0;
  // When advance() is next needed.
  virtual std::optional<Instant> next_wakeup() const = 0;
  virtual const Id& id() const = 0;
  // Whether it would serve a value of `key` now.
  virtual bool holds(Instant now, const Id& key) = 0;

  // Operations. Each ends with exactly one Surroundings::finished().
  virtual void join(Instant now, OperationId operation, std::span<const Endpoint> endpoints) = 0;
  virtual void find(Instant now, OperationId operation, const Id& target) = 0;
  virtual void get(Instant now, OperationId operation, const Id& key) = 0;
  virtual void set(Instant now, OperationId operation, const Id& key, Bytes value) = 0;
};

}  // namespace xord::sim
