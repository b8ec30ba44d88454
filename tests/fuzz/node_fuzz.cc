// Any bytes as a script for strangers around one running node of one to three shards: their
// datagrams, answers to the node's requests, calls of its program, a disk that fails or hangs,
// time. Whatever they do, the node neither ends nor breaks a rule of node_watch.h.
//
// The script: a byte of settings, then steps: a byte for the action and the stranger, then two for
// the size of the payload that follows (tests/fuzz/fuzz.py writes such scripts from the golden
// vectors).
#include <algorithm>

#include "node/wire/rpcudp/msgpack.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "tests/fuzz/node_watch.h"
#include "tests/fuzz/target.h"
#include "tests/node/model_network.h"

namespace xord::fuzz {
namespace {

enum class Step : uint8_t {
  datagram,   // The payload, from a stranger.
  answer,     // The payload as the body of a reply to the node's latest call to the stranger.
  pong,       // An honest answer to the node's latest ping of the stranger.
  wait,       // Up to 65 s, the payload's first two bytes in milliseconds.
  wait_long,  // The same in minutes: records expire, buckets are refreshed.
  get,        // By the node's program; the payload's first byte chooses the key.
  set,        // Likewise, with the rest of the payload as the value.
  find,
  join,  // Through the stranger.
  disk_works,
  disk_fails,
  disk_hangs,
  count
};

constexpr uint32_t steps_max = 200;
constexpr uint32_t wakeups_max = 300;  // In one wait.

const Endpoint strangers[] = {
    Endpoint::ipv4(0xc0000201, 4000),       Endpoint::ipv4(0xc0000201, 4001),
    Endpoint::ipv4(0x0a000002, 8468),       *Endpoint::parse("[2001:db8::1]:4000"),
    *Endpoint::parse("[2001:db8::2]:8468"), Endpoint::ipv4(0xc6336401, 65535),
    Endpoint::ipv4(0xcb007101, 1),          *Endpoint::parse("[::1]:4000"),
};

NodeConfig config_of(uint8_t settings) {
  constexpr double amplifications[] = {1.0, 1.0, 0.5, 0.1, 0.0, 3.0};
  NodeConfig config = testing::model_config();
  config.amplification_max = amplifications[settings / 3 % std::size(amplifications)];
  return config;
}

class Script {
 public:
  Script(uint8_t settings, Bytes steps)
      : config_(config_of(settings)),
        node_(settings, Endpoint::ipv4(0x0a000001, 8468), 1 + settings % 3u, config_),
        watch_(node_.id(), config_.ttl, config_.amplification_max),
        rest_(steps) {}

  void run() {
    for (uint32_t step = 0; step < steps_max && rest_.size() >= 3; ++step) {
      const uint8_t what = rest_[0];
      const size_t size = std::min<size_t>(load_be16(&rest_[1]), rest_.size() - 3);
      const Bytes payload = rest_.subspan(3, size);
      rest_ = rest_.subspan(3 + size);
      const size_t stranger = what / static_cast<uint8_t>(Step::count) % std::size(strangers);
      take(static_cast<Step>(what % static_cast<uint8_t>(Step::count)), stranger, payload);
    }
    node_.disk_is_frozen = false;
    wait(minutes(1));
  }

 private:
  static Id id_of(size_t stranger) {
    Id id;
    id.bytes.fill(static_cast<uint8_t>(0x11 * (stranger + 1)));
    return id;
  }
  static Id key_of(Bytes payload) {
    Id key;
    key.bytes.fill(payload.empty() ? 0 : payload[0]);
    return key;
  }

  void take(Step step, size_t stranger, Bytes payload) {
    switch (step) {
      case Step::datagram:
        return receive(strangers[stranger], payload);
      case Step::answer:
        return answer(strangers[stranger], Method::count, payload);
      case Step::pong:
        return pong(stranger);
      case Step::wait:
        return wait(milliseconds(payload.size() < 2 ? 1 : load_be16(payload.data())));
      case Step::wait_long:
        return wait(minutes(payload.size() < 2 ? 1 : load_be16(payload.data())));
      case Step::get:
      case Step::set:
      case Step::find:
      case Step::join:
        return call(step, strangers[stranger], payload);
      case Step::disk_works:
      case Step::disk_fails:
      case Step::disk_hangs:
        node_.disk_works = step != Step::disk_fails;
        node_.disk_is_frozen = step == Step::disk_hangs;
        return advance();
      case Step::count:
        return;
    }
  }

  void receive(const Endpoint& from, Bytes bytes) {
    const Octets copy = octets(bytes);  // A buffer of exact size, so that a sanitizer sees its end.
    watch_.received(now_, from, copy);
    node_.receive(now_, {{from, {}}, copy});
    collect();
  }
  void answer(const Endpoint& from, Method method, Bytes body) {
    const NodeWatch::OpenCall* open = watch_.latest_call(from, method);
    if (open == nullptr) return;
    Octets reply{1};
    reply.insert(reply.end(), open->transaction.begin(), open->transaction.end());
    reply.insert(reply.end(), body.begin(), body.end());
    receive(from, reply);
  }
  void pong(size_t stranger) {
    Octets body{0xc4, id_size};
    const Id id = id_of(stranger);
    body.insert(body.end(), id.bytes.begin(), id.bytes.end());
    answer(strangers[stranger], Method::ping, body);
  }

  void call(Step step, const Endpoint& stranger, Bytes payload) {
    watch_.no_datagram();
    const Id key = key_of(payload);
    const uint32_t owner = shard_of(key, node_.shards_count());
    const OperationId operation = ++operations_;
    const Octets one{0x01};
    Octets value = payload.empty() ? one : octets(payload.subspan(1));
    if (!rpcudp::is_storable(value) || value.size() > value_size_max) value = one;
    if (step == Step::set) watch_.stored(now_, key, value);
    node_.run(step == Step::join ? 0 : owner, now_, [&](Node& node, Outputs& out) {
      if (step == Step::get) node.get(now_, operation, key, out);
      if (step == Step::set) node.set(now_, operation, key, value, out);
      if (step == Step::find) node.find(now_, operation, key, out);
      if (step == Step::join) node.join(now_, operation, {&stranger, 1}, out);
    });
    collect();
  }

  void wait(Duration duration) {
    const Instant until = now_ + duration;
    for (uint32_t i = 0; i < wakeups_max; ++i) {
      const auto wakeup = node_.next_wakeup();
      if (!wakeup || *wakeup > until) break;
      now_ = std::max(now_, *wakeup);
      advance();
    }
    now_ = until;
    advance();
  }
  void advance() {
    watch_.no_datagram();
    node_.advance(now_);
    collect();
  }
  void collect() {
    for (const auto& [path, bytes] : node_.sent) watch_.sent(now_, path.remote, bytes);
    node_.sent.clear();
  }

  NodeConfig config_;
  testing::ModelNode node_;
  NodeWatch watch_;
  Bytes rest_;
  Instant now_ = instant_of(first_node_seconds);
  OperationId operations_ = 0;
};

}  // namespace
}  // namespace xord::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  xord::fuzz::Script(data[0], {data + 1, size - 1}).run();
  return 0;
}
