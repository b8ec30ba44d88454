// One shard of one Kademlia node in one network, as a state machine: it does no I/O, reads no clock
// and draws no entropy. Datagrams, messages of other shards and completions of the disk come in as
// calls; datagrams to send, messages, operations for the disk and results go out as data, in
// Outputs. The reactor drives it in production, the simulator on virtual time: equal arguments and
// an equal sequence of calls give equal outputs, bit for bit.
//
// Ownership: requests for a key are served by the shard that owns the key (shard_of), a bucket is
// kept by the shard that owns the bucket (RoutingTable), replies go to the shard whose index their
// transaction carries. Whatever lands elsewhere is handed on by message.
//
// Bounds: every table is sized by NodeConfig and allocated by the constructor; nothing allocates
// after it. Full means refuse and count (node/counters.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "node/admission/held_requests.h"
#include "node/admission/own_id_checks.h"
#include "node/admission/proven.h"
#include "node/answers/waiting_answers.h"
#include "node/answers/waiting_requests.h"
#include "node/calls/in_flight.h"
#include "node/calls/round_trip.h"
#include "node/counters.h"
#include "node/lookup/lookup.h"
#include "node/lookup/value_pool.h"
#include "node/node_config.h"
#include "node/notice.h"
#include "node/operation_result.h"
#include "node/operations/join_state.h"
#include "node/operations/operations.h"
#include "node/operations/purge.h"
#include "node/pending_answers.h"
#include "node/replication/region.h"
#include "node/replication/replication.h"
#include "node/routing/recent_filter.h"
#include "node/routing/routing_table.h"
#include "node/shard_message.h"
#include "node/usage.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/datagram.h"
#include "reactor/base/frames.h"
#include "reactor/base/rng.h"
#include "storage/store.h"

namespace xord {

// Where a node leaves its effects. Borrowed for one call; the caller sends and clears them after
// it.
struct Outputs {
  Outbox& datagrams;
  FrameOutbox& messages;  // To other shards; `to` is the shard. Frames of node/shard_message.h.
  FrameOutbox& storage;   // To this shard's commit thread. Frames of storage/operation.h.
  FrameOutbox& results;   // To the embedding program. Frames of node/operation_result.h.
};

class Node {
 public:
  // `book` and `store` are borrowed and outlive the node. `self` is the node's id in this network.
  // `published`, when there is one, is the list of what this node publishes anew each day.
  Node(const NodeConfig& config, const Id& self, const NodeSecrets& secrets, Rng rng,
       ContactBook& book, Store& store, Instant start, Store* published = nullptr);

  // Handles one datagram. Malformed or unwanted input is counted and dropped: it is the peer's
  // error, so there is nothing for the caller to handle.
  void receive(Instant now, const Datagram& datagram, Outputs& out);
  // Has the memory fetched that receive() of these will look at. Changes nothing: a hint only.
  void fetch_ahead(std::span<const Datagram> batch) const;
  // Handles a message of shard `from`.
  void deliver(Instant now, ShardIndex from, Bytes frame, Outputs& out);
  // Handles a completion of the disk, of this node's network.
  void complete(Instant now, Bytes frame, Outputs& out);
  // Does everything that is due: timeouts, lookup steps, pings, refreshes, expiry.
  void advance(Instant now, Outputs& out);
  // When advance() is next needed; empty when only a datagram or a call can make work.
  std::optional<Instant> next_wakeup() const;

  // --- What an embedding program asks. The answer comes as an OperationResult in out.results, in
  // this call or a later one; exactly one for each call.

  // Pings `endpoints`, files those that answer, looks up the own id and refreshes the farther
  // buckets (paper 2.3). Repeats the pings while nobody is known. Call it on shard 0.
  void join(Instant now, OperationId operation, std::span<const Endpoint> endpoints, Outputs& out);
  // On the shard that owns `key`: the value held here, else the one found by lookup.
  void get(Instant now, OperationId operation, const Id& key, Outputs& out);
  // On the shard that owns `key`: stores `value` (one element of the dialect, at most
  // value_size_max bytes) on the k nearest nodes, this one included when it is among them.
  void set(Instant now, OperationId operation, const Id& key, Bytes value, Outputs& out);
  // On any shard: the k nearest nodes to `target` that answer.
  void find(Instant now, OperationId operation, const Id& target, Outputs& out);

