#include "node/server/server.h"

#include "node/budget.h"
#include "node/server/admin/admin.h"
#include "node/server/admin/published_query.h"
#include "node/server/node_doors.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"
#include "reactor/standard_descriptors.h"

namespace xord {
namespace {

GetResult get_result(const CallResult& call) {
  CHECK(call.status == ServerStatus::done || call.value.empty());
  GetResult result;
  result.status = call.status;
  result.wire.assign(call.value.begin(), call.value.end());
  if (call.status == ServerStatus::done) result.value = decode_value(call.value);
  return result;
}

SetResult set_result(const CallResult& call) {
  CHECK(call.status == ServerStatus::done || call.stored == 0);
  return {call.status, call.stored};
}
FindResult find_result(const CallResult& call) {
  CHECK((call.status == ServerStatus::done) == !call.contacts.empty());
  return {call.status, call.contacts};
}
BootstrapResult bootstrap_result(const CallResult& call) {
  return {call.status, call.contacts, call.unresolved};
}

// A callback that fulfils the promise of the returned future.
template <class Result>
std::function<void(const Result&)> keep_promise(std::future<Result>* future) {
  auto promise = std::make_shared<std::promise<Result>>();
  *future = promise->get_future();
  return [promise](const Result& result) { promise->set_value(result); };
}

CallResult call_result(ServerStatus status) {
  CallResult result;
  result.status = status;
  return result;
}

}  // namespace

Server::Server() = default;
Server::~Server() {
  stop();
}

std::optional<ServerError> Server::start(const ServerConfig& config, const ServerHooks& hooks) {
  if (is_running()) {
    return ServerError{ServerErrorKind::config, "the server is already running: stop it first"};
  }
  // A program may have closed them, and the log is written to stderr: it must not end up in a file
  // of the node.
  fill_standard_descriptors();
  auto admin = std::make_shared<Admin>(config, node_doors(), hooks);
  if (auto error = admin->start()) return error;
  const std::lock_guard lock(mutex_);
  admin_ = std::move(admin);
  running_ = true;
  return std::nullopt;
}

std::optional<ServerError> Server::listen(uint16_t port, const std::string& data_dir) {
  ServerConfig config;
  for (ListenAddress& address : config.listen) address.endpoint.port = port;
  config.data_dir = data_dir;
  return start(config);
}

void Server::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!running_) return;
    CHECK(admin_ != nullptr);
    running_ = false;
  }
  admin()->stop();
}

void Server::hurry_stop() {
  if (const auto admin = this->admin()) admin->cut_calls();
}

bool Server::is_running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

std::shared_ptr<Admin> Server::admin() const {
  const std::lock_guard lock(mutex_);
  return admin_;
}

Id Server::id() const {
  const auto admin = this->admin();
  return admin ? admin->id() : Id{};
}

std::vector<Endpoint> Server::endpoints() const {
  const auto admin = this->admin();
  return admin ? admin->endpoints() : std::vector<Endpoint>{};
}

// ---- Calls with callbacks.

void Server::bootstrap(std::vector<std::string> host_ports,
                       std::function<void(const BootstrapResult&)> finished) {
  FinishCall finish = [finished = std::move(finished)](const CallResult& call) {
    finished(bootstrap_result(call));
  };
  const auto admin = this->admin();
  if (!admin) return finish(call_result(ServerStatus::stopped));
  admin->bootstrap(std::move(host_ports), std::move(finish));
}

void Server::set_wire(const Id& key, Bytes wire, std::function<void(const SetResult&)> finished) {
  store_wire(CommandKind::set, key, wire, std::move(finished));
}

void Server::keep_wire(const Id& key, Bytes wire, std::function<void(const SetResult&)> finished) {
  store_wire(CommandKind::keep, key, wire, std::move(finished));
}

void Server::store_wire(CommandKind kind, const Id& key, Bytes wire,
                        std::function<void(const SetResult&)> finished) {
  FinishCall finish = [finished = std::move(finished)](const CallResult& call) {
    finished(set_result(call));
  };
  if (wire.size() > value_size_max || !rpcudp::is_storable(wire))
    return finish(call_result(ServerStatus::unacceptable));
  const auto admin = this->admin();
  if (!admin) return finish(call_result(ServerStatus::stopped));
  admin->call(command_of(kind, key), wire, std::move(finish));
}

void Server::set(const Id& key, const Value& value,
                 std::function<void(const SetResult&)> finished) {
  const std::optional<std::vector<uint8_t>> wire = encode_value(value);
  if (!wire) return finished({ServerStatus::unacceptable, 0});
  set_wire(key, *wire, std::move(finished));
}

