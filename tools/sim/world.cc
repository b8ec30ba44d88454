#include "tools/sim/world.h"

#include <algorithm>
#include <utility>

#include <xxhash.h>

#include "node/endpoint_hash.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "reactor/base/check.h"
#include "tools/sim/draw.h"

namespace xord::sim {
namespace {

// The datagrams that a socket's buffer holds while its process does not run.
constexpr size_t backlog_max = 512;
// How often the clock file is written (storage/files/clock_file.h).
constexpr Duration clock_saved_every = minutes(1);
constexpr Instant never_woken{INT64_MAX};

const Dialect& dialect_of(const WorldOptions& options) {
  CHECK(options.dialect != nullptr);
  return *options.dialect;
}

}  // namespace

size_t World::EndpointHasher::operator()(const Endpoint& endpoint) const {
  return endpoint_hash(endpoint, 0);
}

World::World(const WorldOptions& options)
    : options_(options),
      rng_(options.seed),
      book_(options.contacts_max, dialect_of(options).traits().encode_contact_tail, options.seed),
      network_(options.network, rng_.split("network")) {}

World::~World() = default;

uint32_t World::add_host(HostKind kind, const Endpoint& endpoint, uint32_t shards,
                         int32_t drift_ppm, bool is_behind_nat) {
  CHECK(kind == HostKind::xord || options_.dialect == &rpcudp::dialect());
  CHECK(shards >= 1 && shards <= shards_max);
  CHECK(!by_endpoint_.contains(endpoint));
  const uint32_t index = hosts_count();
  const std::string name = "host" + std::to_string(index);
  Rng id_rng = rng_.split(name + ".id");
  Host& host = hosts_.emplace_back(LocalClock(now_, instant_of(first_node_seconds), drift_ppm));
  host.endpoint = endpoint;
  host.kind = kind;
  host.id = random_id(id_rng);
  host.shards = shards;
  host.is_public = !is_behind_nat;
  if (kind == HostKind::xord) {
    host.disk = std::make_unique<Disk>(options_.xord.disk, rng_.split(name + ".disk"));
  }
  host.wake_at = never_woken;
  by_endpoint_[endpoint] = index;
  network_.add_host(is_behind_nat);
  return index;
}

std::optional<uint32_t> World::host_at(const Endpoint& endpoint) const {
  const auto found = by_endpoint_.find(endpoint);
  if (found == by_endpoint_.end()) return std::nullopt;
  return found->second;
}

// Node time continues from the saved time by as much as the wall clock has advanced since, and
// never goes back (docs/ARCHITECTURE.md, "Time").
Instant World::start_time_of(const Host& host) const {
  if (host.runs == 0) return host.clock.local(now_);
  const Duration away = now_ + host.wall_error - host.saved_wall;
  return host.saved_local + std::max(away, Duration{});
}

void World::start(uint32_t index) {
  Host& host = hosts_[index];
  CHECK(!host.is_up() && host.kind == HostKind::xord);
  CHECK(host.runs > 0 || host.saved_contacts.empty());
  const Instant local = start_time_of(host);
  CHECK(local >= host.saved_local);
  const bool is_doubtful = host.runs > 0 && local - host.saved_local > options_.xord.node.ttl;
  host.clock = LocalClock(now_, local, host.clock.drift_ppm());
  XordConfig config = config_of(index);
  config.shards = host.shards;
  const std::string name = "host" + std::to_string(index) + ".run" + std::to_string(host.runs);
  auto node =
      std::make_unique<XordNode>(config, dialect(), index, host.id, rng_.split(name), local,
                                 is_doubtful ? LoadedRecords::hidden : LoadedRecords::served,
                                 *host.disk, book_, bench_, *this);
  host.node = node.get();
  start(index, std::move(node));
  act(index, [&](Actor&, Instant now) {
    const Duration away = local - host.saved_local;
    for (auto& [contact, age] : host.saved_contacts) age = age + away;
    host.node->restore(now, host.saved_contacts);
    host.saved_contacts.clear();
  });
}

void World::start(uint32_t index, std::unique_ptr<Actor> actor) {
  Host& host = hosts_[index];
  CHECK(!host.is_up() && !acting_ && host.backlog.empty());
  CHECK(actor != nullptr && actor->id() == host.id);
  host.actor = std::move(actor);
  host.began = now_;
  host.stalled_until = now_;
  host.wake_at = never_woken;
  ++host.runs;
  arm(index);
}

void World::crash(uint32_t index, Storage storage) {
  Host& host = hosts_[index];
  CHECK(host.is_up() && !acting_);
  for (Watcher* watcher : watchers_) watcher->went_down(index, storage);
  const Duration unsaved{(now_ - host.began).nanoseconds % clock_saved_every.nanoseconds};
  host.saved_local = host.clock.local(now_ - unsaved);
  CHECK(host.saved_local <= host.clock.local(now_));
  host.saved_wall = now_ - unsaved + host.wall_error;
  host.saved_contacts.clear();
  if (host.node != nullptr && storage == Storage::kept) {
    host.saved_contacts = host.node->contacts(host.saved_local);
  }
  if (host.disk != nullptr) {
    host.disk->crash();
    if (storage == Storage::lost) host.disk->erase_all();
  }
  host.node = nullptr;
  host.actor.reset();
  host.wake_at = never_woken;
  for (const uint32_t flying : host.backlog) flying_free_.push_back(flying);
  host.backlog.clear();
}

void World::stall(uint32_t index, Duration length) {
  Host& host = hosts_[index];
  CHECK(host.is_up() && length >= Duration{});
  host.stalled_until = std::max(host.stalled_until, now_ + length);
  host.wake_at = host.stalled_until;
  queue_.push(host.stalled_until, Event::Kind::wake, index, 0);
}

void World::leap_clock(uint32_t index, Duration forward) {
  hosts_[index].clock.leap(now_, forward);
  if (hosts_[index].is_up()) arm(index);
}

// ---- Turns.

void World::begin_turn(uint32_t host, const Datagram* datagram) {
  CHECK(hosts_[host].is_up() && !acting_);
  acting_ = host;
  for (Watcher* watcher : watchers_) watcher->turn_begins(host, datagram);
}

void World::end_turn(uint32_t host) {
  CHECK(acting_ == host);
  for (Watcher* watcher : watchers_) watcher->turn_ends(host);
  acting_.reset();
  arm(host);
}

// Only one wake event a host is valid, the earliest; an event that it replaced is ignored when it
// comes.
void World::arm(uint32_t index) {
  Host& host = hosts_[index];
  CHECK(host.is_up());
  const auto wakeup = host.actor->next_wakeup();
  if (!wakeup) return;
  const Instant at = std::max({host.clock.world(*wakeup), host.stalled_until, now_});
  if (at >= host.wake_at) return;
  host.wake_at = at;
  queue_.push(at, Event::Kind::wake, index, 0);
}

void World::wake(uint32_t index, Instant at) {
  Host& host = hosts_[index];
  if (host.wake_at != at || !host.is_up()) return;
  host.wake_at = never_woken;
  if (host.stalled_until > now_) {
    stall(index, host.stalled_until - now_);
    return;
  }
  while (!host.backlog.empty()) {
    const uint32_t flying = host.backlog.front();
    host.backlog.pop_front();
    receive(index, flying);
  }
  act(index, [](Actor& actor, Instant local) { actor.advance(local); });
}

void World::arrive(uint32_t index, uint32_t flying) {
  Host& host = hosts_[index];
  CHECK(host.arriving > 0 && flying < flying_.size());
  --host.arriving;
  const Flying& datagram = flying_[flying];
  const bool is_let_in = datagram.is_forged ? !network_.is_behind_nat(index)
                                            : network_.lets_in(now_, datagram.from_host, index);
  if (!host.is_up() || !is_let_in) {
    flying_free_.push_back(flying);
  } else if (host.stalled_until > now_) {
    if (host.backlog.size() < backlog_max) {
      host.backlog.push_back(flying);
    } else {
      flying_free_.push_back(flying);
    }
  } else {
    receive(index, flying);
  }
}

void World::receive(uint32_t index, uint32_t flying) {
  // Moved out for the turn, since sending may move the other elements.
  std::vector<uint8_t> bytes = std::move(flying_[flying].bytes);
  const Datagram datagram{{flying_[flying].from, {}}, bytes};
  begin_turn(index, &datagram);
  hosts_[index].actor->receive(local_now(index), datagram);
  end_turn(index);
  flying_[flying].bytes = std::move(bytes);
  flying_free_.push_back(flying);
}

// ---- What hosts do.

void World::send(uint32_t host, const Endpoint& to, Bytes bytes) {
  CHECK(acting_ == host);
  for (Watcher* watcher : watchers_) watcher->sent(host, to, bytes);
  send_as(host, hosts_[host].endpoint, to, bytes);
}

void World::send_as(uint32_t host, const Endpoint& from, const Endpoint& to, Bytes bytes) {
  CHECK(host < hosts_.size());
  ++datagrams_sent_;
  bytes_sent_ += bytes.size();
  const uint64_t envelope[] = {static_cast<uint64_t>(now_.nanoseconds), endpoint_hash(from, 0),
                               endpoint_hash(to, 0)};
  digest_ = XXH3_64bits_withSeed(envelope, sizeof envelope, digest_);
  digest_ = XXH3_64bits_withSeed(bytes.data(), bytes.size(), digest_);
  const auto destination = host_at(to);
  if (!destination || *destination == host) return;
  Host& receiver = hosts_[*destination];
  const Network::Fate fate = network_.fate(now_, host, *destination);
  for (uint32_t i = 0; i < fate.copies; ++i) {
    if (receiver.arriving >= network_.options().queue_max) break;
    if (flying_free_.empty()) {
      flying_free_.push_back(static_cast<uint32_t>(flying_.size()));
      flying_.emplace_back();
    }
    const uint32_t index = flying_free_.back();
    flying_free_.pop_back();
    Flying& flying = flying_[index];
    flying.from = from;
    flying.from_host = host;
    flying.is_forged = from != hosts_[host].endpoint;
    flying.bytes.assign(bytes.begin(), bytes.end());
    ++receiver.arriving;
    queue_.push(now_ + fate.after[i], Event::Kind::arrival, *destination, index);
  }
}

void World::finished(uint32_t host, const OperationResult& result, Bytes tail) {
  CHECK(acting_ == host);
  for (Watcher* watcher : watchers_) watcher->finished(host, result, tail);
}

// ---- Time.

void World::repeat(Rng& rng, Duration mean, std::function<bool()> deed) {
  if (mean == Duration{}) return;
  plan(exponential(rng, mean), [this, &rng, mean, deed = std::move(deed)] {
    if (deed()) repeat(rng, mean, deed);
  });
}

void World::plan(Instant at, std::function<void()> deed) {
  CHECK(deed != nullptr);
  if (deeds_free_.empty()) {
    deeds_free_.push_back(static_cast<uint32_t>(deeds_.size()));
    deeds_.emplace_back();
  }
  const uint32_t index = deeds_free_.back();
  deeds_free_.pop_back();
  CHECK(deeds_[index] == nullptr);
  deeds_[index] = std::move(deed);
  queue_.push(std::max(at, now_), Event::Kind::deed, 0, index);
}

void World::run_until(Instant until) {
  CHECK(until >= now_ && !acting_);
  is_stopped_ = false;
  while (!is_stopped_ && !queue_.empty() && queue_.next().at <= until) {
    const Event event = queue_.pop();
    CHECK(event.at >= now_);
    now_ = event.at;
    ++events_done_;
    switch (event.kind) {
      case Event::Kind::wake:
        wake(event.host, event.at);
        break;
      case Event::Kind::arrival:
        arrive(event.host, event.index);
        break;
      case Event::Kind::deed: {
        const std::function<void()> deed = std::exchange(deeds_[event.index], nullptr);
        CHECK(deed != nullptr);
        deeds_free_.push_back(event.index);
        deed();
        break;
      }
    }
  }
  if (!is_stopped_) now_ = until;
}

// ---- Invariants.

void World::check_invariants() const {
  CHECK(!acting_ && by_endpoint_.size() == hosts_.size());
  size_t flying = flying_free_.size();
  for (uint32_t index = 0; index < hosts_count(); ++index) {
    const Host& host = hosts_[index];
    CHECK(host_at(host.endpoint) == index);
    CHECK(host.node == nullptr || host.node == host.actor.get());
    CHECK((host.kind == HostKind::xord) == (host.disk != nullptr));
    CHECK(host.backlog.size() <= backlog_max && (host.is_up() || host.backlog.empty()));
    flying += host.arriving + host.backlog.size();
  }
  // Each is free, in transit or waits for a stalled host.
  CHECK(flying == flying_.size() && deeds_free_.size() <= deeds_.size());
}

}  // namespace xord::sim
