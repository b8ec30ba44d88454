#include "node/server/config/config_check.h"

#include "node/budget.h"
#include "node/server/names/resolve.h"
#include "reactor/base/id.h"
#include "reactor/base/shard.h"
#include "storage/files/contacts_file.h"
#include "storage/operation.h"

namespace xord {
namespace {

std::optional<std::string> fault_of_listen(const ServerConfig& config) {
  if (config.listen.empty()) return "there is no address to listen on: give one";
  if (config.listen.size() > listen_max) {
    return "more than " + std::to_string(listen_max) + " addresses to listen on: give fewer";
  }
  for (const ListenAddress& listen : config.listen) {
    if (listen.dialect == DialectName::mainline) {
      return "cannot listen on mainline://" + listen.endpoint.text() +
             ": this version speaks rpcudp only; use rpcudp://ADDRESS:PORT";
    }
    if (listen.endpoint.address.is_multicast()) {
      return "cannot listen on " + listen.endpoint.text() +
             ": it is a multicast address; use an address of this host";
    }
  }
  return std::nullopt;
}

std::optional<std::string> fault_of_admin(const ServerConfig& config) {
  if (config.admin.size() > admin_addresses_max) {
    return "more than " + std::to_string(admin_addresses_max) + " admin addresses: give fewer";
  }
  if (config.admin_hosts.size() > admin_hosts_max) {
    return "more than " + std::to_string(admin_hosts_max) + " admin hosts: give fewer";
  }
  for (const AdminAddress& admin : config.admin) {
    if (!admin.path.empty()) continue;
    const IpAddress& address = admin.endpoint.address;
    if (address.is_multicast()) {
      return "the admin address " + admin.endpoint.text() +
             " is a multicast address; use an address of this host";
    }
    const bool is_guarded = !config.admin_token_file.empty() || config.admin_is_open;
    if (address.is_loopback() || is_guarded) continue;
    return "the admin address " + admin.endpoint.text() +
           " can be reached from other hosts: name an admin-token-file for them, or set admin-open "
           "to show them health and metrics alone";
  }
  return std::nullopt;
}

std::optional<std::string> fault_of_limits(const ServerConfig& config) {
  if (config.shards > shards_max) {
    return std::to_string(config.shards) + " shards are too many: at most " +
           std::to_string(shards_max) + ", or 0 for one per core";
  }
  static_assert(ttl_bounds.most.whole_seconds() <= int64_t{ttl_max});
  if (!ttl_bounds.contain(config.ttl)) {
    return "a ttl of " + std::to_string(config.ttl.whole_seconds()) +
           " s is out of range: 1 minute to 3650 days";
  }
  if (!amplification_bounds.contain(config.amplification_max)) {
    return "the amplification bound must be a number from 0 to 1000";
  }
  if (config.fleet_nets.size() > fleet_nets_max) {
    return std::to_string(config.fleet_nets.size()) +
           " networks of the fleet are too many: at most " + std::to_string(fleet_nets_max);
  }
  if (config.disjoint_paths < 1 || config.disjoint_paths > lookup_paths_max) {
    return "the number of disjoint paths must be between 1 and " + std::to_string(lookup_paths_max);
  }
  if (!limit_excess_bounds.contain(config.limits.excess_a_second) ||
      !limit_reads_bounds.contain(config.limits.reads_a_second)) {
    return "a limit is out of range: 16 KiB to 16 MiB a second of excess, 1 to 100000 reads";
  }
  if (config.limits.factors.size() > limit_factors_max) {
    return "more than " + std::to_string(limit_factors_max) + " networks with a factor: give fewer";
  }
  for (const LimitFactor& one : config.limits.factors) {
    if (limit_factor_bounds.contain(one.factor)) continue;
    return "the factor of " + one.net.text() + " must be between 1 and " +
           std::to_string(limit_factor_max);
  }
  if (!commit_window_bounds.contain(config.commit_window)) {
    return "a commit window must be between 0 and 1 s";
  }
  if (!drain_bounds.contain(config.drain_max)) {
    return "the time to drain must be between 0 and 10 minutes";
  }
  if (!drain_bounds.contain(config.drain_delay)) {
    return "the delay before draining must be between 0 and 10 minutes";
  }
  if (!canary_bounds.contain(config.canary_interval)) {
    return "the interval of the canary must be between 1 s and 1 hour";
  }
  return std::nullopt;
}

std::optional<std::string> fault_of_sizes(const ServerConfig& config) {
  static_assert(contacts_bounds.most <= saved_contacts_max && records_bounds.most <= UINT32_MAX);
  static_assert(contacts_bounds.least >= id_bits);
  struct Size {
    const char* name;
    uint64_t value;
    Bounds<uint64_t> bounds;
  };
  for (const Size& size : {
           Size{"maximum of records", config.records_max, records_bounds},
           Size{"memory for records, in bytes,",
                config.memory_max == 0 ? memory_bounds.least : config.memory_max, memory_bounds},
           Size{"storage for values, in bytes,", config.storage_max, storage_bounds},
           Size{"maximum of contacts", config.contacts_max, contacts_bounds},
           Size{"number of contacts of a ready node", config.ready_contacts, ready_contacts_bounds},
       }) {
    if (size.bounds.contain(size.value)) continue;
    return "the " + std::string(size.name) + " must be between " +
           std::to_string(size.bounds.least) + " and " + std::to_string(size.bounds.most);
  }
  return std::nullopt;
}

std::optional<std::string> fault_of_names(const ServerConfig& config) {
  if (config.data_dir.empty()) {
    return "no data directory is given: name one in which the node keeps its id and its records";
  }
  for (const std::string& name : config.bootstrap) {
    if (!parse_host_port(name)) {
      return "cannot bootstrap from \"" + name +
             "\": write HOST:PORT, an IPv6 address as [ADDRESS]:PORT";
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<ServerError> check_config(const ServerConfig& config) {
  for (const auto& fault :
       {fault_of_listen(config), fault_of_admin(config), fault_of_limits(config),
        fault_of_sizes(config), fault_of_names(config)}) {
    if (fault) return ServerError{ServerErrorKind::config, *fault};
  }
  return std::nullopt;
}

}  // namespace xord
