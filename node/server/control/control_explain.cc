// The control command explain: what the node does with an address, and why: its proofs, the
// requests held for it, its charges, how much of it the kernel lets pass, and its place in the
// table.
#include <cmath>
#include <cstring>
#include <map>
#include <memory>

#include "node/server/control/contact_json.h"
#include "node/server/control/control_command.h"
#include "node/server/control/shard_rows.h"
#include "node/subnet_limits.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr uint32_t contacts_shown_max = 100;

// What all shards say of the address in one network.
struct OfNetwork {
  SourceHead head;
  std::map<Endpoint, uint32_t> proven;  // Seconds until each lapses.
  std::vector<ContactRow> contacts;

  bool has_answered() const {
    const auto answers = [](const ContactRow& row) {
      return row.standing != static_cast<uint8_t>(Standing::silent);
    };
    return !proven.empty() || std::any_of(contacts.begin(), contacts.end(), answers);
  }
};

// A question in progress. Bounded: shards_max answers of proven_rows_max rows a network.
struct Query {
  Admin& admin;
  IpAddress address;
  ControlFinish finish;
  ControlJson limits;  // The answer of the command limits.
  std::vector<OfNetwork> networks;
};
using QueryRef = std::shared_ptr<Query>;

// What is the matter, the gravest last.
enum class Verdict : uint8_t { served, pinged_first, held, thinned, limited };
constexpr const char* verdict_names[] = {"served", "pinged first", "held", "thinned", "limited"};
static_assert(std::size(verdict_names) == static_cast<size_t>(Verdict::limited) + 1);

struct Judgement {
  Verdict verdict = Verdict::served;
  ControlJson because = ControlJson::array();

  void add(Verdict found, const std::string& sentence) {
    CHECK(!sentence.empty());
    verdict = std::max(verdict, found);
    because.push_back(sentence);
  }
};

bool is_trusted(const Query& query) {
  return is_in_any(query.admin.config().trusted_nets, query.address);
}

void judge_limits(const Query& query, Judgement& judgement) {
  const auto mode = query.limits.at("limits").get<std::string>();
  if (query.limits.at("exempt").get<bool>()) {
    return judgement.add(Verdict::served, "nothing is charged to it: " +
                                              query.limits.at("because").get<std::string>());
  }
  for (const ControlJson& row : query.limits.at("prefixes")) {
    for (const ControlJson& limit : row.at("limits")) {
      if (limit.at("refused").get<uint64_t>() == 0) continue;
      const bool is_open = limit.at("until_s").get<double>() <= 0 || mode != "on";
      const std::string what = row.at("prefix").get<std::string>() + " has had its limit of " +
                               limit.at("limit").get<std::string>();
      judgement.add(is_open ? Verdict::served : Verdict::limited,
                    what + (mode != "on" ? ", but nothing is refused in a dry run"
                            : is_open    ? ", but a usual request is admitted again"
                                         : ""));
    }
  }
}

void judge(const Query& query, const OfNetwork& network, Judgement& judgement) {
  if (!is_trusted(query) && !network.has_answered()) {
    judgement.add(Verdict::pinged_first,
                  "none of its endpoints has answered the node in the last ten minutes, so a "
                  "request of one is held until it answers a ping");
  }
  if (network.head.held > 0) {
    judgement.add(Verdict::held, std::to_string(network.head.held) +
                                     " of its requests wait until it answers a ping");
  }
  if (network.head.passing < 1) {
    judgement.add(Verdict::thinned, "the node is overloaded, and the kernel lets " +
                                        std::to_string(std::lround(100 * network.head.passing)) +
                                        " % of its datagrams pass");
  }
}

// The prefix of a level of the table's limits.
Subnet table_prefix(const IpAddress& address, size_t level) {
  const uint32_t bits = subnet_bits(address, level) + (address.is_ipv4() ? 96 : 0);
  Subnet subnet{address, static_cast<uint8_t>(bits)};
  for (uint32_t bit = bits; bit < 128; ++bit) {
    uint8_t& byte = subnet.address.bytes[bit / 8];
    byte = static_cast<uint8_t>(byte & ~(0x80u >> bit % 8));
  }
  CHECK(subnet.contains(address));
  return subnet;
}

ControlJson table_of(const IpAddress& address, const SourceHead& head) {
  ControlJson table = ControlJson::array();
  if (head.has_table_limits == 0) return table;
  const SubnetLimits limits;
  for (size_t level = 0; level < subnet_levels(address); ++level) {
    const uint32_t most =
        level == 0 ? limits.per_table_max : limits.share_of_table(head.filed_of_family);
    table.push_back({{"prefix", table_prefix(address, level).text()},
                     {"contacts", head.filed_of_prefix[level]},
                     {"most", most}});
  }
  return table;
}

