// The seam between a protocol and the network. A protocol receives Datagrams and leaves its own in
// an Outbox; the reactor sends an outbox's contents, the simulator delivers them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/base/endpoint.h"

namespace xord {

// Where a datagram reached us. Passed back unchanged with the reply, it makes the reply leave from
// the address that was asked (ip(7) IP_PKTINFO, ipv6(7) IPV6_PKTINFO). By default the reactor takes
// the first socket of the remote's family, and the kernel chooses the source address.
struct LocalAddress {
  static constexpr uint8_t any_socket = 255;
  IpAddress address;            // Unspecified (all zero): the kernel chooses.
  uint32_t interface = 0;       // For a link-local address, else 0.
  uint8_t socket = any_socket;  // Index of a listen socket, in the order of configuration.

  bool operator==(const LocalAddress&) const = default;
};

struct Path {
  Endpoint remote;
  LocalAddress local;
};

struct Datagram {
  Path path;
  Bytes bytes;  // Borrowed for the duration of the call.
};

// Datagrams to be sent, in order, in one arena that is allocated once. Bounded: a protocol that
// finds it full drops its datagram and counts the drop.
class Outbox {
 public:
  struct Entry {
    Path path;
    uint32_t offset;
    uint32_t size;
  };

  Outbox(uint32_t datagrams_max, uint32_t bytes_max)
      : bytes_(std::make_unique<uint8_t[]>(bytes_max)), bytes_max_(bytes_max) {
    entries_.reserve(datagrams_max);
    datagrams_max_ = datagrams_max;
  }

  // `size_max` bytes to encode into, valid until commit(), or an empty span when the outbox is
  // full. Reserving again without a commit returns the same bytes, so nothing has to be undone.
  MutableBytes reserve(size_t size_max) {
    if (!has_room(size_max)) return {};
    reserved_ = static_cast<uint32_t>(size_max);
    return {bytes_.get() + used_, size_max};
  }
  // Queues the first `size` bytes of the last reserved span, to be sent along `path`.
  void commit(const Path& path, size_t size) {
    CHECK(entries_.size() < datagrams_max_ && size <= bytes_max_ - used_);
    DCHECK(size <= reserved_);
    reserved_ = 0;
    entries_.push_back({path, used_, static_cast<uint32_t>(size)});
    used_ += static_cast<uint32_t>(size);
  }
  bool has_room(size_t size_max) const {
    return entries_.size() < datagrams_max_ && size_max <= bytes_max_ - used_;
  }

  std::span<const Entry> entries() const { return entries_; }
  Bytes bytes(const Entry& entry) const {
    DCHECK(entry.offset + entry.size <= used_);
    return {bytes_.get() + entry.offset, entry.size};
  }
  // Invalidates every span and entry.
  void clear() {
    entries_.clear();
    used_ = 0;
  }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  uint32_t bytes_max_;
  uint32_t datagrams_max_;
  uint32_t used_ = 0;
  uint32_t reserved_ = 0;       // Of the last span, until it is committed.
  std::vector<Entry> entries_;  // Reserved at construction, never grown.
};

}  // namespace xord
