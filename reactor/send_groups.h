// Which datagrams of an outbox leave together, in one UDP_SEGMENT send (udp(7)): those of a batch
// that go along one path and have one length. For a peer that asked several things at once the send
// is most of a reply's cost, and is paid once (limits/REPORT.md: at 4 replies a peer 57 % less).
// Plans only and sends nothing; batch_max bounds it, and it allocates nothing.
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
  // With the headers of IPv6 it is the least MTU that a path has, 1,280.
  static constexpr uint32_t segment_size_max = 1232;
  static constexpr uint32_t segments_max = 64;  // What every kernel takes; at least batch_max.
  static constexpr uint32_t bytes_max = 65'000;
  static_assert(segments_max >= batch_max);

  // Datagrams that leave together, or one alone: most are.
  struct Group {
    uint8_t first = 0;  // Indices of planned entries.
    uint8_t last = 0;
    uint8_t count = 0;
  };

  // Plans the first of `entries`, batch_max at most, and returns how many. The groups are in the
  // order of their first entries, the entries of a group in their own. The entries stay borrowed
  // until the next plan.
  size_t plan(std::span<const Outbox::Entry> entries, bool coalesce);

  std::span<const Group> groups() const { return {groups_.data(), groups_count_}; }
  const Outbox::Entry& entry(uint8_t index) const { return entries_[index]; }
  // The bytes of a group in `room`, which must have group.count elements; neighbours in the outbox
  // are one. Returns those used.
  std::span<iovec> gather(const Group& group, const Outbox& outbox, std::span<iovec> room) const;

 private:
  static constexpr uint32_t table_bits = 7;  // Twice batch_max: at most half full.

  void add(uint8_t index);
  void begin_group(uint8_t index, uint8_t* mark);

  std::span<const Outbox::Entry> entries_;
  std::array<Group, batch_max> groups_;
  size_t groups_count_ = 0;
  std::array<uint8_t, batch_max> next_;         // In its group, behind each but the last.
  std::array<uint8_t, 1 << table_bits> table_;  // By hash of path and length: a group, plus one.
};

}  // namespace xord