void Server::forget(const Id& key, std::function<void(const ForgetResult&)> finished) {
  FinishCall finish = [finished = std::move(finished)](const CallResult& call) {
    finished({call.status});
  };
  const auto admin = this->admin();
  if (!admin) return finish(call_result(ServerStatus::stopped));
  admin->call(command_of(CommandKind::forget, key), {}, std::move(finish));
}

void Server::published(const Id& from, std::function<void(const PublishedResult&)> finished) {
  const auto admin = this->admin();
  if (!admin) return finished({ServerStatus::stopped, {}, {}});
  list_published(*admin, from, std::move(finished));
}

void Server::get(const Id& key, std::function<void(const GetResult&)> finished) {
  FinishCall finish = [finished = std::move(finished)](const CallResult& call) {
    finished(get_result(call));
  };
  const auto admin = this->admin();
  if (!admin) return finish(call_result(ServerStatus::stopped));
  admin->call(command_of(CommandKind::get, key), {}, std::move(finish));
}

void Server::find(const Id& target, std::function<void(const FindResult&)> finished) {
  FinishCall finish = [finished = std::move(finished)](const CallResult& call) {
    finished(find_result(call));
  };
  const auto admin = this->admin();
  if (!admin) return finish(call_result(ServerStatus::stopped));
  admin->call(command_of(CommandKind::find, target), {}, std::move(finish));
}

// ---- The same with futures.

std::future<BootstrapResult> Server::bootstrap(std::vector<std::string> host_ports) {
  std::future<BootstrapResult> future;
  bootstrap(std::move(host_ports), keep_promise(&future));
  return future;
}

std::future<SetResult> Server::set(std::string_view key, const Value& value) {
  return set(key_digest(key), value);
}

std::future<SetResult> Server::set(const Id& key, const Value& value) {
  std::future<SetResult> future;
  set(key, value, keep_promise(&future));
  return future;
}

std::future<SetResult> Server::set_wire(const Id& key, Bytes wire) {
  std::future<SetResult> future;
  set_wire(key, wire, keep_promise(&future));
  return future;
}

std::future<SetResult> Server::keep(std::string_view key, const Value& value) {
  return keep(key_digest(key), value);
}

std::future<SetResult> Server::keep(const Id& key, const Value& value) {
  std::future<SetResult> future;
  const auto finished = keep_promise<SetResult>(&future);
  const std::optional<std::vector<uint8_t>> wire = encode_value(value);
  if (wire) {
    keep_wire(key, *wire, finished);
  } else {
    finished({ServerStatus::unacceptable, 0});
  }
  return future;
}

std::future<ForgetResult> Server::forget(std::string_view key) {
  return forget(key_digest(key));
}

std::future<ForgetResult> Server::forget(const Id& key) {
  std::future<ForgetResult> future;
  forget(key, keep_promise(&future));
  return future;
}

std::future<PublishedResult> Server::published(const Id& from) {
  std::future<PublishedResult> future;
  published(from, keep_promise(&future));
  return future;
}

std::future<GetResult> Server::get(std::string_view key) {
  return get(key_digest(key));
}

std::future<GetResult> Server::get(const Id& key) {
  std::future<GetResult> future;
  get(key, keep_promise(&future));
  return future;
}

std::future<FindResult> Server::find(const Id& target) {
  std::future<FindResult> future;
  find(target, keep_promise(&future));
  return future;
}

// ---- Statistics.

ServerStats Server::stats() const {
  const auto admin = this->admin();
  if (admin) return admin->stats();
  ServerStats none;
  none.storage_state = StorageState::stopped;
  return none;
}

HealthReport Server::health() const {
  const auto admin = this->admin();
  return admin ? admin->health() : HealthReport{};
}

void Server::reload() {
  if (const auto admin = this->admin()) admin->reload([](const ReloadResult&) {});
}

void Server::reload(const ServerConfig& config, std::function<void(const ReloadResult&)> finished) {
  CHECK(finished != nullptr);
  const auto admin = this->admin();
  if (!admin) return finished({ServerStatus::stopped, "the server is not running", {}, {}});
  admin->reload(config, std::move(finished));
}

std::future<ReloadResult> Server::reload(const ServerConfig& config) {
  std::future<ReloadResult> future;
  reload(config, keep_promise(&future));
  return future;
}

void Server::log_stats() {
  if (const auto admin = this->admin()) admin->log_stats();
}

}  // namespace xord
