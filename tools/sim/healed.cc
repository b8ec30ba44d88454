#include "tools/sim/healed.h"

#include <algorithm>
#include <cmath>

#include "reactor/base/check.h"
#include "tools/sim/draw.h"

namespace xord::sim {
namespace {

constexpr uint32_t finds_at_end = 20;
constexpr uint32_t gets_at_end = 40;
// The pause between two of the operations below, which run one after the other.
constexpr Duration between_operations = seconds(6);
// The expiries of a record's copies differ by the rounding of ages and by the hosts' clocks.
constexpr Duration expiry_slack = minutes(15);

// The datagrams of one call: the request, its answer, and the callee's ping of a source whose proof
// has lapsed, with its pong.
constexpr double datagrams_a_call = 4;
// The calls of a lookup in a network at rest: the k nearest, and some on the way.
constexpr double calls_a_lookup = 30;
// The calls of a region's survey: each node of the smallest range with k nodes.
constexpr double calls_a_survey = 40;
// Refreshes come at least 0.9 of an hour apart.
constexpr double refreshes_an_hour = 1 / 0.9;
// Contacts are pinged each half hour, and once whenever an answer names them after their trust ran
// out: by now they have been up for an hour.
constexpr double pings_an_hour = 2 + static_cast<double>(hours(1).whole_seconds()) /
                                         static_cast<double>(trust_after_an_hour.whole_seconds());

}  // namespace

Healed::Healed(World& world, Operations& operations, Checkers& checkers, Workload& workload,
               bool is_demanded)
    : world_(world),
      operations_(operations),
      checkers_(checkers),
      workload_(workload),
      is_demanded_(is_demanded),
      census_(world),
      rng_(world.rng("healed")) {}

uint32_t Healed::random_member() {
  return members_[rng_.bounded(members_.size())];
}

// ---- Records on their k nearest.

// Whether all existing copies will be served for `length`. A copy that expires earlier by its
// holder's clock proves nothing against the other holders.
bool Healed::lives_on(const Id& key, Duration length) const {
  return std::all_of(members_.begin(), members_.end(), [&](uint32_t host) {
    if (world_.host(host).node == nullptr) return false;
    const auto left = world_.host(host).node->life_left(world_.local_now(host), key);
    return !left || *left > length;
  });
}

void Healed::note_records() {
  CHECK(held_.empty());
  members_ = census_.members();
  for (const Id& key : workload_.records()) {
    const std::vector<uint32_t> nearest = census_.nearest(members_, key, bucket_size);
    const bool is_held = std::any_of(nearest.begin(), nearest.end(), [&](uint32_t host) {
      return world_.host(host).actor->holds(world_.local_now(host), key);
    });
    if (is_held && lives_on(key, replication_due + expiry_slack)) held_.push_back(key);
  }
}

// A store that holds as much as it may refuses new records.
bool Healed::may_refuse(uint32_t index) const {
  const Host& host = world_.host(index);
  for (uint32_t shard = 0; shard < host.shards; ++shard) {
    const auto& counters = host.node->store(shard).counters();
    if (counters.read(StoreCount::records) >= world_.options().xord.store.records_max) return true;
  }
  return false;
}

void Healed::check_records_placed() {
  const bool holders_republish = world_.dialect().traits().holders_republish;
  for (const Id& key : held_) {
    const std::vector<uint32_t> nearest = census_.nearest(members_, key, bucket_size);
    const auto lacking = std::find_if(nearest.begin(), nearest.end(), [&](uint32_t host) {
      return !world_.host(host).actor->holds(world_.local_now(host), key) && !may_refuse(host);
    });
    ++counts_.records;
    counts_.placed += lacking == nearest.end();
    if (lacking == nearest.end() || !is_demanded_ || !holders_republish) continue;
    checkers_.violated(*lacking,
                       "does not hold a record for which it is among the k nearest, "
                       "two republishes after everything was healed");
  }
}

// ---- A network at rest.

void Healed::begin_quiet() {
  CHECK(least_.empty());
  quiet_since_ = world_.now();
  quiet_datagrams_ = world_.datagrams_sent();
  look_at_tables();
}

void Healed::look_at_tables() {
  for (const uint32_t host : members_) {
    const XordNode* node = world_.host(host).node;
    if (node == nullptr) continue;
    const auto known = least_.find(host);
    const NodeUsage now = node->usage();
    if (known == least_.end()) {
      least_[host] = now;
      continue;
    }
    for (size_t i = 0; i < now.size(); ++i) known->second[i] = std::min(known->second[i], now[i]);
  }
}

// The upkeep of each node, from what it has: pings, and a refresh for each bucket and for each
// range without one; and what all nodes replicate. A record is stored by one holder an hour, at k -
// 1 nodes, for which a region is looked up and surveyed; and by its publisher, too.
double Healed::datagrams_allowed() const {
  double hourly = 0;
  for (const uint32_t host : members_) {
    // It is demanded of xord nodes only, and the members stay up.
    CHECK(world_.host(host).node != nullptr);
    const XordNode& node = *world_.host(host).node;
    uint32_t contacts = 0;
    uint32_t buckets = 0;
    for (uint32_t shard = 0; shard < node.shards_count(); ++shard) {
      contacts = std::max(contacts, node.node(shard).contacts_count());
      buckets += node.node(shard).buckets_count();
    }
    const double ranges = std::log2(static_cast<double>(members_.size())) + 1;
    hourly += pings_an_hour * 2 * contacts +
              refreshes_an_hour * (buckets + ranges) * calls_a_lookup * datagrams_a_call;
  }
  const double records = static_cast<double>(workload_.records().size());
  const double publishing = records * 3600 / world_.options().xord.publish_after.seconds();
  hourly +=
      (records + publishing) * (calls_a_lookup + calls_a_survey + bucket_size) * datagrams_a_call;
  return hourly / 3600 / static_cast<double>(members_.size());
}

void Healed::check_quiet() {
  CHECK(world_.now() > quiet_since_);
  const double elapsed = (world_.now() - quiet_since_).seconds();
  counts_.datagrams = static_cast<double>(world_.datagrams_sent() - quiet_datagrams_) /
                      (elapsed * static_cast<double>(members_.size()));
  if (!is_demanded_) return;
  counts_.datagrams_max = datagrams_allowed();
  if (counts_.datagrams > counts_.datagrams_max) {
    checkers_.violated(0, std::to_string(counts_.datagrams) +
                              " datagrams per node and second in a network at rest, of " +
                              std::to_string(counts_.datagrams_max));
  }
  for (const auto& [host, usage] : least_) {
    for (size_t i = 0; i < usage.size(); ++i) {
      if (usage[i] == 0) continue;
      checkers_.violated(host, std::to_string(usage[i]) + " " + node_table_names[i] +
                                   " in use all the time in a network at rest");
    }
  }
}

// ---- What programs can find.

void Healed::check_finds() {
  members_ = census_.members();
  for (uint32_t i = 0; i < finds_at_end && !members_.empty(); ++i) {
    const uint32_t asker = random_member();
    if (world_.host(asker).kind != HostKind::xord) continue;
    const Id target = random_id(rng_);
    ++counts_.finds;
    operations_.find(asker, target, [this, asker, target](const Outcome& outcome) {
      counts_.exact += census_.is_exact(members_, asker, target, outcome.contacts);
    });
    world_.run_for(between_operations);
  }
  world_.run_for(seconds(30));
  CHECK(counts_.exact <= counts_.finds);
  if (is_demanded_ && counts_.exact < counts_.finds) {
    checkers_.violated(0, std::to_string(counts_.finds - counts_.exact) + " of " +
                              std::to_string(counts_.finds) +
                              " lookups are not exact after everything was healed");
  }
}

// A record that any node holds must be found by every node.
void Healed::check_records_found() {
  std::vector<Id> keys;
  for (const Id& key : workload_.records()) {
    const std::vector<uint32_t> nearest = census_.nearest(members_, key, bucket_size);
    const auto holders = std::count_if(nearest.begin(), nearest.end(), [&](uint32_t host) {
      // Skip records that are about to expire.
      const Instant later = world_.local_now(host) + minutes(10);
      return world_.host(host).actor->holds(later, key);
    });
    if (holders > 0) keys.push_back(key);
  }
  for (uint32_t i = 0; i < gets_at_end && !keys.empty() && !members_.empty(); ++i) {
    const uint32_t asker = random_member();
    const Id key = keys[rng_.bounded(keys.size())];
    if (world_.host(asker).kind != HostKind::xord) continue;
    ++counts_.gets;
    operations_.get(asker, key,
                    [this](const Outcome& outcome) { counts_.got += outcome.is_done(); });
    world_.run_for(between_operations);
  }
  world_.run_for(seconds(30));
  CHECK(counts_.got <= counts_.gets);
  if (is_demanded_ && counts_.got < counts_.gets) {
    checkers_.violated(0, "a record is held by one of the k nearest and was not found");
  }
}

}  // namespace xord::sim
