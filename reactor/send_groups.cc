#include "reactor/send_groups.h"

#include <algorithm>

namespace xord {
namespace {

bool may_share(const Outbox::Entry& a, const Outbox::Entry& b) {
  return a.size == b.size && a.path.remote == b.path.remote && a.path.local == b.path.local;
}

// Needs no secret: a peer that makes paths collide makes a batch of 64 a little slower.
uint32_t hash_of(const Outbox::Entry& entry, uint32_t bits) {
  constexpr uint64_t odd = 0x9e3779b97f4a7c15;
  const Endpoint& remote = entry.path.remote;
  const uint64_t address = load_be64(&remote.address.bytes[8]);
  const uint64_t rest = uint64_t{remote.port} << 32 | entry.size;
  return static_cast<uint32_t>(((address * odd) ^ rest) * odd >> (64 - bits));
}

}  // namespace

size_t SendGroups::plan(std::span<const Outbox::Entry> entries, bool coalesce) {
  entries_ = entries.first(std::min<size_t>(entries.size(), batch_max));
  groups_count_ = 0;
  if (!coalesce || entries_.size() == 1) {
    for (uint8_t index = 0; index < entries_.size(); ++index) {
      groups_[groups_count_++] = {index, index, 1};
    }
    return entries_.size();
  }
  table_.fill(0);
  for (uint8_t index = 0; index < entries_.size(); ++index) add(index);
  DCHECK(planned() == entries_.size());
  return entries_.size();
}

uint32_t SendGroups::planned() const {
  uint32_t sum = 0;
  for (const Group& group : groups()) sum += group.count;
  return sum;
}

void SendGroups::add(uint8_t index) {
  const Outbox::Entry& entry = entries_[index];
  if (entry.size > segment_size_max || entry.size == 0) {
    groups_[groups_count_++] = {index, index, 1};
    return;
  }
  uint32_t at = hash_of(entry, table_bits);
  while (table_[at] != 0) {
    Group& group = groups_[table_[at] - 1u];
    if (may_share(entries_[group.first], entry)) {
      if ((group.count + 1u) * entry.size > bytes_max) break;  // Full: start another.
      DCHECK(group.count < segments_max && group.last < index);
      next_[group.last] = index;
      group.last = index;
      ++group.count;
      return;
    }
    at = (at + 1) % (1u << table_bits);
  }
  begin_group(index, &table_[at]);
}

std::span<iovec> SendGroups::gather(const Group& group, const Outbox& outbox,
                                    std::span<iovec> room) const {
  CHECK(group.count <= room.size());
  size_t used = 0;
  for (uint8_t index = group.first;; index = next_[index]) {
    const Bytes bytes = outbox.bytes(entries_[index]);
    DCHECK(bytes.size() == entries_[group.first].size && used < group.count);
    auto* const data = const_cast<uint8_t*>(bytes.data());
    iovec* const before = used == 0 ? nullptr : &room[used - 1];
    if (before != nullptr && static_cast<uint8_t*>(before->iov_base) + before->iov_len == data) {
      before->iov_len += bytes.size();
    } else {
      room[used++] = {data, bytes.size()};
    }
    if (index == group.last) break;
  }
  return room.first(used);
}

void SendGroups::begin_group(uint8_t index, uint8_t* mark) {
  DCHECK(groups_count_ < groups_.size());
  groups_[groups_count_++] = {index, index, 1};
  *mark = static_cast<uint8_t>(groups_count_);
}

}  // namespace xord
