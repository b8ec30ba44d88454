// Lists of a shard's contacts and buckets for reports. Buckets are ranges of ids that share leading
// bits, so they come one after the other in the order of distance from any id, too, and each is
// found without a search.
#include <algorithm>

#include "node/routing/routing_table.h"

namespace xord {
namespace {

uint32_t seconds_of(Duration duration) {
  return static_cast<uint32_t>(std::max<int64_t>(duration.whole_milliseconds() / 1000, 0));
}

}  // namespace

ContactRow RoutingTable::row_of(const FiledContact& filed, Instant now) const {
  ContactRow row;
  row.contact = book_.contact(filed.handle);
  if (filed.answered > Instant::min()) row.answered_ago = seconds_of(now - filed.answered);
  row.up = seconds_of(filed.uptime());
  row.standing = static_cast<uint8_t>(standing(filed, now));
  row.failures = filed.failures;
  row.depth = static_cast<uint8_t>(tree_.range_of(row.contact.id));
  return row;
}

BucketRow RoutingTable::row_of(const Bucket& bucket, Instant now) const {
  BucketRow row{};
  row.depth = bucket.range;
  row.prefix_bits = static_cast<uint8_t>(bucket.range + 1 + bucket.depth);
  row.contacts = static_cast<uint8_t>(bucket.contacts().size());
  row.spares = static_cast<uint8_t>(bucket.spares().size());
  const auto is_answerable = [&](const FiledContact& filed) {
    return standing(filed, now) != Standing::silent;
  };
  row.answerable = static_cast<uint8_t>(
      std::count_if(bucket.contacts().begin(), bucket.contacts().end(), is_answerable));
  row.shard = static_cast<uint8_t>(shard_);
  row.refresh_in = seconds_of(bucket.refresh_at - now);
  static_assert(shards_max <= UINT8_MAX && id_bits <= UINT8_MAX);
  return row;
}

RoutingTable::Listed RoutingTable::list_contacts(const Id& near, const Id& from, Instant now,
                                                 std::span<ContactRow> out) const {
  CHECK(!out.empty());  // Otherwise it would never end.
  Listed listed;
  listed.next = from;
  for (uint32_t visits = 0; listed.next && visits < page_visits_max; ++visits) {
    const Id at = *listed.next;
    if (const Bucket* bucket = tree_.find(at)) {
      std::array<const FiledContact*, bucket_size> sorted;
      size_t count = 0;
      for (const FiledContact& filed : bucket->contacts()) {
        if (!nearer(near, book_.id(filed.handle), at)) sorted[count++] = &filed;
      }
      std::sort(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(count),
                [&](const FiledContact* a, const FiledContact* b) {
                  return nearer(near, book_.id(a->handle), book_.id(b->handle));
                });
      for (size_t i = 0; i < count; ++i) {
        listed.next = book_.id(sorted[i]->handle);
        if (listed.count == out.size()) return listed;
        out[listed.count++] = row_of(*sorted[i], now);
      }
    }
    const auto after = next_id(last_of_block(distance(near, at), tree_.block_bits(at)));
    listed.next = after ? std::optional(distance(near, *after)) : std::nullopt;
  }
  return listed;
}

RoutingTable::Listed RoutingTable::list_buckets(const Id& from, Instant now,
                                                std::span<BucketRow> out) const {
  CHECK(!out.empty());
  const Id near = farthest_id(self_);
  Listed listed;
  listed.next = from;
  for (uint32_t visits = 0; listed.next && visits < page_visits_max; ++visits) {
    const Id at = *listed.next;
    const uint32_t bits = tree_.block_bits(at);
    if (const Bucket* bucket = tree_.find(at)) {
      if (listed.count == out.size()) return listed;
      out[listed.count] = row_of(*bucket, now);
      out[listed.count++].first = first_of_block(at, bits);
    }
    const auto after = next_id(last_of_block(distance(near, at), bits));
    listed.next = after ? std::optional(distance(near, *after)) : std::nullopt;
  }
  return listed;
}

void RoutingTable::describe(const IpAddress& address, SourceHead* head) const {
  static_assert(subnet_levels_max == decltype(SourceHead::filed_of_prefix){}.size());
  head->filed_of_family = replica_.count(address.is_ipv4() ? Family::ipv4 : Family::ipv6);
  head->has_table_limits = config_.subnets.apply_to(address);
  for (size_t level = 0; level < subnet_levels(address); ++level) {
    head->filed_of_prefix[level] = replica_.subnet_count(address, level);
  }
}

}  // namespace xord
