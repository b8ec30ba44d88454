#include "tools/sim/simulation.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "tools/sim/draw.h"
#include "tools/sim/python_node.h"

namespace xord::sim {
namespace {

constexpr Duration watch_every = minutes(5);
constexpr Duration inspect_every = minutes(1);
constexpr uint32_t inspected_at_once = 8;
constexpr size_t watched_records = 200;
constexpr size_t watched_hosts = 60;
// How often a join that reached no node is tried again.
constexpr uint32_t join_attempts = 20;
// No operation takes this long; stalls are shorter, too.
constexpr Duration operation_limit = minutes(30);

}  // namespace

Simulation::Simulation(const Setup& setup)
    : setup_(setup),
      world_(setup.world),
      operations_(world_),
      checkers_(world_, setup.checks),
      tally_(world_),
      naming_(world_),
      workload_(world_, operations_, checkers_, setup.workload),
      programs_(world_, operations_, workload_, setup.programs, setup.nodes),
      census_(world_),
      // With Python nodes or hosts behind a NAT, what is found is a matter of luck.
      healed_(world_, operations_, checkers_, workload_,
              setup.python_share == 0 && setup.nat_share == 0),
      publisher_(world_, checkers_, 0),
      rng_(world_.rng("simulation")) {
  add_hosts();
}

Simulation::~Simulation() = default;

void Simulation::add_hosts() {
  Rng rng = world_.rng("hosts");
  for (uint32_t i = 0; i < setup_.nodes; ++i) {
    // All other nodes join through the first ones.
    const bool is_python = i > 0 && rng.chance(setup_.python_share);
    const bool is_behind_nat = rng.chance(setup_.nat_share) && i >= 3;
    const auto drawn_shards = static_cast<uint32_t>(1 + rng.bounded(setup_.shards_max));
    const uint32_t shards = setup_.shards.value_or(drawn_shards);
    const int32_t drift = setup_.drift_ppm_max == 0
                              ? 0
                              : static_cast<int32_t>(rng.bounded(2 * setup_.drift_ppm_max + 1)) -
                                    setup_.drift_ppm_max;
    world_.add_host(is_python ? HostKind::python : HostKind::xord,
                    Endpoint::ipv4(0x0a000001 + i, 8468), shards, drift, is_behind_nat);
  }
  if (setup_.published_by_one > 0) {
    world_.host(0).config = std::make_unique<XordConfig>(publisher_config(setup_));
  }
  const Id attacked = random_id(rng);
  for (size_t malice = 0; malice < setup_.hostile.size(); ++malice) {
    for (uint32_t i = 0; i < setup_.hostile[malice]; ++i) {
      const Endpoint endpoint = Endpoint::ipv4(0x0a800001 + world_.hosts_count(), 8468);
      Host& host = world_.host(world_.add_host(HostKind::hostile, endpoint, 1, 0));
      if (malice != static_cast<size_t>(Malice::eclipser)) continue;
      std::copy_n(attacked.bytes.begin(), 6, host.id.bytes.begin());
      conspiracy_.eclipsers.push_back({host.id, host.endpoint});
    }
  }
  CHECK(world_.hosts_count() == setup_.nodes + setup_.hostile_count());
  for (uint32_t i = 0; i < world_.hosts_count(); ++i) {
    conspiracy_.everybody.push_back(world_.host(i).endpoint);
  }
}

void Simulation::plan_joins() {
  Rng rng = world_.rng("joins");
  for (uint32_t i = 0; i < setup_.nodes; ++i) {
    const Duration after = i == 0 ? Duration{} : scaled(setup_.join_span, rng.unit());
    world_.plan(after, [this, i] {
      start(i);
      rejoin(i, join_attempts);
    });
  }
  uint32_t host = setup_.nodes;
  for (size_t malice = 0; malice < setup_.hostile.size(); ++malice) {
    for (uint32_t i = 0; i < setup_.hostile[malice]; ++i, ++host) {
      world_.plan(scaled(setup_.join_span, rng.unit()), [this, host, malice] {
        world_.start(host, std::make_unique<HostileActor>(
                               world_, conspiracy_, host, static_cast<Malice>(malice),
                               world_.rng("hostile" + std::to_string(host))));
      });
    }
  }
  CHECK(host == world_.hosts_count());
}

void Simulation::start(uint32_t host) {
  CHECK(host < setup_.nodes);
  if (world_.host(host).kind == HostKind::xord) return world_.start(host);
  CHECK(world_.host(host).kind == HostKind::python);
  const std::string name =
      "python" + std::to_string(host) + ".run" + std::to_string(world_.host(host).runs);
  world_.start(host, std::make_unique<PythonNode>(host, world_.host(host).id, world_.rng(name),
                                                  world_.local_now(host), world_));
}

std::optional<uint32_t> Simulation::someone_up(uint32_t but) {
  for (int attempt = 0; attempt < 64; ++attempt) {
    const auto host = static_cast<uint32_t>(rng_.bounded(setup_.nodes));
    const Host& other = world_.host(host);
    if (host != but && other.is_up() && other.is_public) return host;
  }
  return std::nullopt;
}

// Programs know one or two addresses, not always good ones, and try again.
void Simulation::rejoin(uint32_t host, uint32_t attempts) {
  CHECK(attempts <= join_attempts);
  std::vector<Endpoint> known;
  for (int i = 0; i < 2 && !setup_.has_one_bootstrap; ++i) {
    if (const auto other = someone_up(host)) known.push_back(world_.host(*other).endpoint);
  }
  if (known.empty()) {
    if (host == 0) return;  // The first node, which all others join through.
    known.push_back(world_.host(0).endpoint);
  }
  ++report_.joins.begun;
  operations_.join(host, known, [this, host, attempts](const Outcome& outcome) {
    report_.joins.add(outcome);
    report_.joins.right += outcome.is_done();
    if (world_.host(host).kind == HostKind::python) {
      ++report_.python.bootstraps.begun;
      report_.python.bootstraps.add(outcome);
      report_.python.bootstraps.right += outcome.is_done();
    }
    if (outcome.is_done() || attempts == 0) return;
    world_.plan(seconds(20), [this, host, attempts] {
      if (world_.host(host).is_up()) rejoin(host, attempts - 1);
    });
  });
}

void Simulation::set_first_records() {
  const Duration span = seconds(std::max(setup_.records_at_start / 5, 1u));
  for (uint32_t i = 0; i < setup_.records_at_start; ++i) {
    world_.plan(scaled(span, rng_.unit()), [this] { workload_.set_new(); });
  }
}

// ---- What happens to hosts, besides faults.

void Simulation::plan_churn(uint32_t host) {
  CHECK(host < setup_.nodes);
  const Duration session = weibull(rng_, setup_.churn.session_median, setup_.churn.shape);
  world_.plan(session, [this, host] { leave(host); });
}

void Simulation::leave(uint32_t host) {
  if (is_healed_ || !world_.host(host).is_up()) return;
  const bool is_forgotten = rng_.chance(setup_.churn.new_identity);
  world_.crash(host, is_forgotten ? Storage::lost : Storage::kept);
  const Duration absence = weibull(rng_, setup_.churn.absence_median(), setup_.churn.shape);
  world_.plan(absence, [this, host, is_forgotten] { come_back(host, is_forgotten); });
}

// The host has a new id if it kept nothing; a Python node keeps at most its id.
void Simulation::come_back(uint32_t index, bool is_forgotten) {
  Host& host = world_.host(index);
  if (host.is_up()) return;
  const bool is_new = host.disk != nullptr ? host.disk->rows_count() == 0 : is_forgotten;
  if (is_new) host.id = random_id(rng_);
  start(index);
  rejoin(index, join_attempts);
  plan_churn(index);
}

void Simulation::plan_blows() {
  if (setup_.churn.session_median > Duration{}) {
    for (uint32_t i = 0; i < setup_.nodes; ++i) plan_churn(i);
  }
  if (setup_.crash_third_at) {
    world_.plan(*setup_.crash_third_at, [this] {
      for (uint32_t i = 0; i < setup_.nodes; ++i) {
        if (world_.host(i).is_up() && rng_.chance(1.0 / 3)) world_.crash(i, Storage::lost);
      }
    });
  }
  if (setup_.split_at) {
    world_.plan(*setup_.split_at, [this] {
      for (uint32_t i = 0; i < world_.hosts_count(); ++i) world_.network().put_in_group(i, i % 2);
      world_.network().cut(0, 1);
      world_.network().cut(1, 0);
      world_.plan(setup_.split_for, [this] { world_.network().heal_partitions(); });
    });
  }
}

// ---- Observation.

void Simulation::watch() {
  report_.moments.push_back(look());
  world_.plan(watch_every, [this] { watch(); });
}

void Simulation::count_naming() {
  const NamingCounts counts = naming_.take();
  since_watched_.add(counts);
  if (is_measured_) report_.naming.add(counts);
}

Moment Simulation::look() {
  Moment moment;
  moment.hours = (world_.now() - Instant{}).seconds() / 3600;
  const std::vector<uint32_t> members = census_.members();
  moment.up = static_cast<uint32_t>(members.size());
  Rng rng = world_.rng("look" + std::to_string(report_.moments.size()));
  size_t looked = 0;
  size_t held = 0;
  uint64_t replicas = 0;
  for (const Id& key : workload_.records()) {
    const double share =
        static_cast<double>(watched_records) / static_cast<double>(workload_.records().size());
    if (!rng.chance(share)) continue;
    const size_t copies =
        static_cast<size_t>(std::count_if(members.begin(), members.end(), [&](uint32_t host) {
          return world_.host(host).actor->holds(world_.local_now(host), key);
        }));
    ++looked;
    held += copies > 0;
    replicas += copies;
  }
  if (looked > 0) {
    moment.replicas = static_cast<double>(replicas) / static_cast<double>(looked);
    moment.held = static_cast<double>(held) / static_cast<double>(looked);
  }
  const Census::Tables tables = census_.tables(members, watched_hosts, rng);
  moment.contacts = tables.contacts;
  moment.contacts_alive = tables.alive;
  moment.nearest_known = tables.nearest_known;
  const double elapsed = std::max((world_.now() - watched_at_).seconds(), 1.0);
  const double scale = 1.0 / (elapsed * std::max<double>(moment.up, 1));
  moment.datagrams = static_cast<double>(world_.datagrams_sent() - watched_datagrams_) * scale;
  moment.bytes = static_cast<double>(world_.bytes_sent() - watched_bytes_) * scale;
  const auto since = [](uint64_t right, uint64_t& right_before, uint64_t all, uint64_t& before) {
    CHECK(right >= right_before && all >= before && right - right_before <= all - before);
    const double share = all == before ? 1.0
                                       : static_cast<double>(right - right_before) /
                                             static_cast<double>(all - before);
    right_before = right;
    before = all;
    return share;
  };
  OperationStats& gets = workload_.gets();
  OperationStats& finds = workload_.finds();
  moment.gets_right = since(gets.right, watched_gets_right_, gets.ended(), watched_gets_);
  moment.finds_right = since(finds.right, watched_finds_right_, finds.ended(), watched_finds_);
  count_naming();
  moment.naming = std::exchange(since_watched_, {});
  watched_datagrams_ = world_.datagrams_sent();
  watched_bytes_ = world_.bytes_sent();
  watched_at_ = world_.now();
  return moment;
}

// ---- The run.

void Simulation::pass(Instant until, const std::function<void(double)>& progress) {
  while (world_.now() < until && !checkers_.violation()) {
    world_.run_until(std::min(until, world_.now() + inspect_every));
    if (setup_.checks) checkers_.inspect(inspected_at_once);
    // An operation that never ends has been forgotten by its node.
    if (const auto overdue = operations_.overdue(operation_limit)) {
      checkers_.violated(overdue->host,
                         std::string("a ") + overdue->what + " that has not ended in half an hour");
    }
    if (progress) progress((world_.now() - Instant{}).seconds() / (end_ - Instant{}).seconds());
  }
}

SimulationReport Simulation::run(const std::function<void(double)>& progress) {
  CHECK(faults_ == nullptr);  // A simulation runs once.
  const Instant joined = world_.now() + setup_.join_span + minutes(2);
  const Instant healed = joined + setup_.length;
  end_ = healed + (setup_.must_end_well ? setup_.settling + minutes(10) : Duration{});
  if (setup_.published_by_one > 0) publisher_.list(setup_.published_by_one, joined);
  plan_joins();
  pass(joined, progress);
  set_first_records();
  watched_at_ = world_.now();
  watched_datagrams_ = world_.datagrams_sent();
  watched_bytes_ = world_.bytes_sent();
  naming_.take();
  is_measured_ = true;
  watch();
  workload_.run_until(healed);
  programs_.run_until(healed);
  faults_ = std::make_unique<Faults>(world_, setup_.faults,
                                     [this](uint32_t host) { rejoin(host, join_attempts); });
  plan_blows();
  const RequestCounts before = tally_.requests();
  pass(healed, progress);
  count_naming();
  is_measured_ = false;
  for (size_t i = 0; i < before.size(); ++i) {
    CHECK(tally_.requests()[i] >= before[i]);
    report_.requests[i] = tally_.requests()[i] - before[i];
  }
  if (setup_.published_by_one > 0) report_.publisher = publisher_.counts();
  if (setup_.must_end_well && !checkers_.violation()) {
    settle(progress);
  }
  if (setup_.checks) checkers_.inspect(world_.hosts_count());
  report_.violation = checkers_.violation();
  report_.digest = world_.digest();
  report_.events = world_.events_done();
  report_.datagrams = world_.datagrams_sent();
  report_.bytes = world_.bytes_sent();
  report_.hours = (world_.now() - Instant{}).seconds() / 3600;
  report_.sets = workload_.sets();
  report_.gets = workload_.gets();
  report_.finds = workload_.finds();
  report_.python.sets = workload_.python().sets;
  report_.python.gets = workload_.python().gets;
  report_.programs = programs_.stats();
  report_.faults = faults_->counts();
  report_.checks = checkers_.counts();
  report_.records = workload_.records().size();
  report_.healed = healed_.counts();
  return report_;
}

void Simulation::end_faults() {
  CHECK(!is_healed_);
  is_healed_ = true;
  if (!setup_.crash_third_at) faults_->heal();
  world_.network().heal();
  for (uint32_t i = 0; i < world_.hosts_count(); ++i) {
    const Host& host = world_.host(i);
    if (host.kind == HostKind::hostile && host.is_up()) world_.crash(i, Storage::lost);
  }
}

// Once the faults are over, no failure is excused.
void Simulation::settle(const std::function<void(double)>& progress) {
  const Instant end = world_.now() + setup_.settling;
  const bool is_long = setup_.settling >= healed_after;
  end_faults();
  if (is_long) {
    pass(world_.now() + restarted_after, progress);
    healed_.note_records();
    pass(end - quiet_for, progress);
    healed_.begin_quiet();
  }
  while (world_.now() < end && !checkers_.violation()) {
    pass(std::min(end, world_.now() + inspect_every), progress);
    if (is_long) healed_.look_at_tables();
  }
  if (is_long && !checkers_.violation()) {
    healed_.check_quiet();
    healed_.check_records_placed();
  }
  if (checkers_.violation()) return;
  healed_.check_finds();
  healed_.check_records_found();
}

}  // namespace xord::sim
