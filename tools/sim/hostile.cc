#include "tools/sim/hostile.h"

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"
#include "tools/sim/draw.h"

namespace xord::sim {
namespace {

constexpr std::string_view poison = "\xa6poison";  // msgpack: a text.

Transaction random_transaction(Rng& rng) {
  Transaction transaction;
  rng.fill(transaction);
  return transaction;
}

}  // namespace

HostileActor::HostileActor(World& world, const Conspiracy& conspiracy, uint32_t host, Malice malice,
                           Rng rng)
    : world_(world),
      conspiracy_(conspiracy),
      host_(host),
      malice_(malice),
      rng_(rng),
      id_(world.host(host).id),
      next_tick_(world.local_now(host)) {
  CHECK(malice < Malice::count && world.host(host).kind == HostKind::hostile);
}

Endpoint HostileActor::anybody() {
  CHECK(!conspiracy_.everybody.empty());
  return conspiracy_.everybody[rng_.bounded(conspiracy_.everybody.size())];
}

void HostileActor::receive(Instant, const Datagram& datagram) {
  if (datagram.bytes.size() < 1024) heard_.assign(datagram.bytes.begin(), datagram.bytes.end());
  if (rpcudp::is_reply(datagram.bytes)) return;
  Request request;
  if (rpcudp::parse_request(datagram.bytes, &request) != ParseError::none) return;
  if (malice_ == Malice::silent && request.method != Method::ping) return;
  answer(datagram.path.remote, request);
}

void HostileActor::answer(const Endpoint& source, const Request& request) {
  std::array<uint8_t, 256> buffer;
  size_t size = 0;
  switch (request.method) {
    case Method::ping:
      size = rpcudp::encode_ping_reply(buffer, request.transaction, id_);
      break;
    case Method::store:  // "Yes", and forgets it.
      size = rpcudp::encode_store_reply(buffer, request.transaction, true);
      break;
    case Method::find_value:
      if (malice_ == Malice::eclipser) {
        size = rpcudp::encode_value_reply(buffer, request.transaction, bytes_of(poison));
        break;
      }
      return answer_contacts(source, request);
    case Method::find_node:
      return answer_contacts(source, request);
    default:  // Nothing to be gained.
      return;
  }
  CHECK(size > 0);
  world_.send(host_, source, Bytes(buffer).first(size));
}

void HostileActor::answer_contacts(const Endpoint& source, const Request& request) {
  std::array<uint8_t, rpcudp::contacts_reply_size_max> buffer;
  const bool names_fellows = malice_ == Malice::eclipser && !conspiracy_.eclipsers.empty();
  rpcudp::ContactsReply reply(buffer, request.transaction, bucket_size);
  for (uint32_t i = 0; i < bucket_size; ++i) {
    Contact named;
    if (names_fellows) {
      named = conspiracy_.eclipsers[(i + host_) % conspiracy_.eclipsers.size()];
    } else {  // Nearer to the target than any node, at the address of no node or of another one.
      named.id = request.target;
      rng_.fill(std::span(named.id.bytes).subspan(4 + rng_.bounded(8)));
      named.endpoint = rng_.chance(0.5) ? anybody()
                                        : Endpoint::ipv4(static_cast<uint32_t>(rng_.next()),
                                                         static_cast<uint16_t>(rng_.next()));
    }
    std::array<uint8_t, rpcudp::contact_tail_max> tail;
    reply.add(named.id, Bytes(tail).first(rpcudp::encode_contact_tail(named.endpoint, tail)));
  }
  CHECK(reply.size() > 0);
  world_.send(host_, source, Bytes(buffer).first(reply.size()));
}

void HostileActor::advance(Instant now) {
  if (now < next_tick_) return;
  next_tick_ = now + exponential(rng_, conspiracy_.tick);
  make_known();
  if (malice_ == Malice::forger) forge();
  if (malice_ == Malice::flooder) flood();
}

// Sends a request to a random node, so that it is pinged and filed.
void HostileActor::make_known() {
  std::array<uint8_t, rpcudp::find_request_size_max> buffer;
  const Transaction transaction = random_transaction(rng_);
  const size_t size = rpcudp::encode_find_node_request(buffer, transaction, id_, random_id(rng_));
  CHECK(size > 0);
  world_.send(host_, anybody(), Bytes(buffer).first(size));
}

std::vector<uint8_t> HostileActor::some_request() {
  std::array<uint8_t, 512> buffer;
  const Transaction transaction = random_transaction(rng_);
  const Id target = random_id(rng_);
  size_t size = 0;
  switch (rng_.bounded(5)) {
    case 0:
      size = rpcudp::encode_ping_request(buffer, transaction, random_id(rng_));
      break;
    case 1:
      size = rpcudp::encode_stun_request(buffer, transaction);
      break;
    case 2:
      size = rpcudp::encode_find_node_request(buffer, transaction, random_id(rng_), target);
      break;
    case 3:
      size = rpcudp::encode_find_value_request(buffer, transaction, random_id(rng_), target);
      break;
    default:
      size = rpcudp::encode_store_request(buffer, transaction, random_id(rng_), target,
                                          bytes_of(poison), static_cast<uint32_t>(rng_.next()));
      break;
  }
  CHECK(size > 0);
  return {buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(size)};
}

// Forges the victim's address as source. The victim must lose no contacts by it, and must not
// receive much from them.
void HostileActor::forge() {
  for (uint32_t i = 0; i < conspiracy_.burst; ++i) {
    std::vector<uint8_t> bytes = some_request();
    if (rng_.chance(0.2)) {  // A reply to a call that, by luck, may be open.
      std::array<uint8_t, rpcudp::ping_reply_size> pong;
      rpcudp::encode_ping_reply(pong, random_transaction(rng_), random_id(rng_));
      bytes.assign(pong.begin(), pong.end());
    }
    world_.send_as(host_, anybody(), anybody(), bytes);
  }
}

void HostileActor::flood() {
  const Endpoint target = anybody();
  for (uint32_t i = 0; i < conspiracy_.burst * 4; ++i) {
    std::vector<uint8_t> bytes = rng_.chance(0.2) && !heard_.empty() ? heard_ : some_request();
    if (rng_.chance(0.5)) {
      bytes[rng_.bounded(bytes.size())] ^= static_cast<uint8_t>(1 + rng_.bounded(255));
    }
    if (rng_.chance(0.1)) bytes.resize(rng_.bounded(bytes.size()) + 1);
    world_.send(host_, rng_.chance(0.7) ? target : anybody(), bytes);
  }
}

}  // namespace xord::sim
