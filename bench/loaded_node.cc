#include "bench/loaded_node.h"

#include "node/wire/rpcudp/rpcudp.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "reactor/base/check.h"
#include "storage/operation.h"

namespace xord {
namespace {

constexpr Duration per_request = microseconds(5);
constexpr uint32_t first_sender = 0x0a000001;  // 10.0.0.1, and so on.
constexpr uint32_t first_other = 0x0a800000;   // 10.128.0.0
constexpr uint32_t requests_a_turn = 64;       // As in a full batch of the reactor.
const Instant start = instant_of(first_node_seconds + 1'000'000);

NodeConfig node_config(const LoadedNodeShape& shape) {
  NodeConfig config;
  config.dialect = &rpcudp::dialect();
  config.routing.contacts_max = std::max<uint32_t>(shape.contacts, 160);
  config.limits.mode = LimitsMode::dry_run;  // The senders take all they can.
  return config;
}

StoreConfig store_config(const LoadedNodeShape& shape) {
  StoreConfig config;
  config.hash_seed = 1;
  config.records_max = shape.records + 4'000'000;
  config.bytes_max = UINT64_MAX;
  config.memory_max = uint64_t{1} << 30;
  return config;
}

Transaction next_transaction(uint64_t number) {
  Transaction transaction{};
  store_be64(transaction.data(), number);
  return transaction;
}

}  // namespace

LoadedNode::LoadedNode(const LoadedNodeShape& shape)
    : shape_(shape),
      now_(start),
      id_change_at_(start),
      space_(1, {}, Id{}, 0),
      keys_(shape.zipf ? NumberDraw::zipf(std::max(shape.records, 1'000'000u), 0.99)
                       : NumberDraw::uniform(std::max(shape.records, 1'000'000u))) {
  rng_.fill(self_.bytes);
  space_ = KeySpace(1, {}, self_, shape.near_bits);
  const NodeConfig config = node_config(shape);
  book_ = std::make_unique<ContactBook>(config.routing.contacts_max * 2 + 1024,
                                        rpcudp::encode_contact_tail, 1);
  StoreConfig no_list;
  no_list.records_max = 0;
  shard_ = std::make_unique<NodeShard>(
      NodeShardConfig{config, store_config(shape), no_list, self_, {}}, Rng(2), *book_, start);
  for (uint32_t i = 0; i < shape.senders; ++i) {
    senders_.push_back({space_.id(IdDomain::sources, ids_drawn_++),
                        Endpoint::ipv4(first_sender + i, static_cast<uint16_t>(8468 + i % 1000))});
  }
  load_records();
  fill_table();
  prove_senders();
  let_contacts_grow_old();
}

// As a restart does: senders first, so that they are contacts, then others.
void LoadedNode::fill_table() {
  Outputs out = outputs();
  for (uint64_t i = 0; shard_->node.contacts_count() < shape_.contacts; ++i) {
    CHECK(i < uint64_t{shape_.contacts} * 1000);
    Contact contact;
    if (i < senders_.size() && i < shape_.contacts) {
      contact = {senders_[i].id, senders_[i].endpoint};
    } else {
      const auto number = static_cast<uint32_t>(others_.size());
      others_.push_back(space_.id(IdDomain::sources, ids_drawn_++));
      contact = {others_.back(), Endpoint::ipv4(first_other + number, 8468)};
    }
    shard_->node.restore(now_, contact, Duration{}, out);
  }
}

void LoadedNode::load_records() {
  std::array<uint8_t, 256> value;
  Completion loaded;
  loaded.kind = CompletionKind::record_loaded;
  loaded.has_value = true;
  const NodeSeconds stored = node_seconds(now_);
  for (uint32_t i = 0; i < shape_.records; ++i) {
    loaded.key = space_.id(IdDomain::hits, i);
    const size_t size = space_.write_value(IdDomain::hits, i, value);
    loaded.value_size = static_cast<uint32_t>(size);
    loaded.times = {stored, stored, stored, stored + 7 * 86'400};
    shard_->store.complete(now_, loaded, Bytes(value).first(size));
  }
  Completion finished;
  finished.kind = CompletionKind::load_finished;
  shard_->store.complete(now_, finished, {});
}

// The request of a sender that is no contact is held, until it answers our ping.
void LoadedNode::prove_senders() {
  for (size_t i = 0; i < senders_.size(); ++i) {
    receive(next(RequestKind::find_node));
    if (i % 256 == 255) now_ = now_ + seconds(1);  // Within the ping rate limit of a prefix.
  }
  const Counters<NodeCounter>& counters = shard_->node.counters().node;
  CHECK(counters.read(NodeCounter::held_released) == counters.read(NodeCounter::held));
  CHECK(counters.read(NodeCounter::unproven_bounded) == 0);
}

// A contact younger than a minute is pinged before it is named, which is not to be measured.
void LoadedNode::let_contacts_grow_old() {
  const Instant until = now_ + youth + seconds(10);
  while (now_ < until) {
    now_ = now_ + milliseconds(5);
    receive(next(RequestKind::find_node));
  }
}

void LoadedNode::change_an_id() {
  id_change_at_ = now_ + shape_.id_change_every;
  senders_[changed_].id = space_.id(IdDomain::sources, ids_drawn_++);
  changed_ = (changed_ + 1) % static_cast<uint32_t>(senders_.size());
}

Datagram LoadedNode::next(RequestKind kind) {
  now_ = now_ + per_request;
  if (shape_.id_change_every.nanoseconds > 0 && now_ >= id_change_at_) change_an_id();
  const Sender& sender = senders_[sender_];
  sender_ = sender_ + 1 == senders_.size() ? 0 : sender_ + 1;
  const uint64_t number = draw_key();
  const Transaction transaction = next_transaction(number);
  size_t size = 0;
  switch (kind) {
    case RequestKind::find_node:
      size = rpcudp::encode_find_node_request(request_, transaction, sender.id,
                                              space_.id(IdDomain::targets, number));
      break;
    case RequestKind::find_value_hit:
      size = rpcudp::encode_find_value_request(request_, transaction, sender.id,
                                               space_.id(IdDomain::hits, number));
      break;
    case RequestKind::find_value_miss:
      size = rpcudp::encode_find_value_request(request_, transaction, sender.id,
                                               space_.id(IdDomain::misses, number));
      break;
    case RequestKind::store: {
      std::array<uint8_t, 256> value;
      const uint64_t stored = stores_++;
      const size_t value_size = space_.write_value(IdDomain::stores, stored, value);
      size = rpcudp::encode_store_request(request_, transaction, sender.id,
                                          space_.id(IdDomain::stores, stored),
                                          Bytes(value).first(value_size), std::nullopt);
      break;
    }
    case RequestKind::ping:
    case RequestKind::count:
      size = rpcudp::encode_ping_request(request_, transaction, sender.id);
      break;
  }
  return {{sender.endpoint, {}}, Bytes(request_).first(size)};
}

size_t LoadedNode::receive(const Datagram& datagram) {
  Outputs out = outputs();
  shard_->node.receive(now_, datagram, out);
  size_t size = take_datagrams();
  if (!storage_.entries().empty()) {
    complete_stores();
    size = std::max(size, take_datagrams());
  }
  if (++requests_ % requests_a_turn != 0) return size;
  const auto due = shard_->node.next_wakeup();
  if (due && *due <= now_) {
    shard_->node.advance(now_, out);
    take_datagrams();
    if (!storage_.entries().empty()) complete_stores();
  }
  return size;
}

size_t LoadedNode::take_datagrams() {
  size_t size = 0;
  size_t count = 0;
  for (const Outbox::Entry& entry : datagrams_.entries()) {
    const Bytes bytes = datagrams_.bytes(entry);
    if (rpcudp::is_reply(bytes)) {
      size = bytes.size();
    } else if (count < pings_.size()) {
      const Bytes transaction = rpcudp::transaction_of(bytes);
      pings_[count].source = entry.path.remote;
      std::copy(transaction.begin(), transaction.end(), pings_[count++].transaction.begin());
    }
  }
  datagrams_.clear();
  if (count > 0) size = std::max(size, answer_pings(count));
  return size;
}

// Answers the first `count` of pings_. A pong may lead to another ping: one level deep is enough.
size_t LoadedNode::answer_pings(size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; ++i) {
    const Id* id = id_at(pings_[i].source.address);
    if (id == nullptr) continue;
    std::array<uint8_t, rpcudp::ping_reply_size> pong;
    rpcudp::encode_ping_reply(pong, pings_[i].transaction, *id);
    Outputs out = outputs();
    shard_->node.receive(now_, {{pings_[i].source, {}}, pong}, out);
    for (const Outbox::Entry& entry : datagrams_.entries()) {
      if (rpcudp::is_reply(datagrams_.bytes(entry))) size = entry.size;
    }
    datagrams_.clear();
  }
  return size;
}

const Id* LoadedNode::id_at(const IpAddress& address) const {
  const uint32_t number = load_be32(&address.bytes[12]);
  if (number >= first_other) {
    return number - first_other < others_.size() ? &others_[number - first_other] : nullptr;
  }
  return number - first_sender < senders_.size() ? &senders_[number - first_sender].id : nullptr;
}

// The disk completes everything at once, successfully.
void LoadedNode::complete_stores() {
  std::array<Completion, 64> completions;
  size_t count = 0;
  for (const FrameOutbox::Entry& entry : storage_.entries()) {
    const Operation* operation = frame_header<Operation>(storage_.bytes(entry));
    if (operation->kind == OperationKind::read || count == completions.size()) continue;
    Completion& done = completions[count++];
    done = {};
    done.kind = CompletionKind::written;
    done.ticket = operation->ticket;
    done.key = operation->key;
  }
  storage_.clear();
  for (size_t i = 0; i < count; ++i) {
    Outputs out = outputs();
    shard_->node.complete(
        now_, {reinterpret_cast<const uint8_t*>(&completions[i]), sizeof(Completion)}, out);
  }
}

}  // namespace xord
