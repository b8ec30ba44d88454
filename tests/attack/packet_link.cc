#include "tests/attack/packet_link.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr size_t ethernet_size = 14;
constexpr size_t udp_size = 8;
constexpr uint8_t udp_protocol = 17;
// Enough for a second of 50,000 short replies, or of 8,000 long ones.
constexpr int buffer_bytes = 128 << 20;
// Those that attack.py gives the two ends: the node's, and ours.
constexpr std::array<uint8_t, 12> hardware_addresses = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

size_t ip_size(bool is_ipv4) {
  return is_ipv4 ? 20 : 40;
}
size_t address_size(bool is_ipv4) {
  return is_ipv4 ? 4 : 16;
}
// An address as its family writes it.
const uint8_t* address_bytes(const IpAddress& address) {
  return &address.bytes[address.is_ipv4() ? 12 : 0];
}

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, strerror(errno));
  std::exit(4);
}

// The sum of 16-bit words of RFC 1071, not yet folded.
uint64_t sum_of(Bytes bytes) {
  uint64_t sum = 0;
  size_t at = 0;
  for (; at + 2 <= bytes.size(); at += 2) sum += load_be16(&bytes[at]);
  return at < bytes.size() ? sum + (uint64_t{bytes[at]} << 8) : sum;
}

uint16_t checksum(uint64_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

void write_ipv4(uint8_t* ip, const Endpoint& from, const Endpoint& to, size_t udp_length) {
  std::memset(ip, 0, 20);
  ip[0] = 0x45;
  store_be16(&ip[2], static_cast<uint16_t>(20 + udp_length));
  ip[8] = 64;
  ip[9] = udp_protocol;
  std::memcpy(&ip[12], address_bytes(from.address), 4);
  std::memcpy(&ip[16], address_bytes(to.address), 4);
  store_be16(&ip[10], checksum(sum_of({ip, 20})));
}

void write_ipv6(uint8_t* ip, const Endpoint& from, const Endpoint& to, size_t udp_length) {
  std::memset(ip, 0, 8);
  ip[0] = 0x60;
  store_be16(&ip[4], static_cast<uint16_t>(udp_length));
  ip[6] = udp_protocol;
  ip[7] = 64;
  std::memcpy(&ip[8], address_bytes(from.address), 16);
  std::memcpy(&ip[24], address_bytes(to.address), 16);
}

// Writes headers and payload; returns the length of the packet. UDP over IPv4 needs no checksum.
size_t write_packet(uint8_t* out, const Endpoint& from, const Endpoint& to, Bytes payload) {
  const bool is_ipv4 = to.is_ipv4();
  std::memcpy(out, hardware_addresses.data(), hardware_addresses.size());
  store_be16(&out[12], is_ipv4 ? ETH_P_IP : ETH_P_IPV6);
  uint8_t* ip = out + ethernet_size;
  uint8_t* udp = ip + ip_size(is_ipv4);
  const size_t udp_length = udp_size + payload.size();
  (is_ipv4 ? write_ipv4 : write_ipv6)(ip, from, to, udp_length);
  store_be16(&udp[0], from.port);
  store_be16(&udp[2], to.port);
  store_be16(&udp[4], static_cast<uint16_t>(udp_length));
  store_be16(&udp[6], 0);
  std::memcpy(udp + udp_size, payload.data(), payload.size());
  if (!is_ipv4) {
    const uint16_t sum =
        checksum(sum_of({ip + 8, 32}) + sum_of({udp, udp_length}) + udp_length + udp_protocol);
    store_be16(&udp[6], sum == 0 ? 0xffff : sum);
  }
  return ethernet_size + ip_size(is_ipv4) + udp_length;
}

// Accepts packets to `towards` only, so that another program's do not wake this one.
void attach_filter(int socket, const Subnet& towards) {
  const bool is_ipv4 = towards.address.is_ipv4();
  const size_t at = ethernet_size + ip_size(is_ipv4) - address_size(is_ipv4);
  const uint8_t* bytes = address_bytes(towards.address);
  uint32_t bits = towards.prefix_bits - (is_ipv4 ? 96U : 0U);
  std::vector<sock_filter> code;
  for (uint32_t word = 0; bits > 0; ++word) {
    const uint32_t here = std::min(bits, 32U);
    const uint32_t mask = static_cast<uint32_t>(~uint64_t{0} << (32 - here));
    code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(at) + word * 4));
    code.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, load_be32(bytes + word * 4), 1, 0));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
    bits -= here;
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, 0xffff));
  const sock_fprog program = {static_cast<uint16_t>(code.size()), code.data()};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
    refuse("a filter on a packet socket");
  }
}

}  // namespace

