// Start and shutdown of a server, each in one fixed order. Start: the data directory's lock and
// small files, the sockets, the nodes with the contacts of the last run, the loops; only then the
// database.
#include <algorithm>

#include "node/server/admin/admin.h"
#include "node/server/config/config_check.h"
#include "node/server/config/value_rules.h"
#include "node/server/host/host_check.h"
#include "node/server/host/host_memory.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "reactor/base/check.h"
#include "reactor/cores.h"
#include "reactor/entropy.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

LogLevel level_of(ReportLevel level) {
  switch (level) {
    case ReportLevel::info:
      return LogLevel::info;
    case ReportLevel::warning:
      return LogLevel::warning;
    case ReportLevel::error:
      break;
  }
  return LogLevel::error;
}

Log::Fields json_of(const std::vector<ReportField>& fields) {
  Log::Fields object = Log::Fields::object();
  for (const ReportField& field : fields) {
    std::visit([&](const auto& value) { object[std::string(field.name)] = value; }, field.value);
  }
  return object;
}

// The networks that `config` listens for: each dialect once, by NetworkIndex.
std::vector<DialectName> networks_of(const ServerConfig& config) {
  std::vector<DialectName> networks;
  for (const ListenAddress& listen : config.listen) {
    if (std::find(networks.begin(), networks.end(), listen.dialect) == networks.end()) {
      networks.push_back(listen.dialect);
    }
  }
  CHECK(!networks.empty() && networks.size() <= networks_max);  // `config` was checked.
  return networks;
}

// The indices in `config.listen` of the addresses that listen for `network`.
std::vector<uint8_t> listens_of(DialectName network, const ServerConfig& config) {
  static_assert(listen_max <= UINT8_MAX);
  CHECK(config.listen.size() <= listen_max);
  std::vector<uint8_t> listens;
  for (size_t i = 0; i < config.listen.size(); ++i) {
    if (config.listen[i].dialect == network) listens.push_back(static_cast<uint8_t>(i));
  }
  return listens;
}

// How many contacts of the last run a join asks: the first answer is enough to proceed.
constexpr size_t saved_contacts_asked = 32;
static_assert(saved_contacts_asked <= join_endpoints_max);
constexpr uint64_t log_least_on_disk = 4 << 20;

}  // namespace

std::optional<ServerError> Admin::start_up() {
  if (auto error = check_config(config_)) return error;
  started_at_ = monotonic_time();
  RocksConfig rocks;
  if (auto error = fit_to_host(&rocks)) return error;
  const std::vector<DialectName> networks = networks_of(config_);

  auto files = start_files(config_, networks);
  if (auto* error = std::get_if<ServerError>(&files)) return *error;
  files_ = std::move(std::get<StartFiles>(files));
  CHECK(files_.directory != nullptr && files_.identities.size() == networks.size() && files_.wall);
  log_start_files();
  started_node_time_ = files_.clock.now;

  rocks.directory = files_.directory->path();
  for (const DialectName dialect : networks) rocks.networks.emplace_back(name_of(dialect));
  rocks.ttl = static_cast<NodeSeconds>(config_.ttl.whole_seconds());
  rocks.durability = config_.durability;
  rocks.hash_seed = entropy_word();
  rocks.values = value_rules;
  database_ = std::make_unique<RocksStore>(
      rocks,
      [this](ReportLevel level, std::string_view message, const std::vector<ReportField>& fields) {
        notice(level_of(level), message, json_of(fields));
      });
  saver_ = std::make_unique<ContactsSaver>(config_.shards, rocks.networks);

  std::vector<NetworkSetup> setups;
  for (size_t i = 0; i < networks.size(); ++i) {
    // check_config() refuses Mainline.
    setups.push_back({&rpcudp::dialect(), listens_of(networks[i], config_), files_.identities[i].id,
                      files_.identities[i].secret,
                      files_.clock.is_doubtful ? LoadedRecords::hidden : LoadedRecords::served});
  }
  shards_ =
      std::make_unique<Shards>(config_, std::move(setups), NodeClock(files_.clock.now), bell_);
  if (auto error = open_sockets()) return error;
  if (auto error = start_threads(rocks.hash_seed)) return error;
  for (NetworkIndex network = 0; network < networks.size(); ++network) {
    networks_.emplace_back().keeper =
        std::make_unique<BootstrapKeeper>(network, calls_, *shards_, log_, bell_);
  }
  {
    const std::lock_guard lock(mutex_);
    live_ = true;
  }
  calls_.open(*shards_);
  watch_health();
  open_control();
  log_admin_port();
  log_ready();
  join_at_start();
  const MonotonicTime now = monotonic_time();
  reclaim_at_ = now;
  save_clock_at_ = now + minutes(1);
  save_contacts_at_ = now;
  return std::nullopt;
}

std::optional<ServerError> Admin::open_sockets() {
  port_ = std::make_unique<AdminPort>();
  if (auto error = port_->open(config_)) return error;
  if (auto error = shards_->open()) {
    return ServerError{ServerErrorKind::environment, error->sentence};
  }
  return std::nullopt;
}

