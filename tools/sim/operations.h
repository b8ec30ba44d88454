// Operations: starts gets, sets, finds and joins on hosts of a world and reports the outcome of
// each exactly once, even if the host went down meanwhile. Does not judge the outcomes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "tools/sim/world.h"

namespace xord::sim {

struct Outcome {
  bool was_cut_off = false;  // The host went down: there is no result.
  OperationResult result;
  Duration took;
  std::vector<uint8_t> value;
  std::vector<Contact> contacts;

  bool is_done() const { return !was_cut_off && result.status == OperationStatus::done; }
};

class Operations : public Watcher {
 public:
  using Done = std::function<void(const Outcome&)>;

  explicit Operations(World& world) : world_(world) { world.add_watcher(*this); }

  // In all calls below the host must be up.
  void join(uint32_t host, std::vector<Endpoint> endpoints, Done done);
  void find(uint32_t host, const Id& target, Done done);
  void get(uint32_t host, const Id& key, Done done);
  void set(uint32_t host, const Id& key, std::vector<uint8_t> value, Done done);
  void keep(uint32_t xord_host, const Id& key, std::vector<uint8_t> value, Done done);
  // The operation that has been open the longest, if that is longer than `limit`.
  struct Overdue {
    uint32_t host = 0;
    const char* what = "";
  };
  std::optional<Overdue> overdue(Duration limit) const;

  void turn_begins(uint32_t, const Datagram*) override {}
  void sent(uint32_t, const Endpoint&, Bytes) override {}
  void turn_ends(uint32_t) override {}
  void finished(uint32_t host, const OperationResult& result, Bytes tail) override;
  void went_down(uint32_t host, Storage storage) override;

 private:
  struct Open {
    uint32_t host = 0;
    const char* what = "";
    Instant began;
    Done done;
  };
  OperationId open(uint32_t host, const char* what, Done done);

  World& world_;
  OperationId next_ = 1;
  std::map<OperationId, Open> open_;
};

}  // namespace xord::sim
