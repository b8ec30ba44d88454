// Watches everything that goes into and comes out of one node under fuzzing, and ends the process
// when a rule of the wire is broken (docs/WIRE.md): at most one reply to a request, of the same
// method; only verified contacts of the asker's family, nearest first; only values that were stored
// within the last ttl; never more bytes to an unproven source than its datagram allows, nor, over
// the whole run, than all its datagrams allow; nor more than the limits allow any source. It does
// not know how a node works.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "node/admission/amplification.h"
#include "node/budget.h"
#include "node/node_config.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"
#include "reactor/base/instant.h"
#include "tests/excess_bound.h"

namespace xord::fuzz {

using Octets = std::vector<uint8_t>;

inline Octets octets(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

class NodeWatch {
 public:
  // `config` is that of the node, which lives longer.
  NodeWatch(const Id& self, const NodeConfig& config)
      : self_(self), config_(config), excess_(config) {}

  // A call of the node that has not been answered yet.
  struct OpenCall {
    Octets transaction;
    Method method{};
    Instant sent;
  };

  // Called before the node receives `bytes` from `source`.
  void received(Instant now, const Endpoint& source, Bytes bytes) {
    budget_.reset();
    if (!is_proven(now, source) && !is_trusted(source)) {
      budget_ = ReplyBudget::unproven(bytes.size(), config_.amplification_max);
    }
    traffic_[source].received += bytes.size();
    if (rpcudp::is_reply(bytes)) {
      received_reply(now, source, bytes);
      return;
    }
    Request request;
    if (rpcudp::parse_request(bytes, &request) != ParseError::none) return;
    const Asked asked{request.method, request.target, request.acceptable, bytes.size()};
    asked_[{source, octets(request.transaction)}].push_back(asked);
    if (request.method == Method::store && request.acceptable) {
      stored(now, request.target, request.value);
    }
  }
  // A value was submitted for storing, perhaps by the node's own program.
  void stored(Instant now, const Id& key, Bytes value) {
    Instant& last = values_[key][octets(value)];
    last = std::max(last, now);
  }
  // The node publishes `value` again each day by itself, perhaps until the end of the run.
  void kept(Instant now, const Id& key, Bytes value) {
    stored(now + hours(24 * 365 * 20), key, value);
  }
  // The node may have requests of its own for `peer` from here on: its program named it.
  void named(const Endpoint& peer) { known_.insert(peer); }
  // Whether the node's ledger has kept all charges during the call that sent what follows. If not,
  // it was full, and may have given some source more than its limit.
  void set_has_kept_charges(bool has_kept) {
    has_kept_charges_ = has_kept;
    if (!has_kept) excess_.forget();
  }
  // What follows is not caused by a datagram.
  void no_datagram() { budget_.reset(); }

  // The node sent `bytes` to `to`.
  void sent(Instant now, const Endpoint& to, Bytes bytes) {
    CHECK(to.port != 0 && bytes.size() > rpcudp::header_size);
    CHECK(!budget_ || budget_->spend(bytes.size()));
    check_traffic(to, bytes.size());
    if (rpcudp::is_reply(bytes)) {
      sent_reply(now, to, bytes);
      return;
    }
    Request request;
    CHECK(rpcudp::parse_request(bytes, &request) == ParseError::none);
    CHECK(request.acceptable && request.sender == self_ && request.method != Method::stun);
    calls_[to].push_back({octets(request.transaction), request.method, now});
  }

  // The node's latest open call to `to`, of `method` if one is given.
  const OpenCall* latest_call(const Endpoint& to, Method method = Method::count) const {
    const auto found = calls_.find(to);
    if (found == calls_.end()) return nullptr;
    for (auto call = found->second.rbegin(); call != found->second.rend(); ++call) {
      if (method == Method::count || call->method == method) return &*call;
    }
    return nullptr;
  }

 private:
  struct Asked {
    Method method{};
    Id target;
    bool acceptable = true;
    size_t size = 0;  // Of the datagram.
  };
  struct Traffic {  // Bytes.
    uint64_t received = 0;
    uint64_t sent = 0;
  };

  bool is_trusted(const Endpoint& source) const {
    return is_in_any(config_.trusted, source.address);
  }

  // What is sent later, because the disk was slow or a contact did not answer, counts here.
  void check_traffic(const Endpoint& to, size_t size) {
    Traffic& traffic = traffic_[to];
    traffic.sent += size;
    if (known_.contains(to) || is_trusted(to)) return;
    CHECK(static_cast<double>(traffic.sent) <=
          static_cast<double>(traffic.received) * config_.amplification_max);
  }

  bool is_proven(Instant now, const Endpoint& source) const {
    const auto found = proven_.find(source);
    if (found != proven_.end() && now < found->second + proven_lifetime) return true;
    // A contact is proven as long as it is filed, and only a pong files one.
    return std::any_of(verified_.begin(), verified_.end(),
                       [&](const auto& contact) { return contact.second == source; });
  }

  void received_reply(Instant now, const Endpoint& source, Bytes bytes) {
    const Bytes transaction = rpcudp::transaction_of(bytes);
    std::vector<OpenCall>& calls = calls_[source];
    for (auto call = calls.begin(); call != calls.end(); ++call) {
      if (!equal(call->transaction, transaction)) continue;
      Reply reply;
      const bool is_in_time = now < call->sent + transaction_lifetime;
      if (is_in_time && rpcudp::parse_reply(bytes, call->method, &reply) == ParseError::none) {
        proven_[source] = now;
        known_.insert(source);
        for (size_t i = 0; i < reply.contacts_count; ++i) named(reply.contacts[i].endpoint);
        budget_.reset();  // Requests held for it are served.
        if (call->method == Method::ping) verified_.insert({reply.responder, source});
      }
      // A call that its answer made fail may be repeated, which is not an answer to a stranger.
      if (is_in_time) budget_.reset();
      calls.erase(call);
      return;
    }
  }

  void sent_reply(Instant now, const Endpoint& to, Bytes bytes) {
    const auto found = asked_.find({to, octets(rpcudp::transaction_of(bytes))});
    CHECK(found != asked_.end());
    std::vector<Asked>& open = found->second;
    // Of several with one transaction, the longest: that leaves least to be charged.
    auto answered = open.end();
    for (auto asked = open.begin(); asked != open.end(); ++asked) {
      if (!is_answer(now, *asked, to, bytes)) continue;
      if (answered == open.end() || asked->size > answered->size) answered = asked;
    }
    CHECK(answered != open.end());  // Otherwise it answers no request.
    if (has_kept_charges_ && bytes.size() > answered->size) {
      CHECK(excess_.admits(now, to.address, bytes.size() - answered->size));
    }
    open.erase(answered);
    if (open.empty()) asked_.erase(found);
  }

  bool is_answer(Instant now, const Asked& asked, const Endpoint& to, Bytes bytes) const {
    Reply reply;
    if (rpcudp::parse_reply(bytes, asked.method, &reply) != ParseError::none) return false;
    switch (asked.method) {
      case Method::ping:
        return reply.responder == self_ && bytes.size() == rpcudp::ping_reply_size;
      case Method::stun:
        return reply.observed.address == to.address && reply.observed.port == to.port;
      case Method::store:
        return asked.acceptable || !reply.stored;
      case Method::find_node:
      case Method::find_value:
        return reply.has_value ? is_stored(now, asked.target, reply.value)
                               : are_contacts(asked.target, to, reply);
      case Method::count:
        break;
    }
    return false;
  }

  bool is_stored(Instant now, const Id& key, Bytes value) const {
    const auto of_key = values_.find(key);
    if (of_key == values_.end()) return false;
    const auto found = of_key->second.find(octets(value));
    return found != of_key->second.end() && now < found->second + config_.ttl;
  }

  bool are_contacts(const Id& target, const Endpoint& to, const Reply& reply) const {
    for (size_t i = 0; i < reply.contacts_count; ++i) {
      const Contact& contact = reply.contacts[i];
      if (!verified_.contains({contact.id, contact.endpoint})) return false;
      if (contact.endpoint == to || contact.endpoint.is_ipv4() != to.is_ipv4()) return false;
      if (i > 0 && !nearer(target, reply.contacts[i - 1].id, contact.id)) return false;
    }
    return true;
  }

  Id self_;
  const NodeConfig& config_;
  testing::ExcessBound excess_;
  bool has_kept_charges_ = true;
  std::optional<ReplyBudget> budget_;  // Empty: no bound.
  std::map<std::pair<Endpoint, Octets>, std::vector<Asked>> asked_;
  std::map<Endpoint, std::vector<OpenCall>> calls_;
  std::map<Endpoint, Instant> proven_;
  std::map<Endpoint, Traffic> traffic_;
  std::set<Endpoint> known_;  // Proven at some time, or named: it gets requests of the node's own.
  std::set<std::pair<Id, Endpoint>> verified_;
  std::map<Id, std::map<Octets, Instant>> values_;  // When each was last stored.
};

}  // namespace xord::fuzz
