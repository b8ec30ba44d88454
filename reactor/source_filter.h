// A socket filter that drops datagrams by their source before they take room in the receive buffer:
// a classic BPF program (socket(7), SO_ATTACH_FILTER), which needs no privilege. What it drops
// costs no shard anything; the kernel's receive path, on whichever core that runs, takes at most
// 0.13 us longer for a datagram, of some 2.5 (measured on loopback, with 1 and with 32 prefixes).
// It runs after SO_REUSEPORT has picked the socket (reactor/steering.h), so the two do not meet,
// and each datagram of a GSO send is looked at. The kernel counts what it drops with what found the
// buffer full: SK_MEMINFO_DROPS, and the column `drops` of /proc/net/udp. While a filter is
// attached the kernel verifies a datagram's checksum before the filter instead of while it copies
// the payload: attach none without need.
#pragma once

#include <linux/filter.h>

#include <array>
#include <cstdint>
#include <span>

#include "reactor/base/source_share.h"

namespace xord {

// The program: made without allocating, since a shard replaces its filter as the sources change.
class SourceFilter {
 public:
  // A datagram from one of `kept` passes. Any other passes if each of `shares` that holds its
  // source lets it: by chance, with the share's probability, so what a source sends is thinned
  // evenly. At most sources_kept_max and source_shares_max; IPv4 and IPv6 in any order.
  SourceFilter(std::span<const Subnet> kept, std::span<const SourceShare> shares);

  std::span<const sock_filter> program() const { return {instructions_.data(), size_}; }

 private:
  // An IPv6 rule compares four words, each loaded, masked and tested; then three to decide.
  static constexpr uint32_t rule_max = 4 * 3 + 3;
  static constexpr uint32_t head_max = 16;
  static constexpr uint32_t instructions_max =
      head_max + (sources_kept_max + source_shares_max) * rule_max;
  static_assert(instructions_max <= BPF_MAXINSNS);

  void write_family(bool is_ipv4, std::span<const Subnet> kept,
                    std::span<const SourceShare> shares);
  void load_source(bool is_ipv4);
  // Appends what compares the source with `net`; match_end() ends what is done if it is in there.
  void begin_match(const Subnet& net);
  void end_match();
  void append(int code, uint32_t operand);

  std::array<sock_filter, instructions_max> instructions_;
  uint32_t size_ = 0;
  uint32_t match_began_ = 0;
};

// Attaches `filter` to the socket `fd`, at once in place of an earlier one: no datagram is lost or
// passes unfiltered in between. Datagrams already in the buffer stay. Takes the socket's lock,
// which a shard holds only while it is in a system call of its own: it never waits for another
// thread. Returns 0, or the errno of the kernel's refusal (ENOMEM: net.core.optmem_max).
[[nodiscard]] int attach_source_filter(int fd, const SourceFilter& filter);
// Removes it. Returns 0 if there is none now.
[[nodiscard]] int detach_source_filter(int fd);

}  // namespace xord
