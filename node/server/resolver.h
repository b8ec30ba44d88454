// Resolves names on a thread of its own: a dead name server blocks getaddrinfo(3) for half a
// minute, and neither results nor a stop wait for that. One batch at a time; its answer rings a
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
  std::string unresolved;           // The names that are not among them, and why; empty: all are.
};

class Resolver {
 public:
  // `answered` is rung when take() has something; it is borrowed until the resolver is destroyed.
  explicit Resolver(Doorbell& answered);
  // Does not wait for a lookup in progress: that thread ends by itself and touches nothing of ours.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  bool is_busy() const { return busy_; }
  // Starts on "host:port" texts. Not while busy. Where the host grants no thread none resolves.
  void begin(std::vector<std::string> names);
  // The answer to begin(), once.
  std::optional<ResolvedNames> take();

 private:
  struct Shared;
  Doorbell& answered_;
  std::shared_ptr<Shared> shared_;
  bool busy_ = false;
};

// The same without a thread; blocks as long as the names take.
ResolvedNames resolve_all(const std::vector<std::string>& names);

}  // namespace xord
