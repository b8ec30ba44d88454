#include "tests/node/watched_node.h"

#include <algorithm>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"

namespace xord::testing {
namespace {

constexpr uint32_t steps_max = 100'000;  // Of one run_for(): else the node never rests.

Transaction transaction_of(Bytes datagram) {
  Transaction transaction{};
  const Bytes bytes = rpcudp::transaction_of(datagram);
  CHECK(bytes.size() == transaction.size());
  std::copy(bytes.begin(), bytes.end(), transaction.begin());
  return transaction;
}

// A newcomer that is filed is pinged again after its first minute, and each ping is repeated once.
constexpr double pings_uncharged = 4 * rpcudp::ping_request_size;

}  // namespace

WatchedNode::WatchedNode(const NodeConfig& config, const ModelOptions& options, uint32_t shards)
    : config_(config),
      datagrams_max_(options.datagrams_max),
      node_(7, Endpoint::ipv4(0x0a000001, 8468), shards, config, options),
      excess_(config_, pings_uncharged) {
  collect();
}

void WatchedNode::set_peer(const Endpoint& endpoint, const Id& id, Peer peer) {
  accounts_[endpoint].id = id;
  accounts_[endpoint].peer = peer;
}

void WatchedNode::restore(const Endpoint& endpoint, const Id& id, Duration age) {
  set_peer(endpoint, id, Peer::answers);
  name(endpoint);
  for (uint32_t shard = 0; shard < node_.shards_count(); ++shard) {
    run(shard, [&](Node& node, Outputs& out) { node.restore(now_, {id, endpoint}, age, out); });
  }
}

void WatchedNode::forget(const Endpoint& endpoint) {
  Account& account = accounts_[endpoint];
  const Account former = std::exchange(account, {});
  account.id = former.id;
  account.peer = former.peer;
}

void WatchedNode::no_longer_named(const Endpoint& endpoint) {
  CHECK(accounts_[endpoint].is_named);
  accounts_[endpoint].is_named = false;
  accounts_[endpoint].is_proven = true;
}

void WatchedNode::send(const Endpoint& from, Octets bytes) {
  if (bytes.size() > transaction_size && bytes[0] == 0) {
    store_be32(&bytes[1], ++transactions_);
  }
  receive(from, bytes);
}

void WatchedNode::set(const Id& key, Bytes value) {
  call(key, [&](Node& node, Outputs& out) { node.set(now_, ++operations_, key, value, out); });
}

void WatchedNode::run_for(Duration duration) {
  const Instant end = now_ + duration;
  for (uint32_t steps = 0; broken_.empty(); ++steps) {
    CHECK(steps < steps_max);
    const auto wakeup = node_.next_wakeup();
    Instant next = std::min(end, wakeup.value_or(end));
    if (!due_.empty()) next = std::min(next, due_.front().at);
    now_ = std::max(now_, next);
    if (!due_.empty() && due_.front().at <= now_) {
      const Due due = std::move(due_.front());
      due_.pop_front();
      if (due.is_proof) accounts_[due.from].is_proven = true;
      receive(due.from, due.bytes);
    } else if (wakeup && *wakeup <= now_) {
      for (uint32_t shard = 0; shard < node_.shards_count(); ++shard) {
        run(shard, [&](Node& node, Outputs& out) { node.advance(now_, out); });
      }
    } else if (now_ >= end) {
      return;
    }
  }
}

void WatchedNode::fill(Outbox& outbox) const {
  CHECK(outbox.entries().size() + *room_ <= datagrams_max_);
  while (outbox.entries().size() + *room_ < datagrams_max_) outbox.commit({}, 0);
}

void WatchedNode::receive(const Endpoint& from, const Octets& bytes) {
  const auto allowed =
      static_cast<uint64_t>(static_cast<double>(bytes.size()) * config_.amplification_max);
  if (bytes.size() > transaction_size && bytes[0] == 0) {
    open_[{from, transaction_of(bytes)}] = bytes.size();
  }
  Account& account = accounts_[from];
  account.received += bytes.size();
  account.allowed += allowed;
  if (!account.is_proven && !account.is_named) in_hand_ = {from, allowed};
  // Any shard, but in equal scenes the same.
  size_t landing = bytes.size();
  for (const uint8_t byte : from.address.bytes) landing += byte;
  run(static_cast<uint32_t>(landing % node_.shards_count()), [&](Node& node, Outputs& out) {
    node.receive(now_, {{from, {}}, bytes}, out);
  });
  in_hand_.reset();
}

void WatchedNode::collect() {
  look_for_evicted();
  for (const auto& [path, bytes] : std::exchange(node_.sent, {})) {
    if (path.remote.port != 0) sent(path.remote, bytes);
  }
}

void WatchedNode::sent(const Endpoint& to, const Octets& bytes) {
  const auto found = accounts_.find(to);
  if (found == accounts_.end()) return breaks("sent to one whom nobody named", to);
  Account& account = found->second;
  account.sent += bytes.size();
  if (!account.is_proven && !account.is_named) {
    if (account.sent > account.allowed) breaks("more to an unproven source than it sent", to);
    if (in_hand_ && in_hand_->first == to) {
      if (bytes.size() > in_hand_->second) breaks("more for a datagram than it allows", to);
      in_hand_->second -= std::min<uint64_t>(bytes.size(), in_hand_->second);
    }
  }
  rpcudp::is_reply(bytes) ? replied(to, bytes) : asked(to, account, bytes);
  if (account.peer == Peer::echoes) {
    due_.push_back({now_ + delay, to, bytes, rpcudp::is_reply(bytes)});
  }
}

void WatchedNode::replied(const Endpoint& to, const Octets& bytes) {
  const auto request = open_.find({to, transaction_of(bytes)});
  if (request == open_.end()) return breaks("a reply to no request", to);
  const size_t request_size = request->second;
  open_.erase(request);
  if (bytes.size() <= request_size) return;
  charge(to, bytes.size() - request_size);
}

void WatchedNode::charge(const Endpoint& to, uint64_t excess) {
  if (has_kept_charges_ && !excess_.admits(now_, to.address, excess)) {
    breaks("more beyond its requests than its limit", to);
  }
}

// A ledger that is full forgets charges, and then may give more than a limit.
void WatchedNode::look_for_evicted() {
  uint64_t evicted = 0;
  for (uint32_t shard = 0; shard < node_.shards_count(); ++shard) {
    evicted += node_.shard(shard).ledger().evicted_count();
  }
  has_kept_charges_ = evicted == std::exchange(evicted_, evicted);
  if (!has_kept_charges_) excess_.forget();
}

void WatchedNode::asked(const Endpoint& to, Account& account, const Octets& bytes) {
  Request request;
  CHECK(rpcudp::parse_request(bytes, &request) == ParseError::none);
  account.last_asked = transaction_of(bytes);
  account.pings += request.method == Method::ping;
  account.stores += request.method == Method::store;
  account.questions += request.method == Method::find_node;
  account.questions += request.method == Method::find_value;
  if (request.method == Method::ping && account.is_proven && !account.is_named) {
    charge(to, bytes.size());
  }
  if (auto bytes_back = answer_of(account, request)) {
    due_.push_back({now_ + delay, to, std::move(*bytes_back), true});
  }
}

std::optional<Octets> WatchedNode::answer_of(const Account& peer, const Request& request) const {
  if (answer) {
    if (auto bytes = answer(peer, request)) return bytes;
  }
  const bool is_ping = request.method == Method::ping;
  if (peer.peer != Peer::answers && !(peer.peer == Peer::pongs && is_ping)) return std::nullopt;
  return datagram([&](MutableBytes out) {
    if (is_ping) return rpcudp::encode_ping_reply(out, request.transaction, peer.id);
    if (request.method == Method::store) {
      return rpcudp::encode_store_reply(out, request.transaction, true);
    }
    return rpcudp::ContactsReply(out, request.transaction, 0).size();
  });
}

void WatchedNode::breaks(const std::string& bound, const Endpoint& endpoint) {
  if (!broken_.empty()) return;
  const Account& account = accounts_[endpoint];
  broken_ = bound + ": " + endpoint.text() + ", from it " + std::to_string(account.received) +
            " bytes, to it " + std::to_string(account.sent);
}

}  // namespace xord::testing
