// Decides which datagrams of an outbox leave together, in one UDP_SEGMENT send (udp(7)): those of a
// batch with the same path and the same length. For a peer that asked several things at once, the
// send is most of a reply's cost, and is paid once (measured at 4 replies a peer: 57 % less). Only
// plans, sends nothing; bounded by batch_max, and allocates nothing.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>

#include "reactor/base/datagram.h"
#include "reactor/udp_backend.h"

namespace xord {

class SendGroups {
 public:
  // With the headers of IPv6 this is the smallest MTU that a path can have, 1,280.
  static constexpr uint32_t segment_size_max = 1232;
  static constexpr uint32_t segments_max = 64;  // Any kernel takes this many; >= batch_max.
  static constexpr uint32_t bytes_max = 65'000;
  static_assert(segments_max >= batch_max);
  static_assert(batch_max < UINT8_MAX);  // Indices, and group index + 1, are bytes.

  // Datagrams that leave together; usually just one.
  struct Group {
    uint8_t first = 0;  // Indices of planned entries.
    uint8_t last = 0;
    uint8_t count = 0;
  };

  // Plans the first of `entries`, batch_max at most, and returns how many. Groups are ordered by
  // their first entries, and entries keep their order within a group. The entries stay borrowed
  // until the next plan.
  size_t plan(std::span<const Outbox::Entry> entries, bool coalesce);

  std::span<const Group> groups() const { return {groups_.data(), groups_count_}; }
  const Outbox::Entry& entry(uint8_t index) const { return entries_[index]; }
  // Fills `room`, of at least group.count elements, with the bytes of a group; adjacent bytes in
  // the outbox become one element. Returns the elements used.
  std::span<iovec> gather(const Group& group, const Outbox& outbox, std::span<iovec> room) const;

 private:
  static constexpr uint32_t table_bits = 7;  // Twice batch_max: at most half full.

  void add(uint8_t index);
  void begin_group(uint8_t index, uint8_t* mark);
  uint32_t planned() const;  // Entries in all groups.

  std::span<const Outbox::Entry> entries_;
  std::array<Group, batch_max> groups_;
  size_t groups_count_ = 0;
  std::array<uint8_t, batch_max> next_;         // The next in its group, for each but the last.
  std::array<uint8_t, 1 << table_bits> table_;  // By hash of path and length: group index + 1.
};

}  // namespace xord
