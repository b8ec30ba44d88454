// The control command limits: what is charged to an address and to the prefixes around it, or to
// those that have taken most.
#include <cstring>

#include "node/server/charge_table.h"
#include "node/server/control_command.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

std::string_view name_of(LimitsMode mode) {
  constexpr std::string_view names[] = {"off", "dry-run", "on"};
  static_assert(std::size(names) == static_cast<size_t>(LimitsMode::on) + 1);
  return names[static_cast<size_t>(mode)];
}

bool is_loopback(const IpAddress& address) {
  static const Subnet ipv4 = *Subnet::parse("127.0.0.0/8");
  static const Subnet ipv6 = *Subnet::parse("::1/128");
  return ipv4.contains(address) || ipv6.contains(address);
}

// Why nothing is charged to `source`; empty if it is (Ledger::is_exempt()).
std::string why_exempt(const ServerConfig& config, const IpAddress& source) {
  if (config.limits.mode == LimitsMode::off) return "limits are off";
  if (!config.limits.limits_loopback && is_loopback(source)) {
    return "sources on this host are not limited without limit-loopback";
  }
  for (const Subnet& net : config.trusted_nets) {
    if (net.contains(source)) return "it is in the trusted-net " + net.text();
  }
  return "";
}

// Asks each shard of each network. Failure: the status of the first that did not answer.
ServerStatus ask_all(Admin& admin, const IpAddress& source, ChargeTable* table) {
  for (NetworkIndex network = 0; network < admin.networks_count(); ++network) {
    for (uint32_t shard = 0; shard < admin.shards_count(); ++shard) {
      ShardCommand command;
      command.kind = CommandKind::list_charges;
      command.network = network;
      const ShardAnswer answer =
          ask_shard(admin, static_cast<ShardIndex>(shard), command, source.bytes);
      if (answer.status != ServerStatus::done) return answer.status;
      CHECK(answer.value.size() % sizeof(ChargedPrefix) == 0);
      for (size_t at = 0; at < answer.value.size(); at += sizeof(ChargedPrefix)) {
        ChargedPrefix report;
        std::memcpy(&report, &answer.value[at], sizeof report);
        table->add(network, report);
      }
    }
  }
  return ServerStatus::done;
}

ControlJson json_of(const std::string& network, const NodeCharges& charges) {
  ControlJson charged;
  for (size_t i = 0; i < charges_count; ++i) charged[charge_names[i]] = charges.charged[i];
  ControlJson limits = ControlJson::array();
  for (size_t i = 0; i < limited_charges; ++i) {
    ControlJson limit = {
        {"limit", charge_names[i]}, {"most", charges.most[i]}, {"refused", charges.refused[i]}};
    if (charges.refused[i] > 0) {
      limit["since_s"] = charges.since;
      limit["last_s"] = charges.last;
      limit["until_s"] = charges.until[i] / 1000.0;
    }
    limits.push_back(limit);
  }
  return {{"network", network},
          {"prefix", charges.prefix.text()},
          {"charged", charged},
          {"limits", limits}};
}

}  // namespace

ControlResult control_limits(Admin& admin, const ControlJson& request) {
  const bool is_one = request.contains("address");
  const auto source = is_one ? IpAddress::parse(text_in(request, "address")) : IpAddress{};
  if (!source || source->is_unspecified() == is_one) {
    return ControlError{ControlCode::usage,
                        "limits takes an \"address\" without a port (192.0.2.7, 2001:db8::7), or "
                        "nothing, for the twenty prefixes that have taken most"};
  }
  const ServerConfig& config = admin.config();
  ControlJson result = {{"limits", name_of(config.limits.mode)}};
  if (is_one) {
    const std::string why = why_exempt(config, *source);
    result["exempt"] = !why.empty();
    if (!why.empty()) result["because"] = why;
  }
  ChargeTable table(admin.shards_count());
  const ServerStatus status = ask_all(admin, *source, &table);
  if (status != ServerStatus::done) return refused_by_node(status, "");
  result["prefixes"] = ControlJson::array();
  for (const NodeCharges& each : is_one ? table.all() : table.top(top_charged)) {
    result["prefixes"].push_back(json_of(admin.network_name(each.network), each));
  }
  return result;
}

}  // namespace xord
