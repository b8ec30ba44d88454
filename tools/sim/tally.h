// Tally: counts the requests of each kind that xord nodes send, which shows what a network spends
// its traffic on. Looks at datagrams only.
#pragma once

#include <array>

#include "node/wire/message.h"
#include "reactor/base/check.h"
#include "tools/sim/world.h"

namespace xord::sim {

using RequestCounts = std::array<uint64_t, static_cast<size_t>(Method::count)>;

class Tally : public Watcher {
 public:
  explicit Tally(World& world) : world_(world) { world.add_watcher(*this); }
  const RequestCounts& requests() const { return requests_; }

  void turn_begins(uint32_t, const Datagram*) override {}
  void sent(uint32_t host, const Endpoint&, Bytes bytes) override {
    const Dialect& dialect = world_.dialect();
    Request request;
    if (world_.host(host).node == nullptr || dialect.is_reply(bytes)) return;
    if (dialect.read_request(bytes, &request) != ParseError::none) return;
    DCHECK(request.method < Method::count);
    ++requests_[static_cast<size_t>(request.method)];
  }
  void turn_ends(uint32_t) override {}
  void finished(uint32_t, const OperationResult&, Bytes) override {}
  void went_down(uint32_t, Storage) override {}

 private:
  World& world_;
  RequestCounts requests_{};
};

}  // namespace xord::sim
