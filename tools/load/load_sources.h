// The sources of the requests: many endpoints, each with an id of its own. For a target on IPv4
// loopback one socket serves them all: each source is an address of 127.0.0.0/8, and a datagram
// names its source address (ip(7) IP_PKTINFO), so 10,000 sources take one port, one receive call
// and no kernel memory. For any other target each source is a port, 16 at most.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/base/datagram.h"
#include "reactor/sockets.h"
#include "tools/load/key_space.h"

namespace xord {

class LoadSources {
 public:
  static constexpr uint32_t addresses_max = 1'000'000;

  // Makes sources 0..count-1 for `target`: at least one, and at most most_for(target).
  LoadSources(const Endpoint& target, uint32_t count);
  static uint32_t most_for(const Endpoint& target);

  uint32_t count() const { return count_; }
  // The addresses to listen on, for open_sockets().
  std::vector<Listen> listens() const;

  // The path from a source to the target.
  Path path(uint32_t source) const;
  // The source to which a datagram on `path` was sent; empty if it is not one of ours.
  std::optional<uint32_t> source_of(const Path& path) const;

  // The number of the source's id in IdDomain::sources.
  uint64_t id_number(uint32_t source) const { return source + generation(source) * id_stride; }
  // Gives the source a new id.
  void change_id(uint32_t source) {
    DCHECK(source < count_);
    ++generations_[source];
  }

 private:
  static constexpr uint64_t id_stride = uint64_t{1} << 32;
  uint64_t generation(uint32_t source) const {
    DCHECK(source < count_);
    return generations_[source];
  }

  Endpoint target_;
  uint32_t count_;
  bool by_address_;
  std::vector<uint16_t> generations_;
};

}  // namespace xord
