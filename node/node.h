// One shard of one Kademlia node in one network, as a state machine: it does no I/O, reads no clock
// and draws no entropy. Datagrams, messages from other shards and disk completions come in as
// calls; datagrams to send, messages, disk operations and results go out as data, in Outputs. The
// reactor drives it in production, the simulator on virtual time: equal arguments and an equal
// sequence of calls give equal outputs, bit for bit.
//
// Ownership: requests for a key are served by the shard that owns the key (shard_of), a bucket is
// kept by the shard that owns it (RoutingTable), replies go to the shard whose index their
// transaction carries. Anything that arrives at another shard is forwarded by message.
//
// Bounds: every table is sized by NodeConfig and allocated by the constructor; nothing allocates
// after that. Full means refuse and count (node/counters.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "node/admission/ledger.h"
#include "node/admission/limit_watch.h"
#include "node/admission/work_shares.h"
#include "node/answers/named_answers.h"
#include "node/answers/own_id_watch.h"
#include "node/answers/record_service.h"
#include "node/answers/replies.h"
#include "node/answers/responder.h"
#include "node/calls/requester.h"
#include "node/counters.h"
#include "node/disk_waits.h"
#include "node/lookup/lookups.h"
#include "node/node_change.h"
#include "node/node_config.h"
#include "node/node_context.h"
#include "node/notice.h"
#include "node/operation_result.h"
#include "node/operations/joiner.h"
#include "node/operations/operations.h"
#include "node/operations/store_rounds.h"
#include "node/replication/replicator.h"
#include "node/routing/contacts.h"
#include "node/shard_link.h"
#include "node/turn.h"
#include "node/usage.h"
#include "reactor/base/rng.h"
#include "storage/store.h"

namespace xord {

class Node {
 public:
  // `book` and `store` are borrowed and outlive the node. `self` is the node's id in this network.
  // `published`, if not null, is the list of what this node publishes again each day.
  Node(const NodeConfig& config, const Id& self, const NodeSecrets& secrets, Rng rng,
       ContactBook& book, Store& store, Instant start, Store* published = nullptr);

  // Handles one datagram. Malformed or unwanted input is counted and dropped: it is the peer's
  // error, so there is nothing for the caller to handle.
  void receive(Instant now, const Datagram& datagram, Outputs& out);
  // A hint only: prefetches the memory that receive() of these will read. Changes nothing.
  void fetch_ahead(std::span<const Datagram> batch) const;
  // Handles a message from shard `from`.
  void deliver(Instant now, ShardIndex from, Bytes frame, Outputs& out);
  // Handles a completion of the disk, for this node's network.
  void complete(Instant now, Bytes frame, Outputs& out);
  // Does everything that is due: timeouts, lookup steps, pings, refreshes, expiry.
  void advance(Instant now, Outputs& out);
  // When advance() is next needed; empty when only a datagram or a call can make work.
  std::optional<Instant> next_wakeup() const;

  // Goes on with the choices in `change`, which gets those that held before. What is under way ends
  // as it began: a lookup keeps its paths, a record its expiry, a source what it was charged.
  // Allocates nothing. Not within another call.
  void change(Instant now, NodeChange& change);

  // Since when each turn of this shard has left datagrams in the kernel; empty: the last one did
  // not. Call it at the end of each turn.
  void set_backlog(Instant now, std::optional<Instant> since);
  // Which part of whose datagrams the kernel is to let through; its version() changes with it.
  const WorkShares& work_shares() const { return work_; }

  // --- Calls of an embedding program. Each is answered by exactly one OperationResult in
  // out.results, in this call or a later one.

  // Pings `endpoints`, files those that answer, looks up our own id and refreshes the farther
  // buckets (paper 2.3). Repeats the pings while no node is known. Call it on shard 0.
  void join(Instant now, OperationId operation, std::span<const Endpoint> endpoints, Outputs& out);
  // On the shard that owns `key`: the value held here, otherwise the one found by a lookup.
  void get(Instant now, OperationId operation, const Id& key, Outputs& out);
  // On the shard that owns `key`: stores `value` (one element of the dialect, at most
  // value_size_max bytes) on the k nearest nodes, this one included when it is among them.
  void set(Instant now, OperationId operation, const Id& key, Bytes value, Outputs& out);
  // On any shard: the k nearest nodes to `target` that answer. The purpose may also be `canary`: it
  // is counted apart, and nothing else differs.
  void find(Instant now, OperationId operation, const Id& target, Outputs& out,
            LookupPurpose purpose = LookupPurpose::find);

  // As find: the result's value is the calls that the lookup made, a TraceHead and TracedCalls.
  // Refused while another one is traced on this shard.
  void trace(Instant now, OperationId operation, const Id& target, Outputs& out);

  // On any shard: erases its records from key `from` on, as far as they share `prefix_bits` leading
  // bits with it (160: that key alone), at most purge_records_max per call. In the result, `erased`
  // is the number erased and the value is the key to continue from, or empty at the end; the status
  // is not_stored if the disk failed to erase some, which remain. Refused while another purge is in
  // progress, or when there is no room to ask the disk.
  void purge(Instant now, OperationId operation, const Id& from, uint32_t prefix_bits,
             Outputs& out);

