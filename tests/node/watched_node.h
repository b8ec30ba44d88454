// One node and everyone it has to do with, on virtual time, with the bytes that each endpoint sent
// it and was sent. Says where a bound was broken: a source that has proven nothing gets at most
// amplification_max times its bytes, for each datagram and in sum; what any prefix gets beyond its
// requests, pings included, is what its limit admits; each reply answers a request; and who was
// never named gets nothing (docs/WIRE.md, "Unproven sources"; docs/ARCHITECTURE.md, "Nobody takes
// more than a share"). It knows what a peer did, not what the node thinks of it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "tests/excess_bound.h"
#include "tests/node/model_network.h"
#include "tests/node/spelling.h"

namespace xord::testing {

// What an endpoint does with what it is sent.
enum class Peer : uint8_t {
  silent,   // Nothing: its address is forged.
  pongs,    // Answers pings and nothing else: an honest node in whose name others ask.
  answers,  // Answers pings, stores with true, and questions with no contacts.
  echoes,   // Sends back all that it gets, as UDP port 7 does.
};

class WatchedNode {
 public:
  // Of a peer, once it has the node's datagram.
  static constexpr Duration delay = milliseconds(50);

  struct Account {
    Id id;
    Peer peer = Peer::silent;
    // Bytes.
    uint64_t received = 0;
    uint64_t allowed = 0;  // What it may be sent as long as it has proven nothing.
    uint64_t sent = 0;
    // The node's own requests to it, counted.
    uint32_t pings = 0;
    uint32_t questions = 0;
    uint32_t stores = 0;
    bool is_proven = false;
    // The node knows it by its program or from an earlier run: what it is asked was not caused by
    // anyone else.
    bool is_named = false;
    Transaction last_asked{};  // Of the node's latest request to it.
  };

  WatchedNode(const NodeConfig& config, const ModelOptions& options, uint32_t shards);

  ModelNode& node() { return node_; }
  const NodeConfig& config() const { return config_; }
  Instant now() const { return now_; }
  // The first bound that was broken, or empty.
  const std::string& broken() const { return broken_; }
  const Account& account(const Endpoint& endpoint) { return accounts_[endpoint]; }
  const std::map<Endpoint, Account>& accounts() const { return accounts_; }

  // From here on `endpoint` is there, under this id, and does this.
  void set_peer(const Endpoint& endpoint, const Id& id, Peer peer);
  // A contact that answered an earlier run of the node `age` ago, and answers.
  void restore(const Endpoint& endpoint, const Id& id, Duration age);
  // What it sent and was sent until now no longer counts, nor that it is proven or named.
  void forget(const Endpoint& endpoint);
  // The node knows it from here on without anyone's doing.
  void name(const Endpoint& endpoint) { accounts_[endpoint].is_named = true; }
  // What it is asked from here on is caused by others.
  void no_longer_named(const Endpoint& endpoint);

  // A datagram reaches the node. One that is a request is given a transaction of its own, unless it
  // is too short to have one.
  void send(const Endpoint& from, Octets bytes);
  // As `send`, of a request.
  void ask(const Endpoint& from, const Ask& ask) { send(from, spelled(ask, accounts_[from].id)); }
  // Runs `body(Node&, Outputs&)` as a call of the program, on the shard that owns `key`.
  template <class Body>
  void call(const Id& key, Body&& body) {
    run(shard_of(key, node_.shards_count()), body);
  }
  void set(const Id& key, Bytes value);
  // All that follows, until then.
  void run_for(Duration duration);

  // From here on, each call of the node finds its outbox with room for so many datagrams; empty:
  // for all.
  void leave_room(std::optional<uint32_t> datagrams) { room_ = datagrams; }
  // If it is set, and returns bytes, these are what a peer answers.
  std::function<std::optional<Octets>(const Account& peer, const Request&)> answer;

 private:
  struct Due {
    Instant at;
    Endpoint from;
    Octets bytes;
    bool is_proof = false;
  };

  template <class Body>
  void run(uint32_t shard, Body&& body) {
    node_.run(shard, now_, [&](Node& node, Outputs& out) {
      if (room_) fill(out.datagrams);
      body(node, out);
    });
    collect();
  }
  void fill(Outbox& outbox) const;
  void receive(const Endpoint& from, const Octets& bytes);
  void collect();
  void sent(const Endpoint& to, const Octets& bytes);
  void replied(const Endpoint& to, const Octets& bytes);
  void charge(const Endpoint& to, uint64_t excess);
  void look_for_evicted();
  void asked(const Endpoint& to, Account& account, const Octets& bytes);
  std::optional<Octets> answer_of(const Account& peer, const Request& request) const;
  void breaks(const std::string& bound, const Endpoint& endpoint);

  const NodeConfig config_;
  const uint32_t datagrams_max_;
  ModelNode node_;
  Instant now_ = instant_of(first_node_seconds);
  std::string broken_;
  std::map<Endpoint, Account> accounts_;
  // Sizes of requests that have not been answered.
  std::map<std::pair<Endpoint, Transaction>, size_t> open_;
  ExcessBound excess_;
  uint64_t evicted_ = 0;  // Rows of its ledgers, by the last call.
  bool has_kept_charges_ = true;
  std::deque<Due> due_;
  std::optional<uint32_t> room_;
  uint32_t transactions_ = 0;
  OperationId operations_ = 0;
  // The unproven source of the datagram that the node has in hand, and what it may still be sent.
  std::optional<std::pair<Endpoint, uint64_t>> in_hand_;
};

}  // namespace xord::testing
