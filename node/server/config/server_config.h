// ServerConfig: everything that a person may choose about a running server, as plain values with
// their defaults. It reads no file, no environment and no flag: tools/ does, and an embedder fills
// it in by hand. A default changed here changes in docs/commands/run.md, too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "node/limits_config.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"
#include "reactor/io_choice.h"
#include "storage/durability.h"

namespace xord {

// The wire dialect that a listen address speaks (docs/ARCHITECTURE.md, "Dialects and networks").
// Mainline has a name, so that a config for it gets its own error, but is not implemented: the
// server refuses it.
enum class DialectName : uint8_t { rpcudp, mainline };

enum class LogLevel : uint8_t { debug, info, warning, error, off };
enum class LogFormat : uint8_t { text, json };
enum class LogColor : uint8_t { automatic, always, never };

// What the node does each minute to see whether the network answers
// (node/server/health/health_watch.h).
enum class CanaryMode : uint8_t {
  off,
  lookup,  // Looks up a random id.
  store,   // And stores a value under a key of its own, which other nodes keep for their ttl.
};

struct ListenAddress {
  DialectName dialect = DialectName::rpcudp;
  Endpoint endpoint;  // Port 0: the kernel chooses, and the ready line shows it.
  // If the host lacks this address family, it is logged and is not an error, unless no other
  // address is left: set for the default [::]:8468.
  bool optional = false;

  bool operator==(const ListenAddress&) const = default;
};

constexpr uint16_t default_port = 8468;  // The Python library's README port.
constexpr uint32_t listen_max = 16;      // Sockets per shard; LocalAddress::socket has eight bits.

// 0.0.0.0:8468, and [::]:8468 where the host has IPv6.
inline std::vector<ListenAddress> default_listen() {
  return {{DialectName::rpcudp, Endpoint::ipv4(0, default_port), false},
          {DialectName::rpcudp, Endpoint{IpAddress{}, 0, default_port}, true}};
}

// Where the HTTP API is served (docs/ADMIN.md): on a TCP address, or, with a path, on a Unix
// socket.
struct AdminAddress {
  Endpoint endpoint;  // Port 0: the kernel chooses, and the ready line shows it.
  std::string path;
  // If the address is taken or absent, it is logged and is not an error: set for the defaults of
  // `xord run`, so that a second node on a host starts.
  bool is_optional = false;

  bool operator==(const AdminAddress&) const = default;
};

constexpr uint16_t default_admin_port = 8470;
constexpr uint32_t admin_addresses_max = 8;
constexpr uint32_t admin_hosts_max = 16;

// 127.0.0.1:8470, and [::1]:8470 where the host has IPv6.
inline std::vector<AdminAddress> default_admin() {
  return {{Endpoint::ipv4(0x7f000001, default_admin_port), "", true},
          {Endpoint{*IpAddress::parse("::1"), 0, default_admin_port}, "", true}};
}

// A setting as the program around the server shows it to its operator (GET /v1/config). Texts are
// as the operator may write them; a list may have any number, any other setting has one.
struct ShownSetting {
  std::string name;
  std::vector<std::string> value;
  std::vector<std::string> default_value;
  bool is_list = false;
  bool is_reloadable = false;  // A reload applies a new value without a restart.
  std::string origin;          // "default", "flag --ttl", "file /etc/xord.toml:3"
  // After a reload that would need a restart for it: the value that it then has. Else empty.
  std::optional<std::vector<std::string>> after_restart{};