  // On the shard that owns `key`: adds `value` to the list of what is published again each day,
  // then stores it as set does. Done once it is in the list, however many nodes stored it.
  void keep(Instant now, OperationId operation, const Id& key, Bytes value, Outputs& out);
  // On the shard that owns `key`: removes it from the list; not_found if it is not there. The
  // copies in the network expire by themselves.
  void forget(Instant now, OperationId operation, const Id& key, Outputs& out);
  // The keys in this shard's list from `from` on, in order: the value is an array of PublishedKeys,
  // at most published_keys_max; fewer means that there are no more.
  void list_published(Instant now, OperationId operation, const Id& from, Outputs& out);

  // What this shard's ledger charges to `source` and to the prefixes around it, or, if it is
  // unspecified, the prefixes that have taken most: the value is an array of ChargedPrefix, at most
  // charged_prefixes_max.
  void list_charges(Instant now, OperationId operation, const IpAddress& source, Outputs& out);

  // Pages of what this shard holds, for reports: in the value a PageHead, then rows
  // (node/operation_result.h). Contacts in the order of distance from `near`, those nearer than
  // `from` left out; buckets with the farthest from our id first; records in the order of keys,
  // from `from` on, as far as they share `prefix_bits` leading bits with it.
  void list_contacts(Instant now, OperationId operation, const Id& near, const Id& from,
                     Outputs& out);
  void list_buckets(Instant now, OperationId operation, const Id& from, Outputs& out);
  void list_records(Instant now, OperationId operation, const Id& from, uint32_t prefix_bits,
                    Outputs& out);

  // What this shard knows of the sources at `address`, for reports: in the value a SourceHead, then
  // its ProvenRows. Visits every proven source, and every one that has requests held.
  void explain(Instant now, OperationId operation, const IpAddress& address, Outputs& out);

  // --- Restart. A contact saved by an earlier run; `age` is how long ago it answered. Only the
  // owner of its bucket files it, the others follow by message: call it on every shard, and deliver
  // the messages every few contacts.
  void restore(Instant now, const Contact& contact, Duration age, Outputs& out);
  // Calls visit(const Contact&, Instant answered_last) for each contact in this shard's buckets.
  template <class Visit>
  void for_each_own_contact(Visit&& visit) const {
    contacts_.table().for_each_own_contact(visit);
  }
  // Changes whenever for_each_own_contact() would visit other contacts.
  uint64_t contacts_version() const { return contacts_.table().version(); }

  // Notices of the calls since the last take(); take them after each call.
  NodeNotices& notices() { return notices_; }

  const Id& self() const { return self_; }
  uint32_t contacts_count() const { return contacts_.table().count(); }
  // Contacts we may hand out (Standing above silent).
  uint32_t answerable_count() const { return contacts_.table().answerable_count(); }
  const NodeCounters& counters() const { return counters_; }
  // What sources have taken of this shard; asked by the parts that give it.
  const Ledger& ledger() const { return ledger_; }
  const Counters<TableRefusal>& refusals() const { return contacts_.table().refusals(); }
  // For tests and the simulator: aborts if an invariant is broken.
  void check_invariants() const;
  // Also for them: how long a call to `endpoint` may take before it is slow, how full the tables
  // are, and how many buckets there are.
  Duration timeout_of(const Endpoint& endpoint) const { return requester_.timeout(endpoint); }
  // And whether an answerable contact is filed at `endpoint`.
  bool knows_contact_at(const Endpoint& endpoint) const {
    return contacts_.table().is_answerable_at(endpoint);
  }
  NodeUsage usage() const;
  uint32_t buckets_count() const { return contacts_.table().buckets_count(); }

 private:
  void receive_reply(const Turn& turn, const Datagram& datagram);
  // The pong of a stranger, by cookie, which may come again.
  void receive_proof(const Turn& turn, const Datagram& datagram, const Outcome& outcome);
  // Passes the outcome of a call of ours to the parts concerned.
  void dispatch(const Turn& turn, const Outcome& outcome);
  // Passes on the events of the parts until none is left.
  void handle_events(const Turn& turn);
  void handle(const Turn& turn, const Event& event);
  void lookup_finished(const Turn& turn, PoolHandle handle);
  void round_finished(const Turn& turn, PoolHandle handle);
  void disk_finished(const Turn& turn, const DiskWait& wait, const Finished& finished);
  // Runs `body(turn)` as one call of the node.
  template <class Body>
  void run(Instant now, Outputs& out, Body&& body);

  NodeConfig config_;  // Changed by change() alone.
  const NodeSecrets secrets_;
  const Id self_;
  Rng rng_;
  NodeCounters counters_;
  const ShardLink link_;
  Ledger ledger_;
  const NodeContext context_;
  Events events_;
  NodeNotices notices_;
  WorkShares work_;
  Store& store_;
  Store* const published_;
  DiskWaits waits_;
  LimitWatch limit_watch_;

  // The parts; each knows only those above it. What goes up is an event or an outcome.
  Requester requester_;
  Contacts contacts_;
  Lookups lookups_;
  StoreRounds rounds_;
  Operations operations_;
  Joiner joiner_;
  Replicator replicator_;
  Replies replies_;
  NamedAnswers named_;
  RecordService records_;
  OwnIdWatch own_ids_;
  Responder responder_;
};

}  // namespace xord
