// Any bytes as a script for strangers around one running node of one to three shards: their
// datagrams, alone, in bursts and from all over a subnet, answers to the node's requests, calls of
// its program, a disk that fails or hangs, time. Whatever they do, and whatever its limits, the
// node neither ends nor breaks a rule of node_watch.h; after each step its tables are within their
// bounds and keep their invariants.
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
  contacts,  // The stranger answers the node's latest lookup; each byte of the payload is a
             // contact.
  burst,     // Datagrams from the stranger: the first byte says how many, the rest is each of them.
  spray,     // Likewise, each from another address of the stranger's subnet.
  list,      // By the node's program; the payload: a key, what to do with it, and a value.
  count
};

constexpr uint32_t steps_max = 200;
constexpr uint32_t wakeups_max = 300;  // In one wait.
constexpr uint32_t burst_max = 64;

// One host with two ports and its neighbours in a /24, a /20 and a /16; the same of IPv6 in a /64,
// a /56 and a /48; addresses of a site and of this host.
const Endpoint strangers[] = {
    Endpoint::ipv4(0xc0000201, 4000),
    Endpoint::ipv4(0xc0000201, 4001),
    Endpoint::ipv4(0x0a000002, 8468),
    *Endpoint::parse("[2001:db8::1]:4000"),
    *Endpoint::parse("[2001:db8::2]:8468"),
    Endpoint::ipv4(0xc6336401, 65535),
    Endpoint::ipv4(0xcb007101, 1),
    *Endpoint::parse("[::1]:4000"),
    Endpoint::ipv4(0xc0000207, 8468),
    Endpoint::ipv4(0xc0000301, 8468),
    Endpoint::ipv4(0xc0001201, 8468),
    *Endpoint::parse("[2001:db8:0:7::1]:8468"),
    *Endpoint::parse("[2001:db8:0:700::1]:8468"),
    *Endpoint::parse("[2001:db9::1]:8468"),
    Endpoint::ipv4(0x7f000001, 8468),
    Endpoint::ipv4(0xc0a80001, 8468),
};
static_assert(std::size(strangers) * static_cast<size_t>(Step::count) == 256, "a byte names both");

// Far below what an operator may choose: a few answers reach them.
LimitsConfig tiny_limits(LimitsMode mode) {
  LimitsConfig limits;
  limits.mode = mode;
  limits.limits_loopback = true;
  limits.excess_a_second = 128;
  limits.reads_a_second = 1;
  return limits;
}

struct Settings {
  uint32_t shards;
  NodeConfig node;
  testing::ModelOptions options;
};

Settings settings_of(uint8_t byte) {
  constexpr double amplifications[] = {1.0, 1.0, 0.5, 0.1, 0.0, 3.0};
  const LimitsConfig limits[] = {tiny_limits(LimitsMode::on),
                                 {},
                                 tiny_limits(LimitsMode::dry_run),
                                 tiny_limits(LimitsMode::off)};
  Settings settings{1 + byte % 3u, testing::model_config(), {}};
  settings.node.amplification_max = amplifications[byte / 3 % std::size(amplifications)];
  settings.node.limits = limits[byte / 18 % std::size(limits)];
  const Subnet nearby{IpAddress::ipv4(0xc0000200), 120};
  if (byte / 72 == 1) settings.node.trusted = {nearby};
  if (byte / 72 == 2) settings.node.limits.factors = {{nearby, 50}, {{nearby.address, 112}, 2}};
  if (settings.node.limits.mode == LimitsMode::on) settings.options.memory_max = 0;  // It reads.
  return settings;
}

// An address of the stranger's subnet; the first is its own.
Endpoint neighbour(size_t stranger, uint32_t number) {
  Endpoint endpoint = strangers[stranger];
  uint8_t& last = endpoint.address.bytes[15];
  last = static_cast<uint8_t>(last + number);
  return endpoint;
}

class Script {
 public:
  Script(uint8_t settings, Bytes steps)
      : settings_(settings_of(settings)),
        node_(settings, Endpoint::ipv4(0x0a000001, 8468), settings_.shards, settings_.node,
              settings_.options),
        watch_(node_.id(), settings_.node),
        rest_(steps) {}

  void run() {
    for (uint32_t step = 0; step < steps_max && rest_.size() >= 3; ++step) {
      const uint8_t what = rest_[0];
      const size_t size = std::min<size_t>(load_be16(&rest_[1]), rest_.size() - 3);
      const Bytes payload = rest_.subspan(3, size);
      rest_ = rest_.subspan(3 + size);
      const size_t stranger = what / static_cast<uint8_t>(Step::count) % std::size(strangers);
      take(static_cast<Step>(what % static_cast<uint8_t>(Step::count)), stranger, payload);
      check_tables();
    }
    node_.disk_is_frozen = false;
    wait(minutes(1));
    check_tables();
  }

