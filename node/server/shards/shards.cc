#include "node/server/shards/shards.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "node/budget.h"
#include "node/client/client_id.h"
#include "reactor/base/check.h"
#include "reactor/base/lazy_array.h"
#include "reactor/entropy.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

// Results: a frame with the largest value and all contacts, for every call in progress, and for
// those of one batch that the admin thread has read but not yet released.
constexpr uint32_t result_bytes_max =
    sizeof(OperationResult) + value_size_max + bucket_size * sizeof(Contact) + 16;
constexpr uint32_t results_bytes = 4 * 1024 * 1024;
static_assert((program_calls_max + frames_per_turn + 1) * result_bytes_max <= results_bytes);
// A command holds a value at most: room for 30 of the largest, or thousands of gets, between two
// turns.
constexpr uint32_t commands_bytes = 256 * 1024;
// Ten pages of contacts, or thousands of log lines.
constexpr uint32_t reports_bytes = 256 * 1024;

// Between two shards: a ring must hold the largest datagram, and 64 shards have 4,032 rings.
uint32_t between_bytes(uint32_t shards) {
  CHECK(shards >= 1 && shards <= shards_max);
  constexpr uint32_t least = 32 * 1024;
  constexpr uint32_t most = 1024 * 1024;
  static_assert(least / 2 - 8 >= datagram_bytes_max + sizeof(DatagramMessage));
  return std::clamp(std::bit_floor(2 * most / shards), least, most);
}

// Operations that may await the disk on one shard: forty times those of a sync at 100,000 stores a
// second. The mailbox of operations holds all of them, so it is never full.
constexpr uint32_t writes_max = 4096;
constexpr uint32_t write_bytes_max = 3 * 1024 * 1024;
constexpr uint32_t reads_max = 1024;
// For the published list, each: values being read for publication, and four times as many
// publications whose new time is being written, as a slow disk lags behind fast nodes.
constexpr uint32_t list_pending_max = 256;
constexpr uint32_t list_write_bytes_max = 256 * 1024;
constexpr uint32_t operations_bytes = 4 * 1024 * 1024;
static_assert(write_bytes_max + list_write_bytes_max +
                  (writes_max + reads_max + 2 * list_pending_max) * (sizeof(Operation) + 16) +
                  value_size_max + sizeof(Operation) <=
              operations_bytes);

// For the values of keys that the node itself publishes, on disk.
constexpr uint64_t published_bytes_max = uint64_t{8} << 30;

// A get stays with the node until its path copy is acknowledged, seconds after its result.
constexpr uint32_t node_operations = 4 * program_calls_max;

// Of memory-max, this part is the size of the pools of held requests.
constexpr uint64_t held_part = 16;

constexpr Duration started_within = seconds(10);
constexpr Duration port_wait_max = seconds(2);

constexpr NetworkIndex no_network = UINT8_MAX;
static_assert(networks_max <= no_network && listen_max <= listens_max);
// Each shard has a list of every network, and may write and read for it.
static_assert(published_max >= shards_max * networks_max && writes_max >= networks_max &&
              reads_max >= networks_max);

// The network of each listen address.
std::vector<NetworkIndex> network_of_listen(const ServerConfig& config,
                                            const std::vector<NetworkSetup>& networks) {
  CHECK(!networks.empty() && networks.size() <= networks_max);
  std::vector<NetworkIndex> network_of(config.listen.size(), no_network);
  for (NetworkIndex network = 0; network < networks.size(); ++network) {
    CHECK(networks[network].dialect != nullptr);
    for (const uint8_t listen : networks[network].listens) {
      CHECK(listen < network_of.size() && network_of[listen] == no_network);
      network_of[listen] = network;
    }
  }
  CHECK(std::count(network_of.begin(), network_of.end(), no_network) == 0);
  return network_of;
}

std::vector<Listen> listens_of(const ServerConfig& config,
                               const std::vector<NetworkSetup>& networks,
                               const std::vector<NetworkIndex>& network_of) {
  std::vector<Listen> listens;
  for (size_t at = 0; at < config.listen.size(); ++at) {
    const ListenAddress& address = config.listen[at];
    Listen listen;
    listen.endpoint = address.endpoint;
    if (config.steering) listen.steering = networks[network_of[at]].dialect->steering_rules();
    listen.if_family_missing = address.optional ? IfFamilyMissing::skip : IfFamilyMissing::fail;
    // 0.0.0.0 and [::] on a free port are meant to get the same port.
    for (uint32_t i = 0; i < listens.size() && address.endpoint.port == 0; ++i) {
      const Endpoint& earlier = listens[i].endpoint;
      if (earlier.port == 0 && !listens[i].port_of && earlier.address.is_unspecified() &&
          address.endpoint.address.is_unspecified() &&
          earlier.is_ipv4() != address.endpoint.is_ipv4() && network_of[i] == network_of[at]) {
        listen.port_of = i;
        break;
      }
    }
    listens.push_back(listen);
  }
  return listens;
}

