#include "node/server/config_check.h"

#include <cmath>

#include "node/budget.h"
#include "node/server/resolve.h"
#include "reactor/base/shard.h"
#include "storage/operation.h"

namespace xord {
namespace {

std::optional<std::string> fault_of_listen(const ServerConfig& config) {
  if (config.listen.empty()) return "there is no address to listen on: give one";
  if (config.listen.size() > listen_max) {
    return "more than " + std::to_string(listen_max) + " addresses to listen on: give fewer";
  }
  for (const ListenAddress& listen : config.listen) {
    if (listen.dialect == Dialect::mainline) {
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

std::optional<std::string> fault_of_limits(const ServerConfig& config) {
  if (config.shards > shards_max) {
    return std::to_string(config.shards) + " shards are too many: at most " +
           std::to_string(shards_max) + ", or 0 for one a core";
  }
  const int64_t ttl = config.ttl.whole_seconds();
  if (ttl < 60 || ttl > int64_t{ttl_max}) {
    return "a ttl of " + std::to_string(ttl) + " s is out of range: 1 minute to 10 years";
  }
  if (!std::isfinite(config.amplification_max) || config.amplification_max < 0) {
    return "the amplification bound must be a number that is not negative";
  }
  if (config.disjoint_paths < 1 || config.disjoint_paths > lookup_paths_max) {
    return "the number of disjoint paths must be between 1 and " + std::to_string(lookup_paths_max);
  }
  if (config.commit_window < Duration{} || config.commit_window > seconds(10)) {
    return "a commit window must be between 0 and 10 s";
  }
  if (config.drain_max < Duration{} || config.drain_max > hours(1)) {
    return "the time to drain must be between 0 and one hour";
  }
  if (config.records_max < 1 || config.records_max > UINT32_MAX) {
    return "the maximum of records must be between 1 and 4294967295";
  }
  if (config.contacts_max < 20 || config.contacts_max > 1'048'576) {
    return "the maximum of contacts must be between 20 and 1048576";
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
       {fault_of_listen(config), fault_of_limits(config), fault_of_names(config)}) {
    if (fault) return ServerError{ServerErrorKind::config, *fault};
  }
  return std::nullopt;
}

}  // namespace xord
