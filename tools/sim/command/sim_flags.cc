#include "tools/sim/command/sim_flags.h"

#include <algorithm>
#include <charconv>

#include "reactor/base/shard.h"
#include "reactor/entropy.h"
#include "tools/cli/suggest.h"
#include "tools/cli/value_flags.h"

namespace xord {
namespace {

constexpr uint32_t nodes_most = 4'000'000;
constexpr double hours_most = 24 * 366;
constexpr uint32_t records_most = 1'000'000;
constexpr uint32_t nodes_default = 200;

// Flags that select seeds or reports and do not shape a run.
constexpr std::string_view flags_of_no_run[] = {"--seed", "--seeds", "--for", "--plot"};

constexpr ValueFlag value_flags[] = {
    {"--scenario", "NAME", "join, churn, partition, crash, sybil, mixed, oneshot, swarm [swarm]"},
    {"--nodes", "N", "Nodes in the network [200; swarm: the seed draws it]"},
    {"--hours", "H", "Virtual hours after all have joined [2; swarm: the seed draws it]"},
    {"--seed", "N", "Determines everything that is drawn [from the kernel]"},
    {"--seeds", "N", "Run this many seeds, from --seed on, and stop at the first that fails [1]"},
    {"--for", "DURATION", "Run seeds for this long, instead of --seeds"},
    {"--shards", "N", "Shards of each xord node, 1 to 64 [1; swarm: each node draws it]"},
    {"--records", "N", "Records to set once all have joined, and none later [the scenario's]"},
    {"--disjoint-paths", "D", "Paths of each get, set and find that share no node, 1 to 8 [1]"},
    {"--published", "N", "Keys that one node keeps published, every 2 hours [0]"},
    {"--ttl", "DURATION", "How long a record lives after it was published [7d; swarm: drawn]"},
    {"--session", "DURATION", "Median of a node's sessions in the churn scenario [1h]"},
    {"--python", "SHARE", "Share of nodes like the Python library's, churn and oneshot [0]"},
    {"--arrival", "DURATION", "Mean time from program to program, oneshot scenario [5s]"},
    {"--delay", "DURATION",
     "One-way delay between any two nodes, the same for all [drawn for each link]"},
    {"--join-span", "DURATION",
     "All nodes join within this time [2m or more, by the number of nodes]"},
    {"--buckets", "N", "Buckets of a table; none is split once half are in use [64, slim 48]"},
    {"--plot", "FILE", "Write an SVG picture of the run"},
};

std::string written_in(const ValueFlags& flags) {
  std::string all;
  for (const ValueFlag& flag : value_flags) {
    const std::string_view name = flag.name;
    if (!flags.is_given(flag.name) || std::ranges::count(flags_of_no_run, name) > 0) continue;
    all += " " + std::string(name) + " " + flags.text(flag.name);
  }
  return all;
}

std::optional<double> number_of(const std::string& written) {
  double number = 0;
  const char* end = written.data() + written.size();
  const auto read = std::from_chars(written.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

std::optional<Duration> hours_of(const std::string& written) {
  if (written.empty()) return std::nullopt;
  const auto count = number_of(written);
  if (!count || !(*count > 0) || *count > hours_most) {
    refuse("--hours \"" + written + "\" is not a number of hours like 2 or 0.5");
  }
  return seconds(static_cast<int64_t>(*count * 3600));
}

std::optional<double> share_of(const std::string& written) {
  if (written.empty()) return std::nullopt;
  const auto share = number_of(written);
  if (!share || !(*share >= 0) || *share > 1) {
    refuse("--python \"" + written + "\" is not a share from 0 to 1");
  }
  return share;
}

sim::Scenario scenario_of(const std::string& written) {
  if (written.empty()) return sim::Scenario::swarm;
  std::vector<std::string_view> names;
  for (size_t i = 0; i < std::size(sim::scenario_names); ++i) {
    if (written == sim::scenario_names[i]) return static_cast<sim::Scenario>(i);
    names.emplace_back(sim::scenario_names[i]);
  }
  const std::string fix = suggestion(written, names);
  refuse("the scenario \"" + written + "\" is not known" +
         (fix.empty() ? "; see `xord sim --help`" : fix));
}

}  // namespace

sim::Setup setup_of(const SimPlan& plan, uint64_t seed) {
  sim::Setup setup =
      plan.scenario == sim::Scenario::swarm
          ? sim::draw_setup(seed, plan.nodes, plan.length)
          : sim::scenario_setup(plan.scenario, seed, plan.nodes.value_or(nodes_default),
                                plan.length.value_or(hours(2)));
  setup.shards = plan.shards;
  if (plan.records) sim::set_records(setup, *plan.records);
  if (plan.published) sim::set_published(setup, *plan.published);
  if (plan.buckets) setup.world.xord.node.routing.buckets_max = *plan.buckets;
  if (plan.ttl) setup.world.xord.node.ttl = *plan.ttl;
  if (plan.session) setup.churn.session_median = *plan.session;
  if (plan.python) sim::set_python(setup, *plan.python);
  if (plan.arrival) sim::set_arrival(setup, *plan.arrival);
  if (plan.delay) {
    setup.world.network.delay_min = *plan.delay;
    setup.world.network.delay_mean = microseconds(1);
  }
  if (plan.join_span) setup.join_span = *plan.join_span;
  setup.has_one_bootstrap = plan.has_one_bootstrap;
  setup.world.xord.node.routing.prefers_old_contacts = plan.prefers_old_contacts;
  setup.world.xord.node.disjoint_paths = plan.disjoint_paths;
  if (!plan.republishes) setup.world.xord.store.republish.after = 0;
  return setup;
}

std::string command_of(const SimPlan& plan, uint64_t seed) {
  return "xord sim" + plan.written + " --seed " + std::to_string(seed);
}

std::optional<SimPlan> parse_sim_flags(Arguments arguments, Terminal& terminal) {
  CLI::App app("Simulate a whole network of real xord nodes on virtual time.", "xord sim");
  ValueFlags flags(app, value_flags);
  SimPlan plan;
  app.add_flag_callback(
      "--no-old-contacts", [&] { plan.prefers_old_contacts = false; },
      "Newcomers displace the contacts seen least recently, without a ping");
  app.add_flag_callback(
      "--no-republish", [&] { plan.republishes = false; },
      "Holders do not republish what they hold");
  app.add_flag("--one-bootstrap", plan.has_one_bootstrap,
               "All nodes join through the first one, instead of any two that run");
  app.add_flag("--json", plan.json, "Print the report as JSON, one document for each seed");
  app.footer(
      "The same seed gives the same run, datagram by datagram, as the digest shows.\n"
      "Exit codes: 0 all checks held, 1 a check failed.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return std::nullopt;
  plan.scenario = scenario_of(flags.text("--scenario"));
  if (const auto nodes = flags.count("--nodes", 3, nodes_most)) {
    plan.nodes = static_cast<uint32_t>(*nodes);
  }
  if (const auto shards = flags.count("--shards", 1, shards_max)) {
    plan.shards = static_cast<uint32_t>(*shards);
  }
  if (const auto records = flags.count("--records", 1, records_most)) {
    plan.records = static_cast<uint32_t>(*records);
  }
  if (const auto published = flags.count("--published", 1, records_most)) {
    plan.published = static_cast<uint32_t>(*published);
  }
  if (const auto buckets = flags.count("--buckets", 8, id_bits * buckets_a_range)) {
    plan.buckets = static_cast<uint32_t>(*buckets);
  }
  plan.length = hours_of(flags.text("--hours"));
  const auto seed = flags.count("--seed", 0, UINT64_MAX);
  plan.seed = seed ? *seed : entropy_word() >> 32;  // Short enough to read out loud.
  plan.seeds = flags.count("--seeds", 1, UINT32_MAX).value_or(1);
  plan.disjoint_paths =
      static_cast<uint32_t>(flags.count("--disjoint-paths", 1, lookup_paths_max).value_or(1));
  plan.for_time = flags.duration("--for", milliseconds(1));
  plan.ttl = flags.duration("--ttl", minutes(1));
  plan.session = flags.duration("--session", minutes(1));
  if (plan.session && plan.scenario != sim::Scenario::churn) {
    refuse("--session is for nodes that come and go: add --scenario churn, or leave it out");
  }
  plan.python = share_of(flags.text("--python"));
  const bool is_oneshot = plan.scenario == sim::Scenario::oneshot;
  if (plan.python && plan.scenario != sim::Scenario::churn && !is_oneshot) {
    refuse(
        "--python is for --scenario churn or oneshot; mixed has half of them, and swarm draws it");
  }
  plan.arrival = flags.duration("--arrival", milliseconds(10));
  plan.delay = flags.duration("--delay", microseconds(10));
  plan.join_span = flags.duration("--join-span", milliseconds(1));
  if (plan.arrival && !is_oneshot) {
    refuse("--arrival is for programs that come and go: add --scenario oneshot, or leave it out");
  }
  plan.plot_file = flags.text("--plot");
  if (!plan.plot_file.empty() && (plan.seeds > 1 || plan.for_time)) {
    refuse("--plot shows one run: leave --seeds and --for out");
  }
  plan.written = written_in(flags);
  if (!plan.prefers_old_contacts) plan.written += " --no-old-contacts";
  if (!plan.republishes) plan.written += " --no-republish";
  if (plan.has_one_bootstrap) plan.written += " --one-bootstrap";
  return plan;
}

}  // namespace xord
