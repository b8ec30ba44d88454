// The control commands keep, forget and published: the list of what the node publishes anew each
// day.
#include <cstring>

#include "node/budget.h"
#include "node/region.h"
#include "node/server/control_command.h"
#include "node/wire/rpcudp.h"
#include "reactor/base/hex.h"

namespace xord {
namespace {

ShardCommand command_for(CommandKind kind, const Id& key) {
  ShardCommand command;
  command.kind = kind;
  command.key = key;
  return command;
}

ShardAnswer ask_owner(Admin& admin, CommandKind kind, const Id& key, Bytes tail = {}) {
  return ask_shard(admin, shard_of(key, admin.shards_count()), command_for(kind, key), tail);
}

ControlJson json_of(const PublishedKey& published) {
  return {{"id", published.key.hex()},
          {"value_bytes", published.value_size},
          {"published_ago_s", published.published_ago}};
}

}  // namespace

ControlResult control_keep(Admin& admin, const ControlJson& request) {
  const auto key = id_in(request);
  const auto value = from_hex(text_in(request, "value"));
  if (!key || !value || value->size() > value_size_max || !rpcudp::is_storable(*value)) {
    return ControlError{ControlCode::usage,
                        "keep takes a \"key\" (text) or an \"id\" (40 hexadecimal digits), and a "
                        "\"value\" as it goes over the wire, in hexadecimal digits"};
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

// A page of a shard at a time, in order of keys.
ControlResult control_published(Admin& admin, const ControlJson&) {
  ControlJson list = ControlJson::array();
  for (uint32_t shard = 0; shard < admin.shards_count(); ++shard) {
    std::optional<Id> from = Id{};
    while (from) {
      const ShardAnswer answer = ask_shard(admin, static_cast<ShardIndex>(shard),
                                           command_for(CommandKind::list_published, *from));
      if (answer.status != ServerStatus::done) return refused_by_node(answer.status, "");
      const size_t count = answer.value.size() / sizeof(PublishedKey);
      from.reset();
      for (size_t i = 0; i < count; ++i) {
        PublishedKey published;
        std::memcpy(&published, &answer.value[i * sizeof published], sizeof published);
        list.push_back(json_of(published));
        if (i + 1 == published_keys_max) from = next_id(published.key);
      }
    }
  }
  return list;
}

}  // namespace xord