  // On any shard: erases its records from key `from` on, as far as they share `prefix_bits` leading
  // bits with it (160: that key alone), at most purge_records_max a call. The result has how many
  // were erased in `stored`, and as its value the key to go on from, or none at the end; not_stored
  // when the disk failed some, which stay. Refused while another purge is under way, or when there
  // is no room to ask the disk.
  void purge(Instant now, OperationId operation, const Id& from, uint32_t prefix_bits,
             Outputs& out);

  // On the shard that owns `key`: puts `value` into the list of what is published anew each day,
  // then stores it as set does. Done once it is in the list, on however many nodes it landed.
  void keep(Instant now, OperationId operation, const Id& key, Bytes value, Outputs& out);
  // On the shard that owns `key`: takes it out of the list; not_found when it is not there. The
  // copies in the network lapse by themselves.
  void forget(Instant now, OperationId operation, const Id& key, Outputs& out);
  // The keys of this shard's list from `from` on, in order: the value is an array of
  // PublishedKeys, at most published_keys_max; fewer are all there are.
  void list_published(Instant now, OperationId operation, const Id& from, Outputs& out);

  // --- Restart. A contact saved by an earlier run; `age` is how long ago it answered. Only the
  // owner of its bucket files it, the others follow by message: call it on every shard, and move
  // the messages every few contacts.
  void restore(Instant now, const Contact& contact, Duration age, Outputs& out);
  // Calls visit(const Contact&, Instant answered_last) for each contact in this shard's buckets.
  template <class Visit>
  void for_each_own_contact(Visit&& visit) const {
    table_.for_each_own_contact(visit);
  }
  // Changes whenever for_each_own_contact() would visit other contacts.
  uint64_t contacts_version() const { return table_.version(); }

  // What the calls since the last take() have to say; take them after each call.
  NodeNotices& notices() { return notices_; }

  const Id& self() const { return self_; }
  uint32_t contacts_count() const { return table_.count(); }
  // Of them those that may be handed out: not the silent, nor saved ones that did not answer yet.
  uint32_t answerable_count() const { return table_.answerable_count(); }
  const NodeCounters& counters() const { return counters_; }
  const Counters<TableRefusal>& refusals() const { return table_.refusals(); }
  // For tests and the simulator: aborts with what does not hold.
  void check_invariants() const { table_.check_invariants(); }
  // For them, too: how long a call to `endpoint` would be waited for, what is taken of its tables,
  // and how many buckets there are.
  Duration timeout_of(const Endpoint& endpoint) const { return round_trips_.timeout(endpoint); }
  NodeUsage usage() const;
  uint32_t buckets_count() const { return table_.buckets_count(); }

 private:
  // What a lookup is for; decides what its end leads to.
  enum class Reason : uint8_t { operation, join, farther_bucket, refresh, region };
  struct RunningLookup {
    RunningLookup(uint32_t rows_max, uint32_t paths_max) : lookup(rows_max, paths_max) {}
    Lookup lookup;
    Reason reason{};
    PoolHandle operation;  // Reason::operation; Reason::region: its survey.
  };
  // From the due record that wants it to the region found: first a lookup, then the survey.
  struct RunningSurvey {
    explicit RunningSurvey(const Budget& budget) : survey(region_rows(budget)) {}
    static uint32_t region_rows(const Budget& budget) {
      return std::min(budget.lookup_rows, region_contacts_max);
    }
    RegionSurvey survey;
    bool is_begun = false;
  };
  enum class Stored : uint8_t { no, yes };
  enum class OwnCopy : uint8_t { none, kept };
  using UsableContacts = std::array<Contact, reply_contacts_kept>;

