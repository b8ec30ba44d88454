// What the codec costs on the datagram path: requests parsed, replies encoded and parsed.
#include <benchmark/benchmark.h>

#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

constexpr Transaction transaction = {1, 2, 3, 4, 5};
constexpr size_t contacts_count = 20;

struct EncodedContact {
  Id id;
  std::array<uint8_t, rpcudp::contact_tail_max> tail;
  size_t tail_size;
};

std::vector<EncodedContact> encoded_contacts() {
  Rng rng(1);
  std::vector<EncodedContact> contacts(contacts_count);
  for (EncodedContact& contact : contacts) {
    contact.id = random_id(rng);
    const auto address = static_cast<uint32_t>(rng.next());
    const Endpoint endpoint = Endpoint::ipv4(address, static_cast<uint16_t>(rng.next() | 1024));
    contact.tail_size = rpcudp::encode_contact_tail(endpoint, contact.tail);
  }
  return contacts;
}

size_t encode_contacts(MutableBytes out, std::span<const EncodedContact> contacts) {
  rpcudp::ContactsReply reply(out, transaction, contacts.size());
  for (const EncodedContact& contact : contacts) {
    reply.add(contact.id, Bytes(contact.tail).first(contact.tail_size));
  }
  return reply.size();
}

void parse_find_node_request(benchmark::State& state) {
  Rng rng(1);
  std::array<uint8_t, rpcudp::find_request_size_max> buffer;
  const size_t size =
      rpcudp::encode_find_node_request(buffer, transaction, random_id(rng), random_id(rng));
  Request request;
  for (auto _ : state) {
    benchmark::DoNotOptimize(buffer.data());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(rpcudp::parse_request(Bytes(buffer).first(size), &request));
    benchmark::DoNotOptimize(request);
  }
}
BENCHMARK(parse_find_node_request);

// Text of `state.range(0)` bytes, whose UTF-8 has to be checked.
void parse_store_request(benchmark::State& state) {
  Rng rng(1);
  std::vector<uint8_t> value(3 + static_cast<size_t>(state.range(0)), 'a');
  value[0] = 0xda;
  store_be16(&value[1], static_cast<uint16_t>(state.range(0)));
  std::vector<uint8_t> buffer(rpcudp::request_size_max);
  const size_t size = rpcudp::encode_store_request(buffer, transaction, random_id(rng),
                                                   random_id(rng), value, std::nullopt);
  Request request;
  for (auto _ : state) {
    benchmark::DoNotOptimize(rpcudp::parse_request(Bytes(buffer).first(size), &request));
    benchmark::DoNotOptimize(request);
  }
}
BENCHMARK(parse_store_request)->Arg(100)->Arg(8137);

void encode_20_ipv4_contacts(benchmark::State& state) {
  const auto contacts = encoded_contacts();
  std::array<uint8_t, rpcudp::contacts_reply_size_max> buffer;
  for (auto _ : state) {
    benchmark::DoNotOptimize(encode_contacts(buffer, contacts));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(encode_20_ipv4_contacts);

void parse_20_ipv4_contacts(benchmark::State& state) {
  std::array<uint8_t, rpcudp::contacts_reply_size_max> buffer;
  const size_t size = encode_contacts(buffer, encoded_contacts());
  Reply reply;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        rpcudp::parse_reply(Bytes(buffer).first(size), Method::find_node, &reply));
    benchmark::DoNotOptimize(reply);
  }
}
BENCHMARK(parse_20_ipv4_contacts);

}  // namespace
}  // namespace xord
