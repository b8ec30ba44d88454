// The control commands keep, forget and published: the list of what the node publishes again each
// day.
#include <future>

#include "node/budget.h"
#include "node/server/control_command.h"
#include "node/server/published_query.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/hex.h"

namespace xord {
namespace {

ShardAnswer ask_owner(Admin& admin, CommandKind kind, const Id& key, Bytes tail = {}) {
  return ask_shard(admin, shard_of(key, admin.shards_count()), command_of(kind, key), tail);
}

ControlJson json_of(const PublishedKey& published) {
  return {{"id", published.key.hex()},
          {"value_bytes", published.value_size},
          {"published_ago_s", published.published_ago}};
}

// Waits for the answer, as ask_shard() does.
PublishedResult page_from(Admin& admin, const Id& from) {
  std::promise<PublishedResult> answered;
  list_published(admin, from, [&](const PublishedResult& page) { answered.set_value(page); });
  return answered.get_future().get();
}

}  // namespace

ControlResult control_keep(Admin& admin, const ControlJson& request) {
  const auto key = id_in(request);
  const auto value = from_hex(text_in(request, "value"));
  if (!key || !value || value->size() > value_size_max || !rpcudp::is_storable(*value)) {
    return ControlError{ControlCode::usage,
                        "keep takes a \"key\" (text) or an \"id\" (40 hexadecimal digits), and a "
                        "\"value\" as it is sent over the wire, in hexadecimal digits"};
  }
  const ShardAnswer answer = ask_owner(admin, CommandKind::keep, *key, *value);
  if (answer.status != ServerStatus::done) return refused_by_node(answer.status, "");
  return ControlJson{{"stored", answer.stored}};
}

ControlResult control_forget(Admin& admin, const ControlJson& request) {
  const auto key = id_in(request);
  if (!key) {
    return ControlError{ControlCode::usage,
                        "forget takes a \"key\" (text) or an \"id\" (40 hexadecimal digits)"};
  }
  const ShardAnswer answer = ask_owner(admin, CommandKind::forget, *key);
  if (answer.status == ServerStatus::not_found) {
    return ControlError{ControlCode::refused,
                        "the node does not publish that key: `xord published` lists those it does"};
  }
  if (answer.status != ServerStatus::done) return refused_by_node(answer.status, "");
  return ControlJson::object();
}

ControlResult control_published(Admin& admin, const ControlJson& request) {
  const auto from = request.contains("from") ? Id::from_hex(text_in(request, "from")) : Id{};
  if (!from) {
    return ControlError{
        ControlCode::usage,
        "published takes \"from\": the \"next\" (40 hexadecimal digits) of the previous answer, or "
        "nothing"};
  }
  const PublishedResult page = page_from(admin, *from);
  if (page.status != ServerStatus::done) return refused_by_node(page.status, "");
  ControlJson result = {{"keys", ControlJson::array()}};
  for (const PublishedKey& published : page.keys) result["keys"].push_back(json_of(published));
  if (page.next) result["next"] = page.next->hex();
  return result;
}

}  // namespace xord