  // --- Requests of others: node_requests.cc.
  void receive_request(Instant now, const Datagram& datagram, Outputs& out);
  void serve(Instant now, const Datagram& datagram, const Request& request, Outputs& out);
  void serve_waiting(Instant now, Outputs& out);
  // False: it cannot be answered yet.
  bool serve_waited(Instant now, const Datagram& datagram, WaitingRequests::WaitedEnough enough,
                    Outputs& out);
  void answer_ping(Instant now, const Datagram& datagram, const Request& request, Outputs& out);
  // What may go back to an unproven source of `datagram`.
  ReplyBudget budget_of(const Datagram& datagram) const;
  // Whether the request may be served now; otherwise it is held or was answered within bounds.
  bool admit(Instant now, const Datagram& datagram, const Request& request, Outputs& out);
  void answer_within_bounds(Instant now, const Datagram& datagram, const Request& request,
                            ReplyBudget& budget, Outputs& out);
  void answer_find_value(Instant now, const Datagram& datagram, const Request& request,
                         Outputs& out);
  // False: whether there is a value, or which, is not known now.
  bool try_find_value(Instant now, const Path& path, const Request& request, Outputs& out);
  void answer_store(Instant now, const Datagram& datagram, const Request& request, Outputs& out);
  void answer_value(const Path& path, Bytes transaction, Bytes value, Outputs& out);
  void answer_stored(const Path& path, Bytes transaction, Stored stored, Outputs& out);
  bool await_value(Instant now, const Path& path, const Request& request, Outputs& out);
  void finish_pending(Instant now, const PendingAnswer& pending, const Finished& finished,
                      Outputs& out);
  uint16_t source_prefix(const IpAddress& address) const;
  template <class Encode>
  void reply(const Path& path, size_t size_max, Encode&& encode, Outputs& out);
  // Room for a reply, empty and counted when there is none; then the reply is sent from it.
  MutableBytes reply_buffer(size_t size_max, Outputs& out);
  void send_reply(const Path& path, size_t size, Outputs& out);

  // --- Answers that name contacts: node_naming.cc.
  struct Question {
    Path path;
    Bytes transaction;
    Id target;
    Id asker;
  };
  static Question question_of(const Datagram& datagram, const Request& request) {
    return {datagram.path, request.transaction, request.target, request.sender};
  }
  void answer_contacts(Instant now, const Question& question, Outputs& out);
  void answer_waiting(Instant now, Outputs& out);
  void send_contacts(const Question& question, Awaited awaited, size_t size_max, Outputs& out);
  void send_contacts(const Question& question, std::span<const ContactHandle> contacts,
                     Outputs& out);
  // How many of `contacts` fit into `size_max` bytes.
  size_t count_fitting(std::span<const ContactHandle> contacts, size_t size_max) const;
  // The contact's encoded tail: kept, or put into `rendered`.
  Bytes tail_of(ContactHandle contact, MutableBytes rendered) const;
  // Has those pinged that must answer, and those that should; returns one that is awaited.
  ContactHandle want(Instant now, std::span<const ContactHandle> contacts, Outputs& out);
  void want(Instant now, const Contact& contact, Outputs& out);

  // --- Requests of ours: node_calls.cc. They leave from `local`: by default the kernel's choice.
  bool ping(Instant now, const Endpoint& to, const std::optional<Id>& responder, Purpose purpose,
            uint8_t attempt, uint64_t context, Outputs& out, const LocalAddress& local = {});
  bool ask(Instant now, PoolHandle lookup, Lookup::Row row, Outputs& out);
  bool ask_for_neighbours(Instant now, PoolHandle survey, RegionSurvey::Row row, Outputs& out);
  bool store_at(Instant now, PoolHandle operation, uint8_t target, uint8_t attempt, Outputs& out);
  template <class Encode>
  bool call(Instant now, const Call& call, size_t size_max, Encode&& encode, Outputs& out,
            const LocalAddress& local = {});
  void receive_reply(Instant now, const Datagram& datagram, Outputs& out);
  void answered(Instant now, const Match& match, const Reply& reply, Outputs& out);
  void learn_from_answer(Instant now, const Match& match, const Reply& reply, Outputs& out);
  std::span<const Contact> usable_of(const Reply& reply, UsableContacts& usable) const;
  void became_slow(Instant now, const Call& call, Outputs& out);
  void give_up_store(Instant now, const Call& call, Outputs& out);
  void expired(Instant now, const Call& call, Outputs& out);

