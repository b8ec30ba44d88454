// xord::Server: a Kademlia node inside a C++ program, and the one header that such a program
// includes. It is a full member of the network of the Python `kademlia` library: it answers other
// nodes, keeps records for them on disk, and sets and gets values for its owner.
//
//   xord::ServerConfig config;
//   config.data_dir = "/var/lib/my-program/xord";
//   xord::Server server;
//   if (auto error = server.start(config)) { ...error->sentence... }
//   server.bootstrap({"dht.example.org:8468"}).get();
//   server.set("my-key", "my awesome value").get();
//   xord::GetResult got = server.get("my-key").get();
//
// Threads: a Server may be used by any number of threads at once, except that start(), stop() and
// the destructor must not overlap with each other. It runs its own threads: per shard one for its
// loop and one that writes to the database, one admin thread that resolves names, writes the small
// files and the log, and completes futures and callbacks, and those of its control socket and HTTP
// API. It installs no signal handler,
// throws nothing, reads no environment variable and no file outside its data directory.
//
// Bounds: at most operations_max calls in progress; a call beyond them, or on a server that is not
// running, completes at once with a status that says so. No call waits for the network except
// through its future.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/server/calls/key_digest.h"
#include "node/server/calls/results.h"
#include "node/server/config/server_config.h"
#include "node/server/config/server_error.h"
#include "node/server/config/server_hooks.h"
#include "node/server/health/health.h"
#include "node/server/stats/server_stats.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"

namespace xord {

class Admin;  // node/server/admin/admin.h: the running server.
enum class CommandKind : uint8_t;

class Server {
 public:
  // Maximum calls in progress.
  static constexpr uint32_t operations_max = server_calls_max;

  Server();
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Starts the node as `config` says and joins through config.bootstrap, if any. When it returns no
  // error, the sockets are bound and answer; records of an earlier run are served as they are read,
  // and sets and gets wait for that, 10 s at most. An error leaves nothing behind: nothing runs, no
  // port or lock is held. Calling it on a running server is an error of kind config; after stop()
  // the server may be started again.
  [[nodiscard]] std::optional<ServerError> start(const ServerConfig& config,
                                                 const ServerHooks& hooks = {});
  // start() with defaults: on 0.0.0.0:`port`, and on [::]:`port` where the host has IPv6.
  [[nodiscard]] std::optional<ServerError> listen(uint16_t port, const std::string& data_dir);
  // Goes on for config.drain_delay (0); then refuses new calls, waits for those in progress
  // (config.drain_max at most), commits what was acknowledged, saves contacts and clock, and frees
  // ports and lock. Does nothing when not running. Must not be called from a callback.
  void stop();
  // May be called by any thread, whether or not stop() is running: calls in progress end at once,
  // not within config.drain_max. What was acknowledged is committed all the same.
  void hurry_stop();
  bool is_running() const;

  // Valid after a successful start().
  Id id() const;
  std::vector<Endpoint> endpoints() const;  // As bound, with real ports.

  // Joins the network through `host_ports` ("name:port", "192.0.2.1:port", "[2001:db8::1]:port"):
  // asks each address of each name, and looks up our own id. If no node answers, it keeps trying in
  // the background until one does; the future returns the first outcome.
  std::future<BootstrapResult> bootstrap(std::vector<std::string> host_ports);

  // Stores `value` under `key` on the nodes nearest to it. Text and bytes keys are digested as the
  // Python library does; an Id is the digest itself. The `wire` form stores one value that is
  // already encoded, byte for byte.
  std::future<SetResult> set(std::string_view key, const Value& value);
  std::future<SetResult> set(const Id& key, const Value& value);
  std::future<SetResult> set_wire(const Id& key, Bytes wire);

  // The value of `key`: the one held here, otherwise the one that most of the nodes nearest to it
  // hold.
  std::future<GetResult> get(std::string_view key);
  std::future<GetResult> get(const Id& key);

  // set(), repeated each day by this server itself, across restarts, until forget(): a list on disk
  // with room for a million keys. Done as soon as the key is in the list: `stored` says how many
  // nodes have it by then; if 0, it is tried again. Keeping a key again replaces its value.
  std::future<SetResult> keep(std::string_view key, const Value& value);
  std::future<SetResult> keep(const Id& key, const Value& value);
  // Removes a key from that list. The copies in the network expire within the ttl.
  std::future<ForgetResult> forget(std::string_view key);
  std::future<ForgetResult> forget(const Id& key);
  // The list from key `from` on, some hundreds of keys at a time.
  std::future<PublishedResult> published(const Id& from = {});

  // The nodes nearest to `target` that answer, at most 20.
  std::future<FindResult> find(const Id& target);

  // The same with callbacks, each called exactly once: on the admin thread, or, if the call fails
  // at once, on the caller's. A callback may make further calls, but must not throw, block or
  // wait for a future of this server, which would never be ready.
  void bootstrap(std::vector<std::string> host_ports,
                 std::function<void(const BootstrapResult&)> finished);
  void set(const Id& key, const Value& value, std::function<void(const SetResult&)> finished);
  void set_wire(const Id& key, Bytes wire, std::function<void(const SetResult&)> finished);
  void keep_wire(const Id& key, Bytes wire, std::function<void(const SetResult&)> finished);
  void forget(const Id& key, std::function<void(const ForgetResult&)> finished);
  void published(const Id& from, std::function<void(const PublishedResult&)> finished);
  void get(const Id& key, std::function<void(const GetResult&)> finished);
  void find(const Id& target, std::function<void(const FindResult&)> finished);

  // A snapshot of all counters; after stop(), as of its last moment. Takes no lock that a shard
  // could wait for.
  ServerStats stats() const;
  // How the node is, as of about a second ago; after stop(), that it is draining.
  // docs/commands/health.md.
  HealthReport health() const;
  // Asks the admin thread to write the same as one log line.
  void log_stats();
  // Applies another configuration to the running node: all of it, or nothing if it is impossible,
  // which is checked as at start. What needs a restart keeps its value, and is named in the result
  // and in the log (docs/commands/reload.md). Each shard takes it over between two datagrams; done
  // once all have. At most eight wait; more are refused.
  std::future<ReloadResult> reload(const ServerConfig& config);
  void reload(const ServerConfig& config, std::function<void(const ReloadResult&)> finished);
  // The same with the configuration of ServerHooks::read_config. The log has the outcome.
  void reload();

 private:
  std::shared_ptr<Admin> admin() const;
  void store_wire(CommandKind kind, const Id& key, Bytes wire,
                  std::function<void(const SetResult&)> finished);

  mutable std::mutex mutex_;      // Guards the two below; held only to copy them.
  std::shared_ptr<Admin> admin_;  // Of the last start(): kept after stop() for stats().
  bool running_ = false;
};

}  // namespace xord