// The kernel releases an io_uring, and the sockets registered with it, a moment after its process
// has gone: a node restarted right after `kill -9` would find its own port taken. So a port in use
// is tried again for a while before it is an error.
std::optional<IoError> open_sockets_soon(const std::vector<Listen>& listens, uint32_t shards,
                                         std::vector<ShardSockets>* out) {
  SocketOptions options;
  options.shards = shards;
  const MonotonicTime give_up_at = monotonic_time() + port_wait_max;
  while (true) {
    auto error = open_sockets(listens, options, out);
    if (!error || error->error_number != EADDRINUSE || monotonic_time() > give_up_at) return error;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

uint64_t reserved_bytes(const ServerConfig& config) {
  return config.memory_max + published_max * index_bytes_a_record;
}

Shards::Shards(const ServerConfig& config, std::vector<NetworkSetup> networks, NodeClock clock,
               Doorbell& admin)
    : config_(config),
      networks_(std::move(networks)),
      network_of_listen_(network_of_listen(config_, networks_)),
      memory_(plan_memory(config.memory_max, config.records_max)),
      paths_reserved_(config.disjoint_paths),
      clock_(clock),
      admin_(admin) {
  CHECK(config_.shards >= 1 && config_.shards <= shards_max);
  CHECK(memory_.records_max > 0 && memory_.records_max <= UINT32_MAX);
}

Shards::~Shards() {
  stop();
}

std::optional<IoError> Shards::open() {
  CHECK(reactors_.empty());
  std::vector<ShardSockets> sockets;
  const auto listens = listens_of(config_, networks_, network_of_listen_);
  if (auto error = open_sockets_soon(listens, config_.shards, &sockets)) return error;
  CHECK(sockets.size() == config_.shards);
  ReactorConfig reactor_config;
  reactor_config.io = config_.io;
  // One call of a node may send a value of 8 KiB to each of the k nearest.
  reactor_config.room_datagrams = 64;
  reactor_config.room_bytes = (bucket_size + 4) * datagram_bytes_max;
  reactor_config.outbox_datagrams = 256 + reactor_config.room_datagrams;
  reactor_config.outbox_bytes = 512 * 1024 + reactor_config.room_bytes;
  for (ShardSockets& of_shard : sockets) {
    std::unique_ptr<Reactor> reactor;
    if (auto error = Reactor::create(reactor_config, std::move(of_shard), clock_, &reactor)) {
      reactors_.clear();
      return error;
    }
    reactors_.push_back(std::move(reactor));
  }
  return std::nullopt;
}

std::optional<IoError> Shards::make_nodes(RocksStore& database, uint64_t hash_seed) {
  CHECK(count() == config_.shards && shards_.empty());  // After open(), once.
  const uint64_t reserved = reserved_bytes(config_);
  if (!can_reserve(reserved)) {
    return IoError{"cannot reserve " + std::to_string(reserved) +
                   " bytes for the index of the records and their values: lower memory-max, or "
                   "raise the limit of the process (LimitAS=, ulimit -v) or of the host "
                   "(vm.overcommit_memory=2)"};
  }
  make_mailboxes();
  std::vector<NodeSecrets> secrets(networks_.size());
  for (size_t network = 0; network < networks_.size(); ++network) {
    fill_with_entropy(secrets[network].transactions);
    secrets[network].hash_seed = entropy_word();
    secrets[network].prefix_seed = prefix_seed_of(networks_[network].secret);
  }
  for (ShardIndex shard = 0; shard < count(); ++shard) {
    CommitThreadConfig commit_config;
    commit_config.shard = shard;
    commit_config.shards = count();
    commit_config.commit_window = config_.commit_window;
    commit_config.load_bytes_max = memory_.value_bytes_max / count();
    commit_config.operations_bytes = operations_bytes;
    commits_.push_back(
        std::make_unique<CommitThread>(database, commit_config, reactors_[shard]->doorbell()));
    std::vector<ShardNetwork> of_shard;
    for (NetworkIndex network = 0; network < networks_.size(); ++network) {
      ShardNetwork each;
      each.config = {node_config(shard, network), store_config(network), list_config(network),
                     networks_[network].self, secrets[network]};
      each.config.store.hash_seed = each.config.published.hash_seed = hash_seed;
      each.config.store.loaded = networks_[network].loaded;
      each.seed = entropy_word();
      of_shard.push_back(each);
    }
    shards_.push_back(std::make_unique<Shard>(setup_of(shard, std::move(of_shard)),
                                              *reactors_[shard], *commits_[shard], now()));
  }
  return std::nullopt;
}

NodeConfig Shards::node_config(ShardIndex shard, NetworkIndex network) const {
  NodeConfig node;
  node.dialect = networks_[network].dialect;
  node.network = network;
  node.shard = shard;
  node.shards = count();
  node.has_ipv4 = false;
  node.has_ipv6 = false;
  for (const uint8_t listen : networks_[network].listens) {
    const BoundSocket& socket = reactors_[shard]->sockets()[listen];
    if (!socket.is_open()) continue;
    const bool is_ipv4 = socket.bound.is_ipv4();
    const bool is_first = !std::exchange(is_ipv4 ? node.has_ipv4 : node.has_ipv6, true);
    if (is_first) (is_ipv4 ? node.ipv4_socket : node.ipv6_socket) = listen;
  }
  node.operations = node_operations;
  // Under a flood these fill up, so they are in proportion to what the operator grants.
  node.budget.size_held(config_.memory_max / held_part / count() / networks_.size());
  node.routing.contacts_max = config_.contacts_max;
  node.routing.seed = entropy_word();
  node.routing.client_id = client_id;
  node.ttl = config_.ttl;
  node.amplification_max = config_.amplification_max;
  node.trusted = config_.trusted_nets;
  node.limits = config_.limits;
  node.routing.subnets.fleet = config_.fleet_nets;
  node.allow_private_contacts = config_.allow_private_contacts;
  node.disjoint_paths = config_.disjoint_paths;
  return node;
}

StoreLimits Shards::store_limits() const {
  const uint64_t share = count() * networks_.size();
  const uint64_t records_max = plan_memory(config_.memory_max, config_.records_max).records_max;
  CHECK(records_max <= memory_.records_max);
  StoreLimits limits;
  limits.ttl = static_cast<NodeSeconds>(config_.ttl.whole_seconds());
  limits.records_max = static_cast<uint32_t>((records_max + share - 1) / share);
  limits.bytes_max = config_.storage_max / share;
  limits.shares = NodeShard::shares_of(config_.limits.mode);
  return limits;
}

StoreConfig Shards::store_config(NetworkIndex network) const {
  const auto networks = static_cast<uint32_t>(networks_.size());
  const uint64_t share = count() * networks;
  const StoreLimits limits = store_limits();
  StoreConfig store;
  store.id = network;
  store.ttl = limits.ttl;
  store.records_max = limits.records_max;
  store.bytes_max = limits.bytes_max;
  store.row_bytes = row_bytes_on_disk;
  store.memory_max = memory_.value_bytes_max / share;
  store.value_size_max = value_size_max;
  store.writes_max = writes_max / networks;
  store.write_bytes_max = write_bytes_max / networks;
  store.reads_max = reads_max / networks;
  if (networks_[network].dialect->traits().holders_republish) {
    store.republish.after = static_cast<NodeSeconds>(republish_after.whole_seconds());
  }
  return store;
}

StoreConfig Shards::list_config(NetworkIndex network) const {
  const uint64_t share = count() * networks_.size();
  StoreConfig list = published_list_config(network);
  // Keys are spread evenly, but not exactly: room for a sixteenth more on each shard.
  list.records_max = static_cast<uint32_t>(published_max / share * 17 / 16);
  list.bytes_max = published_bytes_max / share;
  list.value_size_max = value_size_max;
  list.writes_max = list.reads_max = list_pending_max;
  list.write_bytes_max = list_write_bytes_max;
  return list;
}

void Shards::choose(const ServerConfig& config) {
  CHECK(config.shards == config_.shards && config.memory_max == config_.memory_max);
  CHECK(config.contacts_max == config_.contacts_max && config.listen == config_.listen);
  config_ = config;
  for (const auto& commits : commits_) commits->set_commit_window(config_.commit_window);
}

std::unique_ptr<ShardChange> Shards::change_of(ShardIndex shard) const {
  CHECK(shard < count());
  auto change = std::make_unique<ShardChange>();
  for (NetworkIndex network = 0; network < networks_.size(); ++network) {
    change->networks.push_back({NodeChange(node_config(shard, network)), store_limits()});
  }
  return change;
}

void Shards::make_mailboxes() {
  const uint32_t shards = count();
  for (uint32_t producer = 0; producer < shards; ++producer) {
    for (uint32_t consumer = 0; consumer < shards; ++consumer) {
      between_.push_back(
          producer == consumer
              ? nullptr
              : std::make_unique<Mailbox>(between_bytes(shards), reactors_[consumer]->doorbell()));
    }
    commands_.push_back(std::make_unique<Mailbox>(commands_bytes, reactors_[producer]->doorbell()));
    results_.push_back(std::make_unique<Mailbox>(results_bytes, admin_));
    reports_.push_back(std::make_unique<Mailbox>(reports_bytes, admin_));
  }
  CHECK(between_.size() == size_t{shards} * shards);
}

ShardSetup Shards::setup_of(ShardIndex shard, std::vector<ShardNetwork> networks) const {
  ShardSetup setup;
  setup.index = shard;
  setup.networks = std::move(networks);
  setup.network_of_socket = network_of_listen_;
  CHECK(setup.network_of_socket.size() == reactors_[shard]->sockets().size());
  for (uint32_t other = 0; other < count(); ++other) {
    setup.to_shards.push_back(between_[shard * count() + other].get());
    setup.from_shards.push_back(between_[other * count() + shard].get());
  }
  setup.commands = commands_[shard].get();
  setup.results = results_[shard].get();
  setup.reports = reports_[shard].get();
  setup.admin = &admin_;
  return setup;
}

void Shards::restore(NetworkIndex network, const Contact& contact, Duration age) {
  CHECK(threads_.empty() && network < networks_.size() && age >= Duration{});
  const Instant at = now();
  for (ShardIndex from = 0; from < count(); ++from) {
    shards_[from]->restore(network, at, contact, age, [&](ShardIndex to, Bytes frame) {
      shards_[to]->take_message(from, at, frame);
    });
  }
}

std::optional<IoError> Shards::run() {
  CHECK(threads_.empty() && shards_.size() == reactors_.size());
  const AllowedCores cores = allowed_cores();
  run_errors_.resize(count());
  for (uint32_t index = 0; index < count(); ++index) {
    const auto body = [this, index](Pinning) {
      run_errors_[index] = reactors_[index]->run(*shards_[index]);
      loops_ended_.fetch_add(1, std::memory_order_release);
      admin_.ring();
    };
    const uint32_t cpu = config_.has_pinned_threads ? core_of(index, cores.cpus) : no_core;
    threads_.emplace_back();
    if (auto error = threads_.back().start("xord-shard-" + std::to_string(index), cpu, body)) {
      end_loops();
      return error;
    }
  }
  const MonotonicTime deadline = monotonic_time() + started_within;
  while (monotonic_time() < deadline) {
    if (loops_ended_.load(std::memory_order_acquire) > 0) break;
    const bool all_turn = std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) {
      return shard->counters().read(ShardCount::turning) == 1;
    });
    if (all_turn) return std::nullopt;
    admin_.wait(milliseconds(20));
  }
  end_loops();
  for (const auto& error : run_errors_) {
    if (error) return error;
  }
  return IoError{"the threads of the node did not start within 10 s: is the machine overloaded?"};
}

