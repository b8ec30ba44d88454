// The control command limits: what is charged to an address and to the prefixes around it, or to
// those that have taken most.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>

#include "node/server/control/charge_table.h"
#include "node/server/control/control_command.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

std::string_view name_of(LimitsMode mode) {
  constexpr std::string_view names[] = {"off", "dry-run", "on"};
  static_assert(std::size(names) == static_cast<size_t>(LimitsMode::on) + 1);
  return names[static_cast<size_t>(mode)];
}

// Why nothing is charged to `source`; empty if it is (Ledger::is_exempt()).
std::string why_exempt(const ServerConfig& config, const IpAddress& source) {
  if (config.limits.mode == LimitsMode::off) return "limits are off";
  if (!config.limits.limits_loopback && source.is_loopback()) {
    return "sources on this host are not limited without limit-loopback";
  }
  for (const Subnet& net : config.trusted_nets) {
    if (net.contains(source)) return "it is in the trusted-net " + net.text();
  }
  return "";
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

// The charge named in the request; empty: none is named. False: there is no such charge.
bool read_by(const ControlJson& request, std::optional<Charge>* by) {
  if (!request.contains("by")) return true;
  const auto name =
      std::find(std::begin(charge_names), std::end(charge_names), text_in(request, "by"));
  if (name == std::end(charge_names)) return false;
  *by = static_cast<Charge>(name - std::begin(charge_names));
  return true;
}

// A question in progress.
struct Query {
  Admin& admin;
  IpAddress source;
  bool is_one;
  std::optional<Charge> by;
  ControlFinish finish;
  ControlJson result;
  ChargeTable table;
};

void finish(Query& query) {
  query.result["prefixes"] = ControlJson::array();
  for (const NodeCharges& each :
       query.is_one ? query.table.all() : query.table.top(top_charged, query.by)) {
    query.result["prefixes"].push_back(json_of(query.admin.network_name(each.network), each));
  }
  query.finish(query.result);
}

void add(ChargeTable& table, NetworkIndex network, Bytes page) {
  CHECK(page.size() % sizeof(ChargedPrefix) == 0);
  for (size_t at = 0; at < page.size(); at += sizeof(ChargedPrefix)) {
    ChargedPrefix report;
    std::memcpy(&report, &page[at], sizeof report);
    table.add(network, report);
  }
}

// Asks each shard of each network, one after the other.
void ask(const std::shared_ptr<Query>& query, uint32_t at) {
  const uint32_t shards = query->admin.shards_count();
  const auto network = static_cast<NetworkIndex>(at / shards);
  CHECK(network <= query->admin.networks_count());
  if (network == query->admin.networks_count()) return finish(*query);
  ShardCommand command;
  command.kind = CommandKind::list_charges;
  command.network = network;
  query->admin.call_on(static_cast<ShardIndex>(at % shards), command, query->source.bytes,
                       [query, network, at](const CallResult& call) {
                         if (call.status != ServerStatus::done) {
                           return query->finish(refused_by_node(call.status, ""));
                         }
                         add(query->table, network, call.value);
                         ask(query, at + 1);
                       });
}

}  // namespace

void control_limits(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const bool is_one = request.contains("address");
  const auto source = is_one ? IpAddress::parse(text_in(request, "address")) : IpAddress{};
  if (!source || source->is_unspecified() == is_one) {
    return finish(
        ControlError{ControlCode::usage,
                     "limits takes an \"address\" without a port (192.0.2.7, 2001:db8::7), or "
                     "nothing, for the twenty prefixes that have taken most"});
  }
  std::optional<Charge> by;
  if (!read_by(request, &by)) {
    return finish(ControlError{ControlCode::usage, "\"" + text_in(request, "by") +
                                                       "\" is not a charge: \"by\" is one of "
                                                       "excess, reads, held, proofs and work"});
  }
  const ServerConfig config = admin.config();
  ControlJson result = {{"limits", name_of(config.limits.mode)}};
  if (is_one) {
    const std::string why = why_exempt(config, *source);
    result["exempt"] = !why.empty();
    if (!why.empty()) result["because"] = why;
  }
  ask(std::make_shared<Query>(Query{admin, *source, is_one, by, finish, std::move(result),
                                    ChargeTable(admin.shards_count())}),
      0);
}

}  // namespace xord