// The node answers as soon as the shards run. All threads are started before it is reported as
// ready.
std::optional<ServerError> Admin::start_threads(uint64_t hash_seed) {
  CHECK(database_ != nullptr && shards_ != nullptr && port_ != nullptr);
  auto error = shards_->make_nodes(*database_, hash_seed);
  if (!error) {
    restore_contacts();
    error = shards_->run();
  }
  if (!error) error = database_->start_threads();
  if (!error) error = shards_->start_commits();
  if (error) return ServerError{ServerErrorKind::environment, error->sentence};
  // Before the port, which asks for it.
  health_ = std::make_unique<HealthWatch>(config_, id(), files_.directory->path(), *shards_, calls_,
                                          *database_, log_, monotonic_time());
  error = port_->start(doors_.make_api(*this, hooks_, port_->addresses()));
  if (!error) return std::nullopt;
  return ServerError{ServerErrorKind::environment, error->sentence};
}

void Admin::log_start_files() {
  if (!files_.warning.empty()) {
    log_.write(LogLevel::warning, "contacts not read", {{"error", files_.warning}});
  }
  if (!files_.clock.is_doubtful) return;
  log_.write(
      LogLevel::warning, "clock doubtful",
      {{"away_s", files_.clock.absent.whole_seconds()},
       {"hint",
        "according to the host's clock the node was down for longer than a record lives; for "
        "a day its records are neither served nor erased; if the clock is wrong, set it and "
        "restart within that day to get them back"}});
}

// Resolves the `auto` settings, and checks that the host grants what the node then needs.
std::optional<ServerError> Admin::fit_to_host(RocksConfig* rocks) {
  auto fitted = fit_memory(config_, allowed_cores().shards, granted_memory());
  if (auto* error = std::get_if<ServerError>(&fitted)) return *error;
  const auto& memory = std::get<MemoryFit>(fitted);
  config_.shards = memory.shards;
  config_.memory_max = memory.memory_max;
  CHECK(config_.shards >= 1 && config_.shards <= shards_max);
  CHECK(memory_bounds.contain(config_.memory_max));
  HostNeeds needs = needs_of(config_, memory.own_bytes);
  if (auto error = check_host(&needs)) return error;
  addresses_held_ = needs.addresses;
  if (!memory.warning.empty()) log_.write(LogLevel::warning, memory.warning);
  if (!memory.note.empty()) log_.write(LogLevel::info, memory.note);
  // A small store gets a small log: it counts as room on disk (docs/STORAGE.md, "Room on disk").
  rocks->log_bytes_max =
      std::min(memory.log_bytes_max, std::max(config_.storage_max / 4, log_least_on_disk));
  rocks->storage_max = config_.storage_max;
  rocks->block_bytes_max = memory.block_bytes_max;
  rocks->files_max = needs.tables;
  return std::nullopt;
}

void Admin::restore_contacts() {
  has_saved_contacts_ = !endpoints_to_join(files_.identities[program_network].network).empty();
  for (const SavedContacts& saved : files_.contacts) {
    for (size_t network = 0; network < files_.identities.size(); ++network) {
      if (files_.identities[network].network != saved.network) continue;
      for (const SavedContact& contact : saved.contacts) {
        const Instant answered = std::min(instant_of(contact.last_answered), shards_->now());
        shards_->restore(static_cast<NetworkIndex>(network), {contact.id, contact.endpoint},
                         shards_->now() - answered);
      }
    }
  }
}

void Admin::join_at_start() {
  CHECK(networks_.size() == files_.identities.size());
  for (size_t network = 0; network < networks_.size(); ++network) {
    const bool is_configured = network == program_network;
    networks_[network].keeper->start(is_configured ? config_.bootstrap : std::vector<std::string>{},
                                     endpoints_to_join(files_.identities[network].network));
  }
}

// The contacts of the last run that answered last.
std::vector<Endpoint> Admin::endpoints_to_join(const std::string& network) const {
  std::vector<SavedContact> saved;
  for (const SavedContacts& each : files_.contacts) {
    if (each.network == network) saved = each.contacts;
  }
  std::sort(saved.begin(), saved.end(), [](const SavedContact& a, const SavedContact& b) {
    return a.last_answered > b.last_answered;
  });
  std::vector<Endpoint> endpoints;
  for (const SavedContact& contact : saved) {
    if (endpoints.size() < saved_contacts_asked) endpoints.push_back(contact.endpoint);
  }
  return endpoints;
}

// A node without a control socket serves the network just as well: only commands on this host
// cannot reach it.
void Admin::open_control() {
  control_ = std::make_unique<ControlSocket>(
      files_.directory->path(),
      [this](std::string_view line) { return doors_.answer(*this, line); }, doors_.refusal,
      [this](int socket) { port_->adopt(socket); });
  if (const auto error = control_->open()) {
    log_.write(LogLevel::warning, "no control socket", {{"error", error->sentence}});
    control_.reset();
  }
}

void Admin::log_admin_port() {
  if (port_->taken().empty()) return;
  log_.write(LogLevel::warning, "admin port taken",
             {{"addresses", port_->taken()},
              {"error", port_->taken_because()},
              {"hint", "this node has no admin port there: give each node of a host its own"}});
}

