#include "tools/sim/setup.h"

#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "reactor/base/check.h"

#include <cmath>
#include <numeric>
#include <sstream>

namespace xord::sim {
namespace {

// The limits of a node in a simulated network.
XordConfig small_node() {
  XordConfig config;
  config.node.budget = Budget::simulated();
  config.node.routing = RoutingConfig::simulated();
  config.node.operations = 4;
  config.node.pending_answers = 64;
  config.node.waiting_requests = 16;
  config.node.waiting_bytes = 16 << 10;
  config.store.records_max = 400;
  config.store.memory_max = 64 << 10;
  config.store.write_bytes_max = 32 << 10;
  config.store.writes_max = 32;
  config.store.republish.after = static_cast<NodeSeconds>(republish_after.whole_seconds());
  config.published_max = 32;
  return config;
}

// Smaller still, so that 100,000 fit in memory: few operations at a time, short values, no list.
XordConfig slim_node() {
  XordConfig config = small_node();
  config.node.budget.lookups = 3;
  config.node.budget.lookup_rows = 64;
  config.node.budget.lookup_values = 1;
  config.node.budget.other_requests = 32;
  config.node.budget.held_small = 12;
  config.node.budget.held_medium = 1;
  config.node.budget.held_large = 1;
  config.node.budget.regions = 1;
  config.node.budget.replications = 1;
  config.node.routing.contacts_max = 640;
  config.node.routing.buckets_max = 48;
  config.node.routing.recent_pings = 128;
  config.node.operations = 2;
  config.node.pending_answers = 16;
  config.node.waiting_requests = 4;
  config.node.waiting_bytes = 2 << 10;
  config.store.value_size_max = 512;
  config.store.records_max = 64;
  config.store.memory_max = 8 << 10;
  config.store.write_bytes_max = 2 << 10;
  config.store.writes_max = 8;
  config.published_max = 0;
  return config;
}

// Above this number of nodes, hosts are slim and datagrams are not checked.
constexpr uint32_t large_network = 5000;

// A silent contact is dropped long before this.
constexpr Duration filed_at_most = hours(4);

Duration maybe(Rng& rng, double probability, Duration from, Duration to) {
  const Duration drawn = between(rng, from, to);  // Always drawn: later draws stay as they are.
  return rng.chance(probability) ? drawn : Duration{};
}

void draw_faults(Rng rng, uint32_t nodes, FaultOptions& faults) {
  CHECK(nodes > 0);
  // Given for each node: a node crashes once in this time on average.
  faults.crash_every = maybe(rng, 0.6, minutes(20), hours(10)) / nodes;
  faults.down_mean = between(rng, seconds(20), minutes(40));
  faults.lose_storage = rng.chance(0.5) ? rng.unit() : 0;
  faults.down_max = 0.1 + rng.unit() * 0.5;
  faults.stall_every = maybe(rng, 0.5, minutes(10), hours(5)) / nodes;
  faults.stall_mean = between(rng, milliseconds(200), minutes(1));
  faults.leap_every = maybe(rng, 0.3, hours(1), hours(20)) / nodes;
  faults.leap_mean = between(rng, seconds(1), hours(1));
  faults.wall_every = maybe(rng, 0.3, hours(1), hours(20)) / nodes;
  faults.wall_mean = between(rng, seconds(1), hours(48));
  faults.partition_every = maybe(rng, 0.4, minutes(10), hours(2));
  faults.partition_mean = between(rng, seconds(10), minutes(40));
  faults.one_way = rng.unit();
  faults.disk_every = maybe(rng, 0.3, hours(1), hours(20)) / nodes;
  faults.disk_mean = between(rng, seconds(1), minutes(30));
}

void draw_network(Rng rng, NetworkOptions& network) {
  network.loss = rng.chance(0.6) ? rng.unit() * 0.25 : 0;
  network.duplicate = rng.chance(0.4) ? rng.unit() * 0.1 : 0;
  network.delay_min = between(rng, microseconds(100), milliseconds(60));
  network.delay_mean = between(rng, milliseconds(1), milliseconds(80));
  network.straggling = rng.chance(0.4) ? rng.unit() * 0.05 : 0;
  network.straggling_mean = between(rng, milliseconds(200), seconds(6));
  network.queue_max = between(rng, 32u, 512u);
}

void draw_population(Rng rng, Setup& setup) {
  setup.shards_max = rng.chance(0.4) ? between(rng, 2u, 5u) : 1;
  setup.drift_ppm_max = rng.chance(0.5) ? static_cast<int32_t>(rng.bounded(300)) : 0;
  setup.python_share = rng.chance(0.25) ? rng.unit() * 0.4 : 0;
  setup.nat_share = rng.chance(0.2) ? rng.unit() * 0.3 : 0;
  const uint32_t most = std::max(1u, setup.nodes / 20);
  for (uint32_t& count : setup.hostile) count = rng.chance(0.12) ? between(rng, 1u, most) : 0;
  // A Python node keeps everything that a flood stores, and walks all of it for each newcomer.
  const bool is_flooded = setup.hostile[static_cast<size_t>(Malice::flooder)] > 0 ||
                          setup.hostile[static_cast<size_t>(Malice::forger)] > 0;
  if (is_flooded) setup.python_share = 0;
  setup.join_span = between(rng, seconds(10), seconds(int64_t{setup.nodes} * 4));
}

// Makes room in each host for `times` its even share of the copies of `records`.
void make_room(Setup& setup, uint32_t records, uint64_t times) {
  CHECK(setup.nodes > 0);
  const uint64_t share = times * bucket_size * records / setup.nodes;
  CHECK(share <= UINT32_MAX);
  uint32_t& most = setup.world.xord.store.records_max;
  most = std::max(most, static_cast<uint32_t>(share));
}

std::string shown(Duration duration) {
  std::ostringstream text;
  text << std::round(duration.seconds() * 1000) / 1000 << " s";
  return text.str();
}

std::string every(const char* what, Duration interval) {
  return interval == Duration{} ? std::string()
                                : std::string(what) + " every " + shown(interval) + ", ";
}

}  // namespace

uint32_t Setup::hostile_count() const {
  return std::accumulate(hostile.begin(), hostile.end(), 0u);
}

Setup draw_setup(uint64_t seed, std::optional<uint32_t> nodes, std::optional<Duration> length) {
  const Rng rng(seed);
  Setup setup;
  setup.scenario = Scenario::swarm;
  setup.seed = seed;
  setup.world.seed = seed;
  setup.world.dialect = &rpcudp::dialect();
  Rng size_rng = rng.split("size");
  // Sizes from 20 to 300, evenly by logarithm: as many small networks as large ones.
  const double drawn = 20 * std::pow(15.0, size_rng.unit());
  setup.nodes = nodes.value_or(static_cast<uint32_t>(std::lround(drawn)));
  setup.length = length.value_or(between(size_rng, minutes(30), hours(3)));
  draw_network(rng.split("network options"), setup.world.network);
  draw_faults(rng.split("fault options"), setup.nodes, setup.faults);
  draw_population(rng.split("population"), setup);
  setup.world.xord = small_node();
  Rng store_rng = rng.split("store options");
  setup.world.xord.node.ttl =
      store_rng.chance(0.5) ? between(store_rng, hours(1), hours(12)) : hours(7 * 24);
  setup.world.xord.node.ttl = seconds(setup.world.xord.node.ttl.whole_seconds());
  setup.world.xord.disk.delay_mean = between(store_rng, microseconds(100), milliseconds(20));
  setup.world.xord.disk.keep_values_share = store_rng.unit();
  if (store_rng.chance(0.3)) setup.world.xord.store.memory_max = 4 << 10;  // Values are cold.
  setup.workload.records_max = between(store_rng, 10u, 150u);
  setup.workload.kept_share = store_rng.chance(0.5) ? store_rng.unit() * 0.5 : 0;
  // A daily cycle would be longer than most runs.
  setup.world.xord.publish_after =
      store_rng.chance(0.8) ? between(store_rng, minutes(20), hours(3)) : hours(24);
  setup.workload.is_attacked = setup.hostile_count() > 0;
  setup.world.contacts_max = 4 * (setup.nodes + setup.hostile_count()) + 20'000;
  return setup;
}

Setup scenario_setup(Scenario scenario, uint64_t seed, uint32_t nodes, Duration length) {
  CHECK(scenario < Scenario::count);
  if (scenario == Scenario::swarm) return draw_setup(seed, nodes, length);
  Setup setup;
  setup.scenario = scenario;
  setup.seed = setup.world.seed = seed;
  setup.world.dialect = &rpcudp::dialect();
  setup.nodes = nodes;
  setup.length = length;
  setup.world.xord = small_node();
  setup.world.contacts_max = 4 * nodes + 20'000;
  setup.join_span = std::max(minutes(2), seconds(nodes) / 10);
  setup.records_at_start = std::min(nodes * 2, 1000u);
  setup.workload.records_max = 2 * setup.records_at_start;
  if (nodes > large_network) {
    setup.world.xord = slim_node();
    setup.workload.records_max = setup.records_at_start = nodes / 20;
    setup.checks = false;
  }
  switch (scenario) {
    case Scenario::join:
      setup.join_span = std::max(seconds(30), seconds(nodes) / 200);
      setup.records_at_start = 0;
      setup.workload.find_every = seconds(2);  // The scenario is run to measure their hops.
      setup.settling = minutes(10);
      break;
    case Scenario::churn:
      setup.churn.session_median = hours(1);
      setup.must_end_well = false;  // The churn never ends.
      break;
    case Scenario::partition:
      setup.split_at = length / 4;
      setup.split_for = length / 2;
      break;
    case Scenario::crash:
      setup.crash_third_at = length / 4;
      break;
    case Scenario::sybil:
      setup.hostile[static_cast<size_t>(Malice::eclipser)] = std::max(nodes / 10, 20u);
      setup.workload.is_attacked = true;
      setup.must_end_well = false;
      break;
    case Scenario::mixed:
      setup.python_share = 0.5;
      setup.must_end_well = false;  // A Python node drops a contact after one loss.
      break;
    case Scenario::oneshot:
      set_arrival(setup, seconds(5));
      setup.must_end_well = false;  // Programs arrive until the end.
      break;
    case Scenario::swarm:
    case Scenario::count:
      break;
  }
  return setup;
}

void set_records(Setup& setup, uint32_t records) {
  setup.records_at_start = setup.workload.records_max = records;
  setup.workload.set_every = {};
  setup.workload.get_every = seconds(10);
  make_room(setup, records, 8);  // Copies stay behind when nearer nodes come.
}

void set_python(Setup& setup, double share) {
  CHECK(share >= 0 && share <= 1);
  setup.python_share = share;
  if (share == 0) return;
  setup.workload.python_set_every = setup.workload.set_every;
  setup.workload.python_get_every = setup.workload.get_every;
}

void set_arrival(Setup& setup, Duration every) {
  CHECK(every > Duration{});
  setup.programs.every = every;
  const Duration filed = std::min(setup.length, filed_at_most);
  setup.world.contacts_max += static_cast<uint32_t>(2 * filed.nanoseconds / every.nanoseconds);
}

void set_published(Setup& setup, uint32_t keys) {
  setup.published_by_one = keys;
  make_room(setup, keys, 4);
  // Everything that the publisher has in progress may go to one host, which a real host would not
  // refuse; and the publisher receives the answers of k hosts and their pings.
  XordConfig& host = setup.world.xord;
  const uint32_t at_once = NodeConfig{}.budget.replications;
  setup.world.network.queue_max += 2 * at_once * bucket_size;
  host.node.pending_answers += at_once;
  host.store.writes_max += at_once;
  host.store.write_bytes_max += at_once * 64;  // Each value is a key.
}

XordConfig publisher_config(const Setup& setup) {
  CHECK(setup.published_by_one > 0);
  XordConfig config = setup.world.xord;
  const NodeConfig production;
  config.node.budget = production.budget;
  config.node.operations = production.operations;
  config.node.pending_answers = production.pending_answers;
  config.published_max = setup.published_by_one;
  config.published_at_once = config.node.operations;
  config.publish_after = hours(2);
  return config;
}

std::string describe(const Setup& setup) {
  std::ostringstream text;
  text << "seed " << setup.seed << ", scenario "
       << scenario_names[static_cast<size_t>(setup.scenario)] << ": " << setup.nodes << " nodes ("
       << setup.python_share << " Python, " << setup.nat_share << " behind NAT, "
       << (setup.shards ? "" : "up to ") << setup.shards.value_or(setup.shards_max)
       << " shards, clocks off by up to " << setup.drift_ppm_max << " ppm), joining in "
       << shown(setup.join_span) << ", " << shown(setup.length) << " with faults, "
       << shown(setup.settling) << " to settle\n";
  const NetworkOptions& network = setup.world.network;
  text << "  network: loss " << network.loss << ", repeated " << network.duplicate << ", delay "
       << shown(network.delay_min) << " + " << shown(network.delay_mean) << ", stragglers "
       << network.straggling << " by " << shown(network.straggling_mean) << ", queue "
       << network.queue_max << '\n';
  const FaultOptions& faults = setup.faults;
  text << "  faults: " << every("crash", faults.crash_every) << every("stall", faults.stall_every)
       << every("clock leap", faults.leap_every) << every("wall clock set", faults.wall_every)
       << every("partition", faults.partition_every) << every("disk failure", faults.disk_every)
       << "down " << shown(faults.down_mean) << ", storage lost " << faults.lose_storage << '\n';
  if (!setup.world.xord.node.routing.prefers_old_contacts) {
    text << "  newcomers displace the contacts seen least recently\n";
  }
  if (setup.programs.every > Duration{}) {
    text << "  a program for one get or set comes " << every("", setup.programs.every)
         << "and goes\n";
  }
  if (setup.records_at_start > 0) {
    text << "  " << setup.records_at_start << " records at the start\n";
  }
  text << "  hostile:";
  for (size_t i = 0; i < setup.hostile.size(); ++i) {
    if (setup.hostile[i] > 0) text << ' ' << setup.hostile[i] << ' ' << malice_names[i];
  }
  text << (setup.hostile_count() == 0 ? " none" : "") << "; records live "
       << shown(setup.world.xord.node.ttl) << ", disk " << shown(setup.world.xord.disk.delay_mean)
       << (setup.world.xord.store.republish.after == 0 ? ", nothing republished" : "") << "; "
       << setup.workload.kept_share << " of sets kept, published again every "
       << shown(setup.world.xord.publish_after) << '\n';
  return text.str();
}

}  // namespace xord::sim