 private:
  static Id id_of(size_t stranger) {
    CHECK(stranger < std::size(strangers));
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
      case Step::contacts:
        return answer_contacts(strangers[stranger], payload);
      case Step::burst:
      case Step::spray:
        return flood(step, stranger, payload);
      case Step::list:
        return list(payload);
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

  // Each byte names a stranger or, from 128 on, a port of its host at which nobody answers.
  void answer_contacts(const Endpoint& from, Bytes payload) {
    const NodeWatch::OpenCall* open = watch_.latest_call(from, Method::find_node);
    if (open == nullptr) open = watch_.latest_call(from, Method::find_value);
    if (open == nullptr) return;
    const Bytes named = payload.first(std::min<size_t>(payload.size(), bucket_size));
    std::array<uint8_t, rpcudp::contacts_reply_size_max> bytes;
    rpcudp::ContactsReply reply(bytes, open->transaction, named.size());
    for (const uint8_t byte : named) {
      const size_t stranger = byte % std::size(strangers);
      Endpoint endpoint = strangers[stranger];
      if (byte >= 128) endpoint.port = static_cast<uint16_t>(5000 + byte);
      std::array<uint8_t, rpcudp::contact_tail_max> tail;
      reply.add(id_of(stranger), Bytes(tail).first(rpcudp::encode_contact_tail(endpoint, tail)));
    }
    receive(from, Bytes(bytes).first(reply.size()));
  }

  // Each with a transaction of its own.
  void flood(Step step, size_t stranger, Bytes payload) {
    if (payload.size() < rpcudp::header_size) return;
    const uint32_t count = 1 + payload[0] % burst_max;
    Octets datagram = octets(payload.subspan(1));
    for (uint32_t i = 0; i < count; ++i) {
      datagram[transaction_size] = static_cast<uint8_t>(i);
      receive(neighbour(stranger, step == Step::spray ? i : 0), datagram);
    }
  }

  void list(Bytes payload) {
    if (payload.size() < 2) return;
    watch_.no_datagram();
    const Id key = key_of(payload);
    const OperationId operation = ++operations_;
    const Octets value = value_of(payload.subspan(2));
    const uint8_t what = payload[1] % 4;
    const uint32_t prefix_bits = std::min<uint32_t>(payload[1], id_bits);
    if (what == 0) watch_.kept(now_, key, value);
    node_.run(shard_of(key, node_.shards_count()), now_, [&](Node& node, Outputs& out) {
      if (what == 0) node.keep(now_, operation, key, value, out);
      if (what == 1) node.forget(now_, operation, key, out);
      if (what == 2) node.list_published(now_, operation, key, out);
      if (what == 3) node.purge(now_, operation, key, prefix_bits, out);
    });
    collect();
  }

  // The bytes, if they are a value that a program may store; else one that is.
  static Octets value_of(Bytes bytes) {
    Octets value = octets(bytes);
    if (!rpcudp::is_storable(value) || value.size() > value_size_max) value = {0x01};
    return value;
  }

  void call(Step step, const Endpoint& stranger, Bytes payload) {
    watch_.no_datagram();
    const Id key = key_of(payload);
    const uint32_t owner = shard_of(key, node_.shards_count());
    const OperationId operation = ++operations_;
    const Octets value = value_of(payload.empty() ? payload : payload.subspan(1));
    if (step == Step::set) watch_.stored(now_, key, value);
    if (step == Step::join) watch_.named(stranger);
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
    uint64_t evicted = 0;
    for (uint32_t i = 0; i < node_.shards_count(); ++i) {
      evicted += node_.shard(i).ledger().evicted_count();
    }
    watch_.set_has_kept_charges(evicted == std::exchange(evicted_, evicted));
    for (const auto& [path, bytes] : node_.sent) watch_.sent(now_, path.remote, bytes);
    node_.sent.clear();
  }

  void check_tables() {
    const NodeUsage most = usage_max(settings_.node);
    for (uint32_t i = 0; i < node_.shards_count(); ++i) {
      const NodeUsage usage = node_.shard(i).usage();
      for (size_t table = 0; table < usage.size(); ++table) CHECK(usage[table] <= most[table]);
      node_.shard(i).check_invariants();
      node_.store(i).check_invariants();
      node_.published(i).check_invariants();
    }
  }

  const Settings settings_;
  testing::ModelNode node_;
  NodeWatch watch_;
  Bytes rest_;
  Instant now_ = instant_of(first_node_seconds);
  OperationId operations_ = 0;
  uint64_t evicted_ = 0;  // Rows of its ledgers, by the last call.
};

}  // namespace
}  // namespace xord::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  xord::fuzz::Script(data[0], {data + 1, size - 1}).run();
  return 0;
}