ControlJson json_of(const Query& query, NetworkIndex index) {
  const OfNetwork& network = query.networks.at(index);
  ControlJson proven = ControlJson::array();
  for (const auto& [endpoint, lapses_in] : network.proven) {
    proven.push_back({{"endpoint", endpoint.text()}, {"until_s", lapses_in}});
  }
  ControlJson contacts = ControlJson::array();
  for (const ContactRow& row : network.contacts) contacts.push_back(json_of(row));
  CHECK(contacts.size() <= contacts_shown_max);
  return {{"network", query.admin.network_name(index)},
          {"proven", proven},
          {"held", network.head.held},
          {"passing", std::round(network.head.passing * 1e4) / 1e4},
          {"table", table_of(query.address, network.head)},
          {"contacts", contacts}};
}

void finish(const Query& query) {
  Judgement judgement;
  for (const OfNetwork& network : query.networks) judge(query, network, judgement);
  judge_limits(query, judgement);
  ControlJson networks = ControlJson::array();
  for (NetworkIndex index = 0; index < query.networks.size(); ++index) {
    networks.push_back(json_of(query, index));
  }
  query.finish(ControlJson{{"address", query.address.text()},
                           {"verdict", verdict_names[static_cast<size_t>(judgement.verdict)]},
                           {"because", judgement.because},
                           {"trusted", is_trusted(query)},
                           {"limits", query.limits.at("limits")},
                           {"exempt", query.limits.at("exempt")},
                           {"networks", networks},
                           {"prefixes", query.limits.at("prefixes")}});
}

// The contacts at the address: all of the table are looked through, a page at a time.
void ask_contacts(const QueryRef& query, NetworkIndex network, const Id& from) {
  if (network == query->networks.size()) return finish(*query);
  RowsWanted<ContactRow> wanted;
  wanted.command = command_of(CommandKind::list_contacts, from);
  wanted.command.network = network;
  wanted.tail.assign(wanted.near.bytes.begin(), wanted.near.bytes.end());
  wanted.limit =
      contacts_shown_max - static_cast<uint32_t>(query->networks[network].contacts.size());
  wanted.is_wanted = [address = query->address](const ContactRow& row) {
    return row.contact.endpoint.address == address;
  };
  RowsQuery<ContactRow>::run(
      query->admin, std::move(wanted), [query, network](const RowsPage<ContactRow>& page) {
        if (page.status != ServerStatus::done) {
          return query->finish(refused_by_node(page.status, ""));
        }
        auto& contacts = query->networks[network].contacts;
        contacts.insert(contacts.end(), page.rows.begin(), page.rows.end());
        const bool has_more = page.next && contacts.size() < contacts_shown_max;
        ask_contacts(query, has_more ? network : static_cast<NetworkIndex>(network + 1),
                     has_more ? *page.next : Id{});
      });
}

void add(OfNetwork& network, Bytes answer) {
  SourceHead head;
  CHECK(answer.size() >= sizeof head);
  std::memcpy(&head, answer.data(), sizeof head);
  CHECK(answer.size() == sizeof head + head.proven_count * sizeof(ProvenRow));
  network.head.held += head.held;
  network.head.passing = std::min(network.head.passing, head.passing);
  network.head.has_table_limits = head.has_table_limits;
  network.head.filed_of_family = std::max(network.head.filed_of_family, head.filed_of_family);
  for (size_t level = 0; level < head.filed_of_prefix.size(); ++level) {
    uint32_t& filed = network.head.filed_of_prefix[level];
    filed = std::max(filed, head.filed_of_prefix[level]);
  }
  for (uint32_t i = 0; i < head.proven_count; ++i) {
    ProvenRow row;
    std::memcpy(&row, &answer[sizeof head + i * sizeof row], sizeof row);
    uint32_t& lapses_in = network.proven[row.source];
    lapses_in = std::max(lapses_in, row.lapses_in);
  }
}

// Asks each shard of each network, one after the other.
void ask_shards(const QueryRef& query, uint32_t at) {
  const uint32_t shards = query->admin.shards_count();
  const auto network = static_cast<NetworkIndex>(at / shards);
  if (network == query->networks.size()) return ask_contacts(query, 0, {});
  ShardCommand command;
  command.kind = CommandKind::explain;
  command.network = network;
  query->admin.call_on(static_cast<ShardIndex>(at % shards), command, query->address.bytes,
                       [query, network, at](const CallResult& call) {
                         if (call.status != ServerStatus::done) {
                           return query->finish(refused_by_node(call.status, ""));
                         }
                         add(query->networks[network], call.value);
                         ask_shards(query, at + 1);
                       });
}

}  // namespace

void control_explain(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const auto address = IpAddress::parse(text_in(request, "address"));
  if (!address || address->is_unspecified()) {
    return finish(
        ControlError{ControlCode::usage,
                     "explain takes an \"address\" without a port (192.0.2.7, 2001:db8::7)"});
  }
  const auto query = std::make_shared<Query>(
      Query{admin, *address, finish, {}, std::vector<OfNetwork>(admin.networks_count())});
  control_limits(admin, {{"address", address->text()}}, [query](ControlResult limits) {
    if (std::holds_alternative<ControlError>(limits)) return query->finish(std::move(limits));
    query->limits = std::get<ControlJson>(std::move(limits));
    ask_shards(query, 0);
  });
}

}  // namespace xord
