// The control commands that list what a node holds: contacts, buckets, records. A page at a time.
#include <charconv>

#include "node/server/control/contact_json.h"
#include "node/server/control/control_command.h"
#include "node/server/control/shard_rows.h"
#include "node/server/http/router.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// What each of these commands may be asked for.
struct ListWanted {
  NetworkIndex network = program_network;
  std::optional<Id> from;  // Empty: the beginning.
  uint32_t limit = page_rows_max;
};

ControlError usage(const std::string& sentence) {
  CHECK(!sentence.empty());
  return {ControlCode::usage, sentence};
}

// A number, or the text of one: a query of HTTP has nothing else.
std::optional<uint32_t> limit_in(const ControlJson& request) {
  const auto at = request.find("limit");
  if (at == request.end()) return page_rows_max;
  const std::string text = at->is_string() ? at->get<std::string>() : at->dump();
  uint32_t limit = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, limit);
  if (error != std::errc{} || end != last || limit < 1 || limit > page_rows_max) return {};
  return limit;
}

std::variant<ListWanted, ControlError> list_wanted(const Admin& admin, const ControlJson& request) {
  ListWanted wanted;
  CHECK(wanted.network < admin.networks_count());
  const std::string network = text_in(request, "network");
  while (!network.empty() && admin.network_name(wanted.network) != network) {
    if (++wanted.network == admin.networks_count()) {
      return usage("the node is in no network \"" + network + "\": /v1/status names them");
    }
  }
  if (request.contains("from")) {
    wanted.from = Id::from_hex(text_in(request, "from"));
    if (!wanted.from) {
      return usage("\"from\" is the \"next\" of the previous page: 40 hexadecimal digits");
    }
  }
  const auto limit = limit_in(request);
  if (!limit) return usage("\"limit\" is a number from 1 to " + std::to_string(page_rows_max));
  wanted.limit = *limit;
  return wanted;
}

// Up to 40 hexadecimal digits; what is left out counts as 0.
std::optional<Id> leading_digits(const std::string& digits) {
  if (digits.empty() || digits.size() > 2 * id_size) return std::nullopt;
  return Id::from_hex(digits + std::string(2 * id_size - digits.size(), '0'));
}

ControlJson json_of(const BucketRow& row) {
  CHECK(row.answerable <= row.contacts);
  return {{"depth", row.depth},   {"prefix", row.first.hex()},     {"prefix_bits", row.prefix_bits},
          {"shard", row.shard},   {"contacts", row.contacts},      {"answerable", row.answerable},
          {"spares", row.spares}, {"refresh_in_s", row.refresh_in}};
}

ControlJson json_of(const RecordRow& row) {
  CHECK(row.is_in_memory <= 1);
  ControlJson type;
  if (row.is_in_memory != 0) type = type_name_of(row.first_byte);
  return {{"id", row.key.hex()},
          {"type", type},
          {"value_bytes", row.value_size},
          {"published_ago_s", row.published_ago},
          {"stored_ago_s", row.stored_ago},
          {"expires_in_s", row.expires_in},
          {"is_in_memory", row.is_in_memory != 0}};
}

// {"network", MEMBER: rows, "next"}.
template <class Row>
typename RowsQuery<Row>::Finish finish_with(const char* member, const std::string& network,
                                            const ControlFinish& finish) {
  return [member, network, finish](const RowsPage<Row>& page) {
    if (page.status != ServerStatus::done) return finish(refused_by_node(page.status, ""));
    CHECK(!page.next || page.rows.size() <= page_rows_max);
    ControlJson result = {{"network", network}, {member, ControlJson::array()}};
    for (const Row& row : page.rows) result[member].push_back(json_of(row));
    if (page.next) result["next"] = page.next->hex();
    finish(result);
  };
}

// The query for the rows from `first` on, unless a later page is wanted.
template <class Row>
RowsWanted<Row> rows_wanted(CommandKind kind, const ListWanted& list, const Id& first) {
  CHECK(list.limit >= 1 && list.limit <= page_rows_max);
  RowsWanted<Row> wanted;
  wanted.command = command_of(kind, list.from.value_or(first));
  wanted.command.network = list.network;
  wanted.limit = list.limit;
  return wanted;
}

}  // namespace

void control_contacts(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const auto list = list_wanted(admin, request);
  if (const auto* error = std::get_if<ControlError>(&list)) return finish(*error);
  const auto near =
      request.contains("near") ? leading_digits(text_in(request, "near")) : std::optional(Id{});
  if (!near)
    return finish(usage("\"near\" is the first digits of an id: 1 to 40 hexadecimal ones"));
  auto wanted =
      rows_wanted<ContactRow>(CommandKind::list_contacts, std::get<ListWanted>(list), *near);
  wanted.near = *near;
  wanted.tail.assign(near->bytes.begin(), near->bytes.end());
  if (request.contains("state")) {
    const auto* const state =
        std::find(std::begin(contact_states), std::end(contact_states), text_in(request, "state"));
    if (state == std::end(contact_states)) {
      return finish(usage("\"state\" is one of trusted, doubted, awaited and silent"));
    }
    wanted.is_wanted = [standing = state - contact_states](const ContactRow& row) {
      return row.standing == standing;
    };
  }
  const std::string network = admin.network_name(wanted.command.network);
  RowsQuery<ContactRow>::run(admin, std::move(wanted),
                             finish_with<ContactRow>("contacts", network, finish));
}

void control_buckets(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const auto list = list_wanted(admin, request);
  if (const auto* error = std::get_if<ControlError>(&list)) return finish(*error);
  const auto& page = std::get<ListWanted>(list);
  const Id near = farthest_id(admin.network_id(page.network));
  auto wanted = rows_wanted<BucketRow>(CommandKind::list_buckets, page, near);
  wanted.near = near;
  RowsQuery<BucketRow>::run(
      admin, std::move(wanted),
      finish_with<BucketRow>("buckets", admin.network_name(page.network), finish));
}

void control_records(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const auto list = list_wanted(admin, request);
  if (const auto* error = std::get_if<ControlError>(&list)) return finish(*error);
  const bool is_one = request.contains("id") || request.contains("key");
  const std::string prefix = text_in(request, "prefix");
  const auto first = is_one                       ? id_in(request)
                     : request.contains("prefix") ? leading_digits(prefix)
                                                  : std::optional(Id{});
  if (!first || (is_one && request.contains("prefix"))) {
    return finish(
        usage("records takes one of \"key\" (text), \"id\" (40 hexadecimal digits) and "
              "\"prefix\" (up to 40 of them), or nothing"));
  }
  const auto& page = std::get<ListWanted>(list);
  auto wanted = rows_wanted<RecordRow>(CommandKind::list_records, page, *first);
  const auto bits = static_cast<uint32_t>(is_one ? id_bits : 4 * prefix.size());
  if (shared_prefix(wanted.command.key, *first) < bits) {
    return finish(usage("\"from\" does not begin with the digits of \"prefix\""));
  }
  wanted.command.prefix_bits = static_cast<uint8_t>(bits);
  if (is_one) wanted.shard = shard_of(*first, admin.shards_count());
  RowsQuery<RecordRow>::run(
      admin, std::move(wanted),
      finish_with<RecordRow>("records", admin.network_name(page.network), finish));
}

}  // namespace xord
