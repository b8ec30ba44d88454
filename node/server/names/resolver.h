// Resolves names on its own thread: a dead name server blocks getaddrinfo(3) for half a minute, and
// neither results nor a stop should wait for that. One batch at a time; its answer rings a
// doorbell.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reactor/base/endpoint.h"
#include "reactor/doorbell.h"

namespace xord {

struct ResolvedNames {
  std::vector<Endpoint> endpoints;  // No two equal, in the order of the names.
  std::string unresolved;           // Names that could not be resolved, and why; empty: all were.
};

class Resolver {
 public:
  // `answered` is rung when take() has something; it is borrowed until the resolver is destroyed.
  explicit Resolver(Doorbell& answered);
  // Does not wait for a lookup in progress: its thread ends by itself and touches nothing of ours.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  bool is_busy() const { return busy_; }
  // Starts resolving "host:port" texts. Not while busy. If the host grants no thread, none is
  // resolved.
  void begin(std::vector<std::string> names);
  // Returns the answer to begin(), once.
  std::optional<ResolvedNames> take();

 private:
  struct Shared;
  Doorbell& answered_;
  std::shared_ptr<Shared> shared_;
  bool busy_ = false;
};

// The same without a thread; blocks for as long as the names take.
ResolvedNames resolve_all(const std::vector<std::string>& names);

}  // namespace xord
