// The parts of a node, each with real ones below it, for tests of one part: what it sends goes to
// an outbox, what it reports to a queue of events, and the test controls time.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "node/admission/ledger.h"
#include "node/calls/requester.h"
#include "node/disk_waits.h"
#include "node/lookup/lookups.h"
#include "node/node_context.h"
#include "node/operations/operations.h"
#include "node/operations/store_rounds.h"
#include "node/routing/contacts.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {

class PartTest : public ::testing::Test {
 protected:
  static constexpr uint32_t shards = 2;
  static constexpr uint32_t datagrams_max = 64;

  PartTest() { load(); }

  static NodeConfig config() {
    NodeConfig config = model_config();
    config.shards = shards;
    return config;
  }
  // A contact whose id begins with `first`, at its own endpoint.
  static Contact contact(uint8_t first, uint32_t number = 1) {
    Contact contact;
    contact.id.bytes[0] = first;
    store_be32(&contact.id.bytes[16], number);
    contact.endpoint = Endpoint::ipv4(0x0a000000 + (uint32_t{first} << 12) + number, 4000);
    return contact;
  }
  Turn turn() { return {now, out, events}; }

  // A request sent since the last take_asked().
  struct Asked {
    Endpoint to;
    Method method{};
    Id target;
    std::vector<uint8_t> transaction;
    std::optional<uint32_t> age;
  };
  std::vector<Asked> take_asked() {
    std::vector<Asked> asked;
    for (const Outbox::Entry& entry : datagrams.entries()) {
      Request request;
      const Bytes bytes = datagrams.bytes(entry);
      EXPECT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
      asked.push_back({entry.path.remote,
                       request.method,
                       request.target,
                       {request.transaction.begin(), request.transaction.end()},
                       request.age});
    }
    datagrams.clear();
    return asked;
  }
  // Passes the reply of `encode(out, transaction)` to the requester.
  template <class Encode>
  std::optional<Outcome> answer(const Asked& asked, Encode&& encode) {
    reply_bytes = datagram([&](MutableBytes to) { return encode(to, Bytes(asked.transaction)); });
    return requester.receive(turn(), {{asked.to, {}}, reply_bytes}, &reply);
  }
  std::optional<Outcome> pong(const Asked& asked, const Id& responder) {
    return answer(asked, [&](MutableBytes to, Bytes transaction) {
      return rpcudp::encode_ping_reply(to, transaction, responder);
    });
  }
  std::optional<Outcome> stored(const Asked& asked, bool is_stored) {
    return answer(asked, [&](MutableBytes to, Bytes transaction) {
      return rpcudp::encode_store_reply(to, transaction, is_stored);
    });
  }
  std::optional<Outcome> names_nobody(const Asked& asked) {
    return answer(asked, [&](MutableBytes to, Bytes transaction) {
      return rpcudp::ContactsReply(to, transaction, 0).size();
    });
  }
  // Files `contact`, as after its answer to our ping.
  void file(const Contact& contact) {
    Outcome outcome;
    outcome.call.method = Method::ping;
    outcome.call.to = contact.endpoint;
    reply = {};
    reply.responder = contact.id;
    outcome.reply = &reply;
    contacts.learn_from(turn(), outcome);
    contacts.end_turn(turn());
    messages.clear();
    ASSERT_TRUE(contacts.table().is_filed(contact));
  }
  // Outcomes of calls that became slow or expired by `now`.
  std::vector<Outcome> overdue() {
    std::vector<Outcome> outcomes;
    requester.advance(now, [&](const Outcome& outcome) { outcomes.push_back(outcome); });
    return outcomes;
  }
  std::vector<OperationResult> take_results() {
    std::vector<OperationResult> taken;
    for (const FrameOutbox::Entry& entry : results.entries()) {
      taken.push_back(*frame_header<OperationResult>(results.bytes(entry)));
    }
    results.clear();
    return taken;
  }
  uint64_t count(NodeCounter which) const { return counters.node.read(which); }
  uint64_t count(NodeSum which) const { return counters.sum(which); }

  const NodeConfig node_config = config();
  const NodeSecrets secrets{{7}, 7, 7};
  const Id self = contact(0).id;
  Instant now = instant_of(first_node_seconds);
  NodeCounters counters;
  const ShardLink link{node_config.network, 0, shards, counters};
  Ledger ledger{node_config.limits, 256, shards, secrets.hash_seed, node_config.trusted};
  const NodeContext node{node_config, secrets, *node_config.dialect, self, link, counters, ledger};
  Outbox datagrams{datagrams_max, 1 << 20};
  FrameOutbox messages{64, 1 << 16};
  FrameOutbox storage{64, 1 << 20};
  FrameOutbox results{64, 1 << 16};
  Outputs out{datagrams, messages, storage, results};
  Events events{256};
  ContactBook book{4096, rpcudp::encode_contact_tail, 1};
  Store store{StoreConfig{.id = node_config.network}};
  DiskWaits waits{node_config.pending_answers};
  Requester requester{node, now};
  Contacts contacts{node, book, requester, now};
  Lookups lookups{node, contacts, requester};
  StoreRounds rounds{node, node_config.operations, requester, store, waits};
  Operations operations{node, contacts, lookups, rounds, store, nullptr, waits};
  Reply reply;
  std::vector<uint8_t> reply_bytes;

 private:
  void load() {
    Completion loaded;
    loaded.kind = CompletionKind::load_finished;
    loaded.store = node_config.network;
    store.complete(now, loaded, {});
  }
};

}  // namespace xord::testing
