#include "node/server/admin/published_query.h"

#include <algorithm>
#include <cstring>

#include "node/replication/region.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

struct Query {
  Admin& admin;
  Id from;
  std::function<void(const PublishedResult&)> finished;
  std::vector<PublishedKey> keys;
  // A shard whose page was full may have more keys after its last one: no key beyond that is
  // reported.
  std::optional<Id> known_to;
};

bool by_key(const PublishedKey& a, const PublishedKey& b) {
  return a.key < b.key;
}

void add_page(Query& query, Bytes page) {
  CHECK(page.size() % sizeof(PublishedKey) == 0);
  const size_t before = query.keys.size();
  const size_t count = page.size() / sizeof(PublishedKey);
  query.keys.resize(before + count);
  if (count > 0) std::memcpy(&query.keys[before], page.data(), page.size());
  // In order, so that the last key is the greatest.
  CHECK(count <= published_keys_max);
  DCHECK(
      std::is_sorted(query.keys.end() - static_cast<ptrdiff_t>(count), query.keys.end(), by_key));
  DCHECK(count == 0 || query.keys[before].key >= query.from);
  if (count < published_keys_max) return;
  const Id last = query.keys.back().key;
  query.known_to = query.known_to ? std::min(*query.known_to, last) : last;
}

PublishedResult result_of(Query& query) {
  PublishedResult result;
  std::sort(query.keys.begin(), query.keys.end(), by_key);
  if (query.known_to) {
    const auto end = std::find_if(query.keys.begin(), query.keys.end(),
                                  [&](const auto& each) { return each.key > *query.known_to; });
    query.keys.erase(end, query.keys.end());
    CHECK(!query.keys.empty() && query.keys.back().key == *query.known_to);
    result.next = next_id(*query.known_to);
  }
  result.keys = std::move(query.keys);
  return result;
}

void ask(const std::shared_ptr<Query>& query, uint32_t shard) {
  CHECK(shard <= query->admin.shards_count());
  if (shard == query->admin.shards_count()) return query->finished(result_of(*query));
  query->admin.call_on(static_cast<ShardIndex>(shard),
                       command_of(CommandKind::list_published, query->from), {},
                       [query, shard](const CallResult& call) {
                         if (call.status != ServerStatus::done) {
                           return query->finished({call.status, {}, {}});
                         }
                         add_page(*query, call.value);
                         ask(query, shard + 1);
                       });
}

}  // namespace

void list_published(Admin& admin, const Id& from,
                    std::function<void(const PublishedResult&)> finished) {
  ask(std::make_shared<Query>(Query{admin, from, std::move(finished), {}, {}}), 0);
}

}  // namespace xord