  bool operator==(const ShownSetting&) const = default;
};

// The permitted values. The flags and files of tools/ refuse all others, and so does start().
template <class Value>
struct Bounds {
  Value least;
  Value most;
  constexpr bool contain(Value value) const { return value >= least && value <= most; }
};
constexpr Bounds<double> amplification_bounds{0, 1'000};
constexpr Bounds<Duration> ttl_bounds{minutes(1), hours(24 * 3650)};
constexpr Bounds<Duration> commit_window_bounds{Duration{}, seconds(1)};
constexpr Bounds<Duration> drain_bounds{Duration{}, minutes(10)};
constexpr Bounds<Duration> canary_bounds{seconds(1), hours(1)};
constexpr Bounds<uint64_t> records_bounds{1, 1'000'000'000};
constexpr Bounds<uint64_t> memory_bounds{uint64_t{1} << 20, uint64_t{1} << 42};
constexpr Bounds<uint64_t> storage_bounds{uint64_t{1} << 20, uint64_t{1} << 50};
// From the number of ranges of ids to the number that can be saved (storage/files/contacts_file.h).
constexpr Bounds<uint64_t> contacts_bounds{160, uint64_t{1} << 20};
constexpr Bounds<uint64_t> ready_contacts_bounds{0, contacts_bounds.most};

// From one answer with a large value, and from one read, to what the ledger can count; a second,
// for one address.
constexpr Bounds<uint64_t> limit_excess_bounds{uint64_t{16} << 10, uint64_t{16} << 20};
constexpr Bounds<uint64_t> limit_reads_bounds{1, 100'000};
static_assert(limit_excess_bounds.most <= excess_a_second_max &&
              limit_reads_bounds.most <= reads_a_second_max);
constexpr Bounds<uint64_t> limit_factor_bounds{1, limit_factor_max};
constexpr size_t limit_factors_max = 64;

// Each is compared with the address of every newcomer.
constexpr size_t fleet_nets_max = 64;

// Calls of the program in progress at a time: Server::operations_max.
constexpr uint32_t server_calls_max = 256;

struct ServerConfig {
  // At most listen_max. An address of family IPv6 is bound V6ONLY.
  std::vector<ListenAddress> listen = default_listen();
  // "name:port", "192.0.2.1:port" or "[2001:db8::1]:port". Names are resolved by the server's
  // start-up thread, again when a bootstrap fails, and never on a shard. Every address is tried.
  std::vector<std::string> bootstrap;

  // Holds identity, contacts, clock, LOCK and the database; created (mode 0700) if missing. Empty
  // is refused: tools/ fills in the user's data directory.
  std::string data_dir;
  // A network file system is refused unless this is set: its locks and syncs cannot be trusted.
  bool allow_network_file_system = false;

  // 0: as many as the affinity mask, the cgroup quota and memory allow.
  uint32_t shards = 0;
  IoChoice io = IoChoice::automatic;
  // Whether the kernel is asked to steer each datagram to the shard it belongs to. Without it most
  // datagrams cost a hop from shard to shard; answers are the same.
  bool steering = true;
  // Each shard's thread stays on one core; it waits for whatever else wants that core.
  bool has_pinned_threads = false;

  // Empty: there is no admin port, and the API is served on the control socket alone. At most
  // admin_addresses_max. An address that is not loopback needs a token file or admin_is_open.
  std::vector<AdminAddress> admin;
  // A file of mode 0600 with the token for changes over TCP, and for other hosts. Empty: none.
  std::string admin_token_file;
  // What requests may have as their Host, besides localhost and the address that they come to:
  // names or addresses without a port. At most admin_hosts_max.
  std::vector<std::string> admin_hosts;
  bool admin_is_open = false;  // Other hosts may read health and metrics without a token.
  // Whether GET /metrics shows figures of single shards (docs/METRICS.md), or their sums alone.
  bool has_metrics_by_shard = true;

  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::text;
  LogColor log_color = LogColor::automatic;  // On a terminal, unless it refuses them.

  // The most bytes sent to an unproven source per byte from it, so that a forger gains nothing.
  double amplification_max = 1.0;
  // Sources exempt from proof, and so from the amplification bound, from `limits`, and from nothing
  // else: the routing table's limits by prefix apply to them, too.
  std::vector<Subnet> trusted_nets;
  // What one source or prefix may take. `factors` has at most limit_factors_max entries.
  LimitsConfig limits;
  // Contacts exempt from the limits by prefix of the routing table, of lookups and of hand-overs,
  // and from nothing else: the operator's own nodes in one data centre. At most fleet_nets_max.
  std::vector<Subnet> fleet_nets;
  // Whether contacts at private and loopback addresses are asked if a node at a public one names
  // them: for closed networks in which some nodes have both.
  bool allow_private_contacts = false;

  // Paths of each get, set and find that share no node (node/lookup/lookup.h). 1 to 8.
  uint32_t disjoint_paths = 1;

  // A record's life after its publication; the Python library's is a week.
  Duration ttl = hours(7 * 24);
  // How long the commit thread waits for more stores before a sync. 0: takes those already queued.
  Duration commit_window{};
  Durability durability = Durability::sync;

  uint64_t records_max = 10'000'000;  // All shards together; beyond it stores get `false`.
  // Index of the records and cache of their values, all shards (storage/memory_plan.h). It bounds
  // the records too, at 80 bytes each. 0: 1 GiB, or less where the host or its container has less
  // (node/server/host/host_memory.h). RocksDB takes about 60 MB on top.
  uint64_t memory_max = 0;
  // Bytes of values kept, all shards, and 64 for each record. What they take on disk is in
  // docs/STORAGE.md, "Room on disk".
  uint64_t storage_max = uint64_t{16} << 30;
  uint32_t contacts_max = 65'536;   // Routing table; 100 bytes per contact and shard.
  Duration drain_max = seconds(5);  // SIGTERM: how long admitted work may take to finish.

  // SIGTERM: how long the node goes on as before, except that it says it is draining
  // (node/server/health/health.h), for those who look at that to send others elsewhere.
  Duration drain_delay{};

  // Contacts that must answer for the node to be ready, if it knows of any network.
  uint32_t ready_contacts = 1;
  CanaryMode canary = CanaryMode::lookup;
  Duration canary_interval = minutes(1);  // Not a setting of `xord run`.

  // What the API says about the program around the server.
  std::string version;
  std::vector<ShownSetting> settings;

  bool operator==(const ServerConfig&) const = default;
};

}  // namespace xord