  // --- Contacts: node_contacts.cc.
  // `answered`: the call of ours that proved it.
  void prove(Instant now, const Endpoint& source, Purpose answered, Outputs& out);
  void release_held(Instant now, const Endpoint& source, Purpose answered, Outputs& out);
  // What was learnt about a contact goes to the owner of its bucket, which may be this shard.
  void learn(Instant now, const Contact& contact, Evidence evidence, Outputs& out);
  void learn_failure(Instant now, const Contact& contact, Outputs& out);
  void learn_displaced(Instant now, const Contact& contact, Outputs& out);
  void act(Instant now, const TableAction& action, Outputs& out);
  // What the call that ends changed of the table: for other shards, and for answers that wait.
  void tell_changes(Instant now, Outputs& out);
  void broadcast_changes(Outputs& out);
  bool is_usable(const Contact& contact) const;
  template <class Message>
  bool tell(ShardIndex shard, Message message, Outputs& out, Bytes tail = {});

  // --- Lookups: node_lookups.cc.
  bool start_lookup(Instant now, LookupKind kind, const Id& target, Reason reason,
                    PoolHandle operation, Outputs& out);
  void step(Instant now, PoolHandle lookup, Outputs& out);
  void postpone(Instant now);
  void step_postponed(Instant now, Outputs& out);
  void finish(Instant now, PoolHandle lookup, Outputs& out);

  // --- Operations of the program: node_operations.cc.
  std::optional<PoolHandle> begin(OperationId operation, OperationTask task, const Id& target,
                                  Outputs& out);
  void look_for_value(Instant now, PoolHandle operation, Outputs& out);
  void own_value_read(Instant now, PoolHandle operation, const Finished& finished, Outputs& out);
  void finish_operation(Instant now, PoolHandle operation, const Lookup& lookup, Outputs& out);
  void finish_get(Instant now, PoolHandle operation, const Lookup& lookup, Outputs& out);
  void store_at_nearest(Instant now, PoolHandle operation, std::span<const Contact> nearest,
                        Outputs& out);
  void keep_own_copy(Instant now, PoolHandle operation, Outputs& out);
  // One store of the operation landed, or did not; the last one ends it.
  void send_stores(Instant now, PoolHandle operation, OwnCopy own_copy, Outputs& out);
  void store_decided(Instant now, PoolHandle operation, Stored stored, Outputs& out);
  uint32_t path_copy_age(const Id& key, const Contact& holder) const;
  void end(PoolHandle operation, OperationStatus status, std::span<const Contact> contacts,
           Outputs& out);
  void emit(OperationResult result, Bytes value, std::span<const Contact> contacts, Outputs& out);

  // --- Purging: node_purge.cc.
  bool begin_removal(Instant now, const Id& key, Outputs& out);
  void removed(Stored erased, Outputs& out);
  void end_purge(Outputs& out);