std::optional<IoError> Shards::start_commits() {
  for (const auto& commits : commits_) {
    if (auto error = commits->start()) return error;
  }
  return std::nullopt;
}

void Shards::end_loops() {
  for (const auto& reactor : reactors_) reactor->request_stop();
  threads_.clear();  // Joins the threads.
}

void Shards::stop() {
  end_loops();
  for (const auto& commits : commits_) commits->stop();
}

bool Shards::command(ShardIndex shard, const ShardCommand& command, Bytes tail) {
  CHECK(shard < commands_.size() && command.network < networks_.size());
  CHECK(command.kind != CommandKind::join ||
        tail.size() == command.endpoints_count * sizeof(Endpoint));
  if (!commands_[shard]->push(command, tail)) return false;
  commands_[shard]->publish();
  return true;
}

bool Shards::has_frames_before_sleep() const {
  const auto has = [](const auto& mailbox) { return mailbox->has_frames_before_sleep(); };
  return std::any_of(results_.begin(), results_.end(), has) ||
         std::any_of(reports_.begin(), reports_.end(), has);
}

uint32_t Shards::answerable_count(NetworkIndex network) const {
  CHECK(!shards_.empty() && network < networks_.size());
  uint32_t fewest = UINT32_MAX;
  for (const auto& shard : shards_) fewest = std::min(fewest, shard->answerable_count(network));
  return fewest;
}

bool Shards::is_drained() const {
  return std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) {
    return shard->counters().read(ShardCount::drained) == 1;
  });
}

}  // namespace xord
