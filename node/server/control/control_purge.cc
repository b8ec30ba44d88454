// The control command purge: erases the records of a key, of all keys that share leading bits, or
// all records.
#include <memory>

#include "node/server/control/control_command.h"
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

// A purge in progress.
struct PurgeRun {
  Admin& admin;
  PurgeRange range;
  uint32_t end;  // The shard after the last.
  ControlFinish finish;
  uint64_t erased = 0;
};

// Asks one shard at a time, from the range's first key to its last; each answer comes when the disk
// is done.
void purge_from(const std::shared_ptr<PurgeRun>& purge, uint32_t shard, const Id& from) {
  CHECK(shard <= purge->end && purge->end <= purge->admin.shards_count());
  if (shard == purge->end) return purge->finish(ControlJson{{"purged", purge->erased}});
  ShardCommand command = command_of(CommandKind::purge, from);
  command.prefix_bits = static_cast<uint8_t>(purge->range.prefix_bits);
  purge->admin.call_on(
      static_cast<ShardIndex>(shard), command, {}, [purge, shard, from](const CallResult& call) {
        purge->erased += call.erased;
        if (call.status != ServerStatus::done) {
          return purge->finish(
              refused_by_node(call.status, "after " + std::to_string(purge->erased) + " records "));
        }
        if (call.value.empty()) return purge_from(purge, shard + 1, purge->range.from);
        const Id next = Id::from(call.value);
        CHECK(next >= from);  // It goes on, and ends.
        purge_from(purge, shard, next);
      });
}

}  // namespace

void control_purge(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const auto range = purge_range(request);
  if (!range) {
    return finish(ControlError{ControlCode::usage,
                               "purge takes one of \"key\" (text), \"id\" (40 hexadecimal "
                               "digits), \"prefix\" (up to 40 of them) and \"all\": true"});
  }
  CHECK(range->prefix_bits <= id_bits);
  const bool is_one = range->prefix_bits == id_bits;
  const uint32_t first = is_one ? shard_of(range->from, admin.shards_count()) : 0;
  const uint32_t end = is_one ? first + 1 : admin.shards_count();
  purge_from(std::make_shared<PurgeRun>(PurgeRun{admin, *range, end, finish}), first, range->from);
}

}  // namespace xord