  // --- Republish: node_republish.cc.
  void take_due(Instant now, Outputs& out);
  void want_region(Instant now, const Id& key, Outputs& out);
  void begin_region(Instant now, const Id& key, Outputs& out);
  bool is_being_found(const Id& key) const;
  void survey_region(Instant now, PoolHandle survey, const Lookup& lookup, Outputs& out);
  void step_survey(Instant now, PoolHandle survey, Outputs& out);
  void accept_region(Instant now, const Region& region);
  // Goes on with what is to be stored elsewhere, a bounded number of records a call.
  void replicate(Instant now, Outputs& out);
  bool has_calls_for_a_record() const;
  template <class MayStep>
  void step_regions(Instant now, MayStep&& may_step, Outputs& out);
  template <class MayStep>
  bool step_hand_overs(Instant now, MayStep&& may_step, Outputs& out);
  // Looks at the next record of the region; false when there is none.
  bool step_region(Instant now, RegionWork& work, Outputs& out);
  void republish(Instant now, const RegionWork& work, const ScannedRecord& record, Outputs& out);
  void publish(Instant now, const RegionWork& work, const ScannedRecord& record, Outputs& out);
  // False when the disk cannot be asked for its value now.
  bool begin_replication(Instant now, OperationTask task, const ScannedRecord& record,
                         std::span<const Contact> targets, Outputs& out, OperationId id = 0);
  void replicate_value(Instant now, PoolHandle operation, const Found& found, Outputs& out);
  void replicated(Instant now, PoolHandle operation, Outputs& out);
  void end_replication(Instant now, PoolHandle operation);

  // --- Hand-over: node_hand_over.cc.
  void take_arrivals(Instant now);
  // The newcomer whose turn it is: it may be given a record. Empty when there is none.
  std::optional<PoolHandle> hand_over_in_turn(Instant now);
  bool begin_hand_over(HandOver& hand_over);
  enum class Step : uint8_t { done, again, at_the_end };
  // Looks at the next record that the newcomer may be given; `again`: there is no room now.
  Step step_hand_over(Instant now, PoolHandle handle, Outputs& out);
  void newcomer_answered(Instant now, const Contact& contact);

  // --- The list of what is published: node_published.cc.
  void kept(Instant now, PoolHandle operation, Stored stored, Outputs& out);
  void note_published(Instant now, const OngoingOperation& ongoing, Outputs& out);

  // --- Joining: node_join.cc.
  void ping_bootstraps(Instant now, Outputs& out);
  void bootstrap_answered(Instant now, uint64_t context, const Contact& contact, Outputs& out);
  void bootstrap_expired(Instant now, uint64_t context, Outputs& out);
  void bootstrap_failed(Instant now, Outputs& out);
  void look_up_self(Instant now, Outputs& out);
  void joined(Instant now, const Lookup& lookup, Outputs& out);
  void refresh_farther_buckets(Instant now, Outputs& out);

  // --- What it says of itself: node_notices.cc.
  void tell(NodeNotice notice);
  void tell_joined(Instant now, uint32_t count, const Contact& via);
  void tell_nobody_answered(Instant now);
  void watch_company(Instant now);
  void tell_first_request(const Datagram& datagram, const Request& request);
  bool receive_own_id(Instant now, const Datagram& datagram, const Request& request, Outputs& out);
  void look_for_own_id(Instant now, const Reply& reply, Outputs& out);
  void own_id_answered(Instant now, const Match& match);

  NodeConfig config_;
  Id self_;
  uint64_t prefix_seed_;
  Rng rng_;
  ContactBook& book_;
  Store& store_;
  Store* published_;
  NodeCounters counters_;
  RoutingTable table_;
  ProvenSources proven_;
  RecentFilter heard_;
  RecentFilter wanted_;
  HeldRequests held_;
  WaitingRequests waiting_;
  WaitingAnswers answers_;
  uint32_t named_pings_ = 0;  // Sent in this call.
  RoundTrips round_trips_;
  InFlight in_flight_;
  FixedPool<RunningLookup> lookups_;
  ValuePool values_;
  OngoingOperations operations_;
  PendingAnswers pending_;
  FixedPool<RunningSurvey> surveys_;
  Replication replication_;
  RecentFilter handed_;
  JoinState join_;
  Purge purge_;
  OwnIdChecks own_id_checks_;
  bool has_told_request_ = false;
  NodeNotices notices_;
  std::optional<Instant> postponed_until_;  // Lookups that found no free slot are stepped again.
};

}  // namespace xord
