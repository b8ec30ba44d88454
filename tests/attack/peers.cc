#include "tests/attack/peers.h"

#include <algorithm>
#include <cstring>

#include "reactor/base/check.h"
#include "tests/attack/packet_link.h"

namespace xord {
namespace {

constexpr size_t header_size = 1 + transaction_size;

class Writer {
 public:
  explicit Writer(MutableBytes out) : out_(out) {}
  void byte(unsigned value) {
    CHECK(size_ < out_.size());
    out_[size_++] = static_cast<uint8_t>(value);
  }
  void bytes(Bytes from) {
    CHECK(size_ + from.size() <= out_.size());
    std::copy(from.begin(), from.end(), out_.begin() + static_cast<ptrdiff_t>(size_));
    size_ += from.size();
  }
  void id(const Id& id) {
    byte(0xc4);
    byte(id_size);
    bytes(id.bytes);
  }
  // A bin 16 of `length` bytes, which no database can compress.
  void value(size_t length, uint64_t number) {
    byte(0xc5);
    byte(static_cast<unsigned>(length >> 8));
    byte(length & 0xff);
    CHECK(size_ + length <= out_.size());
    for (size_t i = 0; i < length; i += 8) {
      store_le(&pad_[i], number = scattered(number));
    }
    bytes({pad_.data(), length});
  }
  void be32(uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) byte(value >> shift & 0xff);
  }
  size_t size() const { return size_; }

 private:
  MutableBytes out_;
  size_t size_ = 0;
  std::array<uint8_t, stored_max + 8> pad_;
};

bool asks(Bytes datagram, std::string_view method) {
  const size_t at = header_size + 1;
  return datagram.size() > at + method.size() && datagram[0] == 0 &&
         datagram[at] == (0xa0 | method.size()) &&
         equal(datagram.subspan(at + 1, method.size()), bytes_of(method));
}

}  // namespace

std::optional<Method> method_named(std::string_view name) {
  const auto found = std::find(method_names.begin(), method_names.end(), name);
  if (found == method_names.end()) return std::nullopt;
  return static_cast<Method>(found - method_names.begin());
}

size_t write_request(MutableBytes out, uint64_t transaction, const Question& question) {
  Writer writer(out);
  std::array<uint8_t, transaction_size> whole{};
  store_be64(whole.data(), transaction);
  const std::string_view name = method_names[static_cast<size_t>(question.method)];
  constexpr std::array<unsigned, 4> arguments = {1, 2, 2, 3};
  writer.byte(0);
  writer.bytes(whole);
  writer.byte(0x92);
  writer.byte(static_cast<unsigned>(0xa0 | name.size()));
  writer.bytes(bytes_of(name));
  writer.byte(0x90 | arguments[static_cast<size_t>(question.method)]);
  writer.id(question.sender);
  if (question.method != Method::ping) writer.id(question.key);
  if (question.method == Method::store) {
    writer.value(question.value_size, question.value == 0 ? transaction : question.value);
    if (question.age != 0) {
      writer.byte(0xce);
      writer.be32(question.age);
    }
  }
  return writer.size();
}

size_t write_reply(MutableBytes out, Bytes request, const Id& own_id) {
  Writer writer(out);
  if (request.size() < header_size) return 0;
  writer.byte(1);
  writer.bytes(request.subspan(1, transaction_size));
  if (asks(request, "ping")) {
    writer.id(own_id);
  } else if (asks(request, "find_node") || asks(request, "find_value")) {
    writer.byte(0x90);
  } else if (asks(request, "store")) {
    writer.byte(0xc3);
  } else {
    return 0;
  }
  return writer.size();
}

bool is_ping(Bytes datagram) {
  return asks(datagram, "ping");
}

std::optional<uint64_t> transaction_of_reply(Bytes datagram) {
  if (datagram.size() <= header_size || datagram[0] != 1) return std::nullopt;
  return load_be64(&datagram[1]);
}

Verdict verdict_on(Method method, Bytes reply) {
  CHECK(reply.size() > header_size);
  const uint8_t code = reply[header_size];
  bool is_served = true;
  if (method == Method::find_node) is_served = code == 0xdc || (code > 0x90 && code <= 0x9f);
  if (method == Method::find_value) is_served = code == 0x81;
  if (method == Method::store) is_served = code == 0xc3;
  return is_served ? Verdict::served : Verdict::denied;
}

bool holds_value(Bytes reply, size_t value_size, uint64_t value) {
  CHECK(reply.size() > header_size && value != 0);
  std::array<uint8_t, datagram_max> expected;
  Writer writer(expected);
  writer.byte(0x81);
  writer.byte(0xa5);
  writer.bytes(bytes_of("value"));
  writer.value(value_size, value);
  return equal(reply.subspan(header_size), {expected.data(), writer.size()});
}

Endpoint Sources::operator[](uint64_t number) const {
  const uint64_t first = scattered(seed_ + number * 3);
  const uint64_t second = scattered(seed_ + number * 3 + 1);
  Endpoint source;
  store_be64(source.address.bytes.data(), first);
  store_be64(&source.address.bytes[8], second);
  for (uint32_t bit = 0; bit < net_.prefix_bits; ++bit) {
    const uint8_t mask = static_cast<uint8_t>(0x80 >> bit % 8);
    uint8_t& byte = source.address.bytes[bit / 8];
    byte = static_cast<uint8_t>((byte & ~mask) | (net_.address.bytes[bit / 8] & mask));
  }
  if (source.is_ipv4() && net_.prefix_bits < 104) {  // Classes A to C, without 0, 10, 62 and 127.
    uint8_t& top = source.address.bytes[12];
    while (top == 0 || top == 10 || top == 45 || top == 62 || top == 81 || top == 127 ||
           top == 100 || top == 169 || top == 172 || top == 192 || top >= 198) {
      top = static_cast<uint8_t>(top * 5 + 17);
    }
  }
  source.port = static_cast<uint16_t>(1024 + scattered(seed_ + number * 3 + 2) % 60'000);
  return source;
}

Id Ids::of(const Endpoint& endpoint) const {
  return of_number(load_be64(endpoint.address.bytes.data()) * 31 +
                   load_be64(&endpoint.address.bytes[8]) * 7 + endpoint.port);
}

Id Ids::of_number(uint64_t number) const {
  uint64_t state = number;
  Id id;
  for (size_t at = 0; at < id_size; ++at) {
    id.bytes[at] = static_cast<uint8_t>(state = scattered(state));
  }
  if (bits_max == 0) return id;
  const uint32_t shared = bits_min + static_cast<uint32_t>(state % (bits_max - bits_min));
  for (uint32_t bit = 0; bit <= shared; ++bit) {
    const uint8_t mask = static_cast<uint8_t>(0x80 >> bit % 8);
    const uint8_t wanted = static_cast<uint8_t>(near.bytes[bit / 8] ^ (bit == shared ? mask : 0));
    id.bytes[bit / 8] = static_cast<uint8_t>((id.bytes[bit / 8] & ~mask) | (wanted & mask));
  }
  return id;
}

uint64_t scattered(uint64_t number) {
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

}  // namespace xord
