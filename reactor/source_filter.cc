#include "reactor/source_filter.h"

#include <linux/if_ether.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr uint32_t passes = UINT32_MAX;  // Bytes of the datagram to keep: all.
constexpr uint32_t dropped = 0;

// The program sees the datagram from its UDP header on. These reach what lies before it, and what
// the kernel knows of it; the kernel takes offsets below zero for that.
constexpr uint32_t ipv4_source = static_cast<uint32_t>(SKF_NET_OFF) + 12;
constexpr uint32_t ipv6_source = static_cast<uint32_t>(SKF_NET_OFF) + 8;
constexpr uint32_t protocol = static_cast<uint32_t>(SKF_AD_OFF) + SKF_AD_PROTOCOL;
constexpr uint32_t chance = static_cast<uint32_t>(SKF_AD_OFF) + SKF_AD_RANDOM;

constexpr uint32_t ipv4_bits_before = 96;  // Of an IPv4-mapped address (reactor/base/endpoint.h).
constexpr uint32_t source_word = 0;        // Of the scratch memory: the first word of the source.

// The bits of word `word` of an address that are within a prefix of `bits`.
uint32_t mask_of(uint32_t word, uint32_t bits) {
  DCHECK(word < 4 && bits <= 128);
  const uint32_t before = word * 32;
  if (bits <= before) return 0;
  const uint32_t within = std::min(bits - before, 32u);
  return ~uint32_t{0} << (32 - within);
}

// Random numbers from this one on are dropped.
uint32_t first_dropped(double passing) {
  CHECK(passing >= 0 && passing < 1);
  return static_cast<uint32_t>(std::ldexp(passing, 32));
}

}  // namespace

SourceFilter::SourceFilter(std::span<const Subnet> kept, std::span<const SourceShare> shares) {
  CHECK(kept.size() <= sources_kept_max && shares.size() <= source_shares_max);
  append(BPF_LD | BPF_H | BPF_ABS, protocol);
  append(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP);
  instructions_[size_ - 1].jt = 1;
  append(BPF_JMP | BPF_JA, 0);  // To IPv6's rules.
  const uint32_t head = size_;
  write_family(true, kept, shares);
  instructions_[head - 1].k = size_ - head;
  write_family(false, kept, shares);
  CHECK(size_ <= instructions_max);
}

void SourceFilter::write_family(bool is_ipv4, std::span<const Subnet> kept,
                                std::span<const SourceShare> shares) {
  load_source(is_ipv4);
  for (const Subnet& net : kept) {
    if (net.address.is_ipv4() != is_ipv4) continue;
    begin_match(net);
    append(BPF_RET | BPF_K, passes);
    end_match();
  }
  for (const SourceShare& share : shares) {
    if (share.net.address.is_ipv4() != is_ipv4 || share.passing >= 1) continue;
    begin_match(share.net);
    append(BPF_LD | BPF_W | BPF_ABS, chance);
    append(BPF_JMP | BPF_JGE | BPF_K, first_dropped(share.passing));
    instructions_[size_ - 1].jf = 1;
    append(BPF_RET | BPF_K, dropped);
    end_match();
  }
  append(BPF_RET | BPF_K, passes);
}

// Into the scratch memory, since reading the header is a call for the kernel.
void SourceFilter::load_source(bool is_ipv4) {
  for (uint32_t word = is_ipv4 ? 3 : 0; word < 4; ++word) {
    append(BPF_LD | BPF_W | BPF_ABS, is_ipv4 ? ipv4_source : ipv6_source + 4 * word);
    append(BPF_ST, source_word + word);
  }
}

void SourceFilter::begin_match(const Subnet& net) {
  const bool is_ipv4 = net.address.is_ipv4();
  CHECK(!is_ipv4 || net.prefix_bits >= ipv4_bits_before);
  match_began_ = size_;
  for (uint32_t word = is_ipv4 ? 3 : 0; word < 4; ++word) {
    const uint32_t mask = mask_of(word, net.prefix_bits);
    if (mask == 0) break;
    append(BPF_LD | BPF_MEM, source_word + word);
    if (mask != ~uint32_t{0}) append(BPF_ALU | BPF_AND | BPF_K, mask);
    append(BPF_JMP | BPF_JEQ | BPF_K, load_be32(&net.address.bytes[4 * word]) & mask);
  }
}

// Makes each comparison jump past what is done if it fails.
void SourceFilter::end_match() {
  for (uint32_t at = match_began_; at < size_; ++at) {
    sock_filter& instruction = instructions_[at];
    if (instruction.code != (BPF_JMP | BPF_JEQ | BPF_K)) continue;
    const uint32_t distance = size_ - at - 1;
    CHECK(distance <= UINT8_MAX);
    instruction.jf = static_cast<uint8_t>(distance);
  }
}

void SourceFilter::append(int code, uint32_t operand) {
  CHECK(size_ < instructions_max);
  instructions_[size_++] = {static_cast<uint16_t>(code), 0, 0, operand};
}

int attach_source_filter(int fd, const SourceFilter& filter) {
  const std::span<const sock_filter> program = filter.program();
  // The kernel copies the program and does not write to it.
  const sock_fprog attached{static_cast<uint16_t>(program.size()),
                            const_cast<sock_filter*>(program.data())};
  const int refused = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached);
  return refused == 0 ? 0 : errno;
}

int detach_source_filter(int fd) {
  const int ignored = 0;
  const int refused = setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof ignored);
  return refused == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace xord
