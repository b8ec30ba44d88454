// What programs do on a simulated network: at random times they set values, get them, and look up
// random ids. Records which keys exist and how operations went. Bounded: records_max records; no
// more operations of a host at a time than its pool holds.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tools/sim/census.h"
#include "tools/sim/checkers.h"
#include "tools/sim/operations.h"

namespace xord::sim {

struct WorkloadOptions {
  Duration set_every = seconds(60);  // Average over the whole network; 0: never.
  Duration get_every = seconds(20);
  Duration find_every = seconds(60);
  Duration python_set_every{};  // The same by Python nodes, besides the sets by xord nodes.
  Duration python_get_every{};
  uint32_t records_max = 200;
  uint32_t value_size_max = 400;
  double kept_share = 0;  // Share of sets that their host keeps published (`xord set --keep`).
  // Hostile hosts store values of their own, and copies of others' with bits flipped, so the result
  // of a get cannot be held against a node.
  bool is_attacked = false;
};

// A distribution kept as all of its values: runs are short enough.
class Sample {
 public:
  void add(double value) { values_.push_back(value); }
  size_t count() const { return values_.size(); }
  double mean() const;
  double quantile(double share) const;

 private:
  std::vector<double> values_;
};

struct OperationStats {
  uint64_t begun = 0;
  uint64_t right = 0;    // Found the value; stored; found exactly the nearest.
  uint64_t cut_off = 0;  // The host went down.
  uint64_t refused = 0;
  uint64_t poisoned = 0;  // Gets that returned an attacker's value.
  Sample seconds;
  Sample asked;
  Sample hops;

  void add(const Outcome& outcome);
  uint64_t ended() const { return seconds.count(); }
};

// Operations of nodes of the Python library.
struct PythonStats {
  OperationStats bootstraps;
  OperationStats sets;
  OperationStats gets;
};

class Workload {
 public:
  using Ended = std::function<void()>;

  Workload(World& world, Operations& operations, Checkers& checkers,
           const WorkloadOptions& options);

  // Starts, and goes on until `until`.
  void run_until(Instant until);
  // Each does one operation, by a random member.
  void set_one();
  void set_new();  // Under a new key.
  void get_one();
  void find_one();
  void python_set_one();
  void python_get_one();
  // The same by `host`, which must be up: counts it in `stats` and then calls `ended`, unless the
  // host went down. False if there is nothing to get, or no key to set.
  bool set_as(uint32_t host, OperationStats& stats, const Ended& ended = {});
  bool get_as(uint32_t host, OperationStats& stats, const Ended& ended = {});

  // The keys that have been set.
  const std::set<Id>& records() const { return records_; }
  OperationStats& sets() { return sets_; }
  OperationStats& gets() { return gets_; }
  OperationStats& finds() { return finds_; }
  PythonStats& python() { return python_; }
  // Our values begin in a way that an attacker's do not.
  static bool is_ours(Bytes value);

 private:
  using Deed = void (Workload::*)();
  void repeat(Deed deed, Duration every);
  // A random honest host of that kind that has been up for a while.
  std::optional<uint32_t> member(HostKind kind);
  void set_key(uint32_t host, const Id& key, const std::vector<uint8_t>& value,
               OperationStats& stats, const Ended& ended);
  void get_key(uint32_t host, const Id& key, OperationStats& stats, const Ended& ended);
  void judge_get(uint32_t host, const Id& key, OperationStats& stats, const Outcome& outcome);
  std::vector<uint8_t> new_value();
  std::optional<Id> known_key();

  World& world_;
  Operations& operations_;
  Checkers& checkers_;
  WorkloadOptions options_;
  Census census_;
  Rng rng_;
  Instant until_{};
  uint32_t hosts_count_ = 0;  // Hosts that existed at the start.
  std::set<Id> records_;
  std::map<Id, std::vector<std::vector<uint8_t>>> ever_set_;  // Values of each key.
  std::vector<Id> keys_;                                      // In order of appearance.
  OperationStats sets_;
  OperationStats gets_;
  OperationStats finds_;
  PythonStats python_;
};

}  // namespace xord::sim