PacketLink::PacketLink(const std::string& device, const Endpoint& peer,
                       const std::optional<Subnet>& towards)
    : peer_(peer), out_(batch), in_(batch) {
  const uint16_t protocol = htons(peer.is_ipv4() ? ETH_P_IP : ETH_P_IPV6);
  socket_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);  // Receives nothing until it is bound.
  if (socket_ < 0) refuse("a packet socket");
  if (towards) attach_filter(socket_, *towards);
  const int on = 1;
  setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
  setsockopt(socket_, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
  setsockopt(socket_, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  sockaddr_ll place{};
  place.sll_family = AF_PACKET;
  place.sll_protocol = protocol;
  place.sll_ifindex = static_cast<int>(if_nametoindex(device.c_str()));
  if (bind(socket_, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
    refuse(device.c_str());
  }
  for (size_t i = 0; i < batch; ++i) {
    out_parts_[i] = {out_[i].data(), 0};
    in_parts_[i] = {in_[i].data(), in_[i].size()};
    out_messages_[i].msg_hdr.msg_iov = &out_parts_[i];
    in_messages_[i].msg_hdr.msg_iov = &in_parts_[i];
    out_messages_[i].msg_hdr.msg_iovlen = in_messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

PacketLink::~PacketLink() {
  close(socket_);
}

void PacketLink::send(const Endpoint& source, Bytes payload) {
  reply(source, payload);
  ++sent_count_;
  sent_bytes_ += payload.size();
}

void PacketLink::reply(const Endpoint& source, Bytes payload) {
  CHECK(payload.size() <= datagram_max);
  CHECK(source.is_ipv4() == peer_.is_ipv4());
  if (queued_ == batch) flush();
  out_parts_[queued_].iov_len = write_packet(out_[queued_].data(), source, peer_, payload);
  ++queued_;
}

void PacketLink::flush() {
  for (size_t at = 0; at < queued_;) {
    const int sent =
        sendmmsg(socket_, &out_messages_[at], static_cast<unsigned>(queued_ - at), MSG_DONTWAIT);
    if (sent > 0) {
      at += static_cast<size_t>(sent);
    } else if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR) {
      refuse("sending packets");
    }
  }
  queued_ = 0;
}

size_t PacketLink::receive_batch(Duration wait) {
  pollfd readable = {socket_, POLLIN, 0};
  const timespec most = {wait.whole_seconds(), wait.nanoseconds % 1'000'000'000};
  if (wait > Duration{} && ppoll(&readable, 1, &most, nullptr) <= 0) return 0;
  const int count = recvmmsg(socket_, in_messages_.data(), batch, MSG_DONTWAIT, nullptr);
  return count < 0 ? 0 : static_cast<size_t>(count);
}

std::optional<Bytes> PacketLink::read(size_t index, Endpoint* to) const {
  const bool is_ipv4 = peer_.is_ipv4();
  const Bytes packet = {in_[index].data(), in_messages_[index].msg_len};
  const size_t headers = ethernet_size + ip_size(is_ipv4) + udp_size;
  if (packet.size() < headers) return std::nullopt;
  const uint8_t* ip = &packet[ethernet_size];
  const uint8_t* udp = ip + ip_size(is_ipv4);
  if (ip[is_ipv4 ? 9 : 6] != udp_protocol) return std::nullopt;
  const size_t size = load_be16(udp + 4);
  if (size < udp_size || headers - udp_size + size > packet.size()) return std::nullopt;
  if (is_ipv4) {
    to->address = IpAddress::ipv4(load_be32(ip + 16));
  } else {
    std::memcpy(to->address.bytes.data(), ip + 24, 16);
  }
  to->port = load_be16(udp + 2);
  return packet.subspan(headers, size - udp_size);
}

uint64_t PacketLink::lost_count() const {
  tpacket_stats stats{};
  socklen_t size = sizeof stats;
  getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
  return lost_count_ += stats.tp_drops;
}

}  // namespace xord
