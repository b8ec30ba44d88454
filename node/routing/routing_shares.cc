// Shares of wide prefixes: at most a tenth of the table, and 4 of the k nearest to a key, as long
// as there are others to take their places. Subnets have limits of their own (is_within_limits()).
#include <algorithm>

#include "node/routing/routing_table.h"

namespace xord {
namespace {

// How many contacts around one's id are looked at. The k nearest to a key are not those nearest to
// the id of one of them, but hardly ever lie outside of these. With 1.5 k, one prefix of five had 5
// of the 20 nearest to one key in 1,000 (measured).
constexpr size_t neighbours_max = 2 * bucket_size;

}  // namespace

RoutingTable::Share RoutingTable::share_of(const Bucket* bucket, const Contact& contact,
                                           const FiledContact* leaving) const {
  const IpAddress& address = contact.endpoint.address;
  Share share = Share::within;
  if (!config_.subnets.apply_to(address)) return share;
  for (size_t level = 1; level < subnet_levels(address) && share != Share::over; ++level) {
    share = std::max(share, share_of(level, bucket, contact, leaving));
  }
  return share;
}

RoutingTable::Share RoutingTable::share_of(size_t level, const Bucket* bucket,
                                           const Contact& contact,
                                           const FiledContact* leaving) const {
  const IpAddress& address = contact.endpoint.address;
  DCHECK(level > 0 && level < subnet_levels(address) && config_.subnets.apply_to(address));
  DCHECK(bucket == nullptr || tree_.find(contact.id) == bucket);
  const Family family = family_of(contact.endpoint);
  const uint32_t filed_count = replica_.count(family);
  uint32_t in_table = replica_.subnet_count(address, level);
  if (bucket != nullptr) {
    const auto leaves = [&](const FiledContact& filed) {
      const Contact& other = book_.contact(filed.handle);
      return (&filed == leaving || other.id == contact.id || other.endpoint == contact.endpoint) &&
             same_prefix(address, other.endpoint.address, level) &&
             config_.subnets.apply_to(other.endpoint.address);
    };
    const auto leaving_count =
        std::count_if(bucket->contacts().begin(), bucket->contacts().end(), leaves);
    in_table -= std::min(in_table, static_cast<uint32_t>(leaving_count));
  }
  if (in_table < config_.subnets.share_of_nearest) return Share::within;
  const bool has_its_share = in_table >= config_.subnets.share_of_table(filed_count) ||
                             has_share_of_nearest(level, bucket, contact, leaving);
  if (!has_its_share) return Share::within;
  const bool are_others = replica_.spread(family).prefixes() >= config_.subnets.prefixes_min;
  return are_others ? Share::over : Share::over_alone;
}

// Whether the prefix has its part of the bucket, silent contacts and spares included, or of those
// that an answer may name to someone who asks for an id near that of `contact`.
bool RoutingTable::has_share_of_nearest(size_t level, const Bucket* bucket, const Contact& contact,
                                        const FiledContact* leaving) const {
  const IpAddress& address = contact.endpoint.address;
  const auto counts = [&](ContactHandle handle) {
    const Contact& other = book_.contact(handle);
    return (leaving == nullptr || handle != leaving->handle) && other.id != contact.id &&
           other.endpoint != contact.endpoint &&
           same_prefix(address, other.endpoint.address, level) &&
           config_.subnets.apply_to(other.endpoint.address);
  };
  DCHECK(leaving == nullptr || bucket != nullptr);
  uint32_t in_bucket = 0;
  if (bucket != nullptr) {
    for (const FiledContact& filed : bucket->contacts()) in_bucket += counts(filed.handle);
    for (const SpareContact& spare : bucket->spares()) in_bucket += counts(spare.handle);
  }
  if (in_bucket >= config_.subnets.share_of_nearest) return true;
  std::array<ContactHandle, neighbours_max> near;
  const size_t count =
      replica_
          .nearest(family_of(contact.endpoint), contact.id, contact, Awaited::included, {}, near)
          .count;
  DCHECK(count <= near.size());
  return std::count_if(near.begin(), near.begin() + static_cast<ptrdiff_t>(count), counts) >=
         int64_t{config_.subnets.share_of_nearest};
}

const FiledContact* RoutingTable::over_share_for(const Bucket& bucket,
                                                 const Contact& newcomer) const {
  DCHECK(tree_.find(newcomer.id) == &bucket);
  if (share_of(&bucket, newcomer, nullptr) != Share::within) return nullptr;
  for (const FiledContact& filed : bucket.contacts()) {
    if (share_of(&bucket, book_.contact(filed.handle), &filed) != Share::within) return &filed;
  }
  return nullptr;
}

void RoutingTable::shed(Bucket& bucket) {
  for (size_t i = 0; i < bucket.contacts().size() && has_room_for_changes();) {
    FiledContact& filed = bucket.contacts()[i];
    if (share_of(&bucket, book_.contact(filed.handle), &filed) != Share::over) {
      ++i;
      continue;
    }
    refusals_.add(TableRefusal::share);
    remove(bucket, filed);
  }
}

void RoutingTable::shed_in_turn() {
  DCHECK(tree_.count() > 0);
  shed_next_ = shed_next_ + 1 < tree_.count() ? shed_next_ + 1 : 0;
  shed(tree_.at(shed_next_));
}

}  // namespace xord