void Admin::log_ready() {
  uint32_t granted = UINT32_MAX;
  bool is_steered = true;  // Of every address.
  nlohmann::ordered_json listen = nlohmann::ordered_json::array();
  const Reactor& reactor = shards_->reactor(0);
  CHECK(reactor.sockets().size() == config_.listen.size());
  for (size_t i = 0; i < reactor.sockets().size(); ++i) {
    const BoundSocket& socket = reactor.sockets()[i];
    const ListenAddress& address = config_.listen[i];
    if (!socket.is_open()) {
      log_.write(LogLevel::info, "not listening",
                 {{"address", address.endpoint.text()}, {"error", socket.absent_because}});
      continue;
    }
    if (!socket.unsteered_because.empty()) {
      log_.write(LogLevel::warning, "steering refused",
                 {{"address", socket.bound.text()},
                  {"error", socket.unsteered_because},
                  {"hint", "most datagrams cost a hop between shards"}});
    }
    is_steered = is_steered && socket.is_steered;
    endpoints_.push_back(socket.bound);
    listen.push_back(std::string(name_of(address.dialect)) + "://" + socket.bound.text());
    granted = std::min(granted, socket.receive_buffer_bytes);
  }
  if (!reactor.fallback_because().empty()) {
    log_.write(LogLevel::info, "io_uring unavailable",
               {{"error", reactor.fallback_because()}, {"hint", "running on epoll"}});
  }
  if (granted < SocketOptions{}.receive_buffer_bytes) {
    log_.write(LogLevel::info, "small receive buffers",
               {{"granted_bytes", granted},
                {"wanted_bytes", SocketOptions{}.receive_buffer_bytes},
                {"hint", "for heavy load raise net.core.rmem_max"}});
  }
  const MemoryPlan memory = plan_memory(config_.memory_max, config_.records_max);
  if (memory.records_max < config_.records_max) {
    log_.write(LogLevel::info, "records limited",
               {{"setting", "memory-max"},
                {"most", memory.records_max},
                {"records_max", config_.records_max},
                {"hint", "raise memory-max, at 80 bytes a record, or lower records-max"}});
  }
  log_.write_each(LogLevel::info, "ready",
                  {{"id", id().hex()},
                   {"listen", listen},
                   {"admin", port_->addresses()},
                   {"shards", shards_->count()},
                   {"steered", is_steered},
                   {"io", std::string(reactor.backend_name())},
                   {"receive_buffer_bytes", granted},
                   {"state", std::string(name_of(health().state))},
                   {"data_dir", files_.directory->path()}});
}

// ---- Shutdown.

void Admin::shut_down() {
  log_.write_each(LogLevel::info, "stopping");
  calls_.close();
  if (control_ != nullptr) control_->close();
  drain();
  const ServerStats last = stats();
  log_totals(last);
  {
    const std::lock_guard lock(mutex_);
    final_stats_ = last;
    final_stats_.storage_state = StorageState::stopped;
    live_ = false;
  }
  shards_->stop();
  consume_frames();
  abandon_reloads();
  for (Network& network : networks_) network.keeper->abandon();
  calls_.abandon();
  port_->stop();  // What its requests and the next one's commands waited for has ended.
  control_.reset();
  save_contacts();
  save_clock();
  networks_.clear();
  port_.reset();  // A snapshot in progress needs the database.
  shards_.reset();
  database_.reset();  // Syncs.
  {
    const std::lock_guard lock(requests_mutex_);
    for (const Notice& each : requests_.notices) {
      log_.write(each.level, each.message, each.fields);
    }
    requests_.notices.clear();
  }
  files_.directory.reset();  // The lock is released last.
  log_.write_each(LogLevel::info, "stopped");
}

// Lets calls in progress end normally; then the shards take in nothing new, and finish what still
// has to reach the disk. All within drain_max, but at least one second is left for the disk.
void Admin::drain() {
  const MonotonicTime calls_until = monotonic_time() + config_.drain_max;
  const auto wait_until = [this](MonotonicTime deadline, auto&& is_done) {
    while (!is_done() && monotonic_time() < deadline) {
      release_waiting_calls();
      watch_health();
      take_requests();  // A join under way may have yet to resolve its names.
      if (!consume_frames()) bell_.wait(milliseconds(10));
    }
  };
  wait_until(calls_until, [this] {
    {
      const std::lock_guard requests_lock(requests_mutex_);
      if (requests_.cut_calls) return true;
    }
    return calls_.program_count() == 0;
  });
  ShardCommand command;
  command.kind = CommandKind::drain;
  const MonotonicTime disk_until = std::max(calls_until, monotonic_time() + seconds(1));
  for (uint32_t shard = 0; shard < shards_->count(); ++shard) {
    wait_until(disk_until,
               [&] { return calls_.send(static_cast<ShardIndex>(shard), command, {}); });
  }
  wait_until(disk_until, [this] { return shards_->is_drained(); });
  consume_frames();
}

}  // namespace xord
