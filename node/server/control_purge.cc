// The control command purge: erases the records of a key, of all keys that share leading bits, or
// all records.
#include "node/server/control_command.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

struct PurgeRange {
  Id from;
  uint32_t prefix_bits = 0;
};

std::optional<PurgeRange> prefix_range(const std::string& digits) {
  if (digits.empty() || digits.size() > 2 * id_size) return std::nullopt;
  const auto from = Id::from_hex(digits + std::string(2 * id_size - digits.size(), '0'));
  if (!from) return std::nullopt;
  return PurgeRange{*from, static_cast<uint32_t>(4 * digits.size())};
}

std::optional<PurgeRange> purge_range(const ControlJson& request) {
  const uint32_t named = request.contains("key") + request.contains("id") +
                         request.contains("prefix") + request.contains("all");
  if (named != 1) return std::nullopt;
  if (request.contains("all")) {
    return request["all"] == true ? std::optional(PurgeRange{}) : std::nullopt;
  }
  if (request.contains("prefix")) return prefix_range(text_in(request, "prefix"));
  const auto id = id_in(request);
  return id ? std::optional(PurgeRange{*id, id_bits}) : std::nullopt;
}

}  // namespace

// Asks one shard at a time, from the range's first key to its last; each answer comes when the disk
// is done.
ControlResult control_purge(Admin& admin, const ControlJson& request) {
  const auto range = purge_range(request);
  if (!range) {
    return ControlError{ControlCode::usage,
                        "purge takes one of \"key\" (text), \"id\" (40 hexadecimal digits), "
                        "\"prefix\" (up to 40 of them) and \"all\": true"};
  }
  CHECK(range->prefix_bits <= id_bits);
  const bool is_one = range->prefix_bits == id_bits;
  const uint32_t first = is_one ? shard_of(range->from, admin.shards_count()) : 0;
  const uint32_t end = is_one ? first + 1 : admin.shards_count();
  ShardCommand command;
  command.kind = CommandKind::purge;
  command.prefix_bits = static_cast<uint8_t>(range->prefix_bits);
  uint64_t erased = 0;
  for (uint32_t shard = first; shard < end; ++shard) {
    std::optional<Id> from = range->from;
    while (from) {
      command.key = *from;
      const ShardAnswer answer = ask_shard(admin, static_cast<ShardIndex>(shard), command);
      erased += answer.erased;
      if (answer.status != ServerStatus::done) {
        return refused_by_node(answer.status, "after " + std::to_string(erased) + " records ");
      }
      from = answer.value.empty() ? std::nullopt : std::optional(Id::from(answer.value));
      CHECK(!from || *from >= command.key);  // It goes on, and ends.
    }
  }
  return ControlJson{{"purged", erased}};
}

}  // namespace xord
