// Counters of a node, by reason. The names are those in the log line and the metrics; each says
// what happened to datagrams, requests, lookups or records. docs/CONTROL.md explains them all. What
// is the sum of others is not counted but summed when it is read (NodeSum).
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

#include "node/wire/message.h"
#include "reactor/base/check.h"
#include "reactor/base/counters.h"
#include "reactor/base/histogram.h"

namespace xord {

#define XORD_NODE_COUNTERS(X)                                                                  \
  X(requests_ping, counter, "Well-formed ping requests.")                                      \
  X(requests_stun, counter, "Well-formed stun requests.")                                      \
  X(requests_store, counter, "Well-formed store requests, on the shard that owns the key.")    \
  X(requests_find_node, counter, "Well-formed find_node requests.")                            \
  X(requests_find_value, counter,                                                              \
    "Well-formed find_value requests, on the shard that owns the key.")                        \
  X(inbound_uncalled, counter,                                                                 \
    "Requests from sources not called in 5 min before; at most ten a second are looked at.")   \
  X(replies_sent, counter, "Answers given to the outbox.")                                     \
  X(values_served, counter, "Answers with a value.")                                           \
  X(stores_acknowledged, counter, "Stores answered with true.")                                \
  X(stores_refused, counter, "Stores answered with false.")                                    \
  X(held, counter, "Requests from unproven sources, held until the source is proven.")         \
  X(held_released, counter, "Held requests that were served.")                                 \
  X(held_dropped, counter, "Held requests whose source never answered.")                       \
  X(held_displaced, counter, "Held requests that made room for newer ones.")                   \
  X(pings_of_strangers, counter, "Pings to unproven sources of requests.")                     \
  X(proofs_by_cookie, counter, "Their pongs: each proves its source.")                         \
  X(unproven_bounded, counter,                                                                 \
    "Unproven requests, pings too, that were not held and got no reply.")                      \
  X(stun_unproven, counter, "Stun requests not answered: the source is not proven.")           \
  X(limited_contacts, counter, "Answers cut to the size of their request by a limit.")         \
  X(limited_values, counter, "Values not sent: a limit of bytes.")                             \
  X(limited_stuns, counter, "Answers to stun not sent: a limit of bytes.")                     \
  X(limited_reads, counter, "find_value left unanswered: a limit of values read from disk.")   \
  X(limited_pings, counter, "Newcomers not pinged: a limit of bytes.")                         \
  X(ledger_evicted, counter, "Prefixes whose charges were forgotten: the ledger was full.")    \
  X(forwarded, counter, "Datagrams handed to the shard that they belong to.")                  \
  X(messages_dropped, counter, "Messages to other shards, or results, that found no room.")    \
  X(outbox_full, counter, "Datagrams not sent because the outbox was full.")                   \
  X(replies_matched, counter, "Replies to our requests.")                                      \
  X(replies_unknown, counter, "Replies with no such transaction: late, repeated or forged.")   \
  X(calls_sent, counter, "Our requests.")                                                      \
  X(calls_repeated, counter, "Pings and stores that were sent once more.")                     \
  X(lookups_started, counter, "Lookups started.")                                              \
  X(operations_refused, counter, "Calls by the program refused: no free slot.")                \
  X(pending_refused, counter, "No slot to wait for the disk: store refused, value not read.")  \
  X(finds_unanswered, counter,                                                                 \
    "find_value left unanswered: the value may be here, and is unavailable now.")              \
  X(path_copies_sent, counter, "Copies that a get left on its path.")                          \
  X(region_lookups, counter, "Lookups for republish, each for all that is due in a region.")   \
  X(regions_alone, counter, "Region lookups that found a region of only one key.")             \
  X(regions_refused, counter, "Regions found while too many were being served.")               \
  X(records_republished, counter, "Records held here that were stored again.")                 \
  X(records_published, counter, "Keys of our own list published, at first and each day.")      \
  X(records_handed_over, counter, "Records given to a newcomer.")                              \
  X(hand_overs, counter, "Newcomers for which records were searched.")                         \
  X(hand_overs_refused, counter, "Newcomers not served: too many waited, or of a prefix.")     \
  X(hand_overs_unanswered, counter, "Hand-overs ended early: the newcomer answered no store.") \
  X(sources_thinned, gauge, "Prefixes of which the kernel drops a part: they send too much.")  \
  X(network_size, least, "Nodes in the network, by the density around us.")                    \
  X(pings_of_newcomers, counter, "Pings to contacts that are to be filed.")                    \
  X(pings_before_eviction, counter, "Pings to contacts whose place others are waiting for.")   \
  X(pings_of_upkeep, counter, "Pings to contacts that have not ponged for a long time.")       \
  X(pings_of_silent, counter, "Pings to contacts that did not answer before.")                 \
  X(pings_of_named, counter, "Pings before an answer that may name a contact, or after it.")   \
  X(answers_waited, counter, "Answers that waited for contacts to answer first.")              \
  X(answers_unwaited, counter, "Answers without those contacts: too many answers waited.")     \
  X(contacts_out_of_reach, counter,                                                            \
    "Contacts not asked: their addresses reach less far than their namer's.")                  \
  X(refreshes, counter, "Lookups in ranges that had none for an hour.")                        \
  X(limits_unwatched, counter, "Limited prefixes not logged: too many were at a time.")

enum class NodeCounter : uint8_t { XORD_NODE_COUNTERS(XORD_COUNT_ENUMERATOR) count };

// In the order of the enum.
inline std::span<const CountInfo> info_of(NodeCounter) {
  static constexpr CountInfo infos[] = {XORD_NODE_COUNTERS(XORD_COUNT_INFO)};
  return infos;
}

// What became of our calls, for each method. A call that was sent ends in one of the first three.
#define XORD_CALL_OUTCOMES(X)                                                       \
  X(answered, counter, "Calls that were answered.")                                 \
  X(expired, counter, "Calls that got no answer within 5 s.")                       \
  X(malformed, counter, "Calls whose answer was malformed.")                        \
  X(wrong_source, counter, "Replies to a call from another source: it stays open.") \
  X(no_slot, counter, "Calls that were not sent: no free slot.")

enum class CallOutcome : uint8_t { XORD_CALL_OUTCOMES(XORD_COUNT_ENUMERATOR) count };

inline std::span<const CountInfo> info_of(CallOutcome) {
  static constexpr CountInfo infos[] = {XORD_CALL_OUTCOMES(XORD_COUNT_INFO)};
  return infos;
}

// Why a lookup was started.
enum class LookupPurpose : uint8_t {
  get,  // An operation, as are the next three.
  set,
  find,
  canary,          // Of the node itself, to see whether the network answers.
  join,            // For our own id.
  farther_bucket,  // A refresh during a join.
  refresh,         // An hourly refresh.
  republish,       // The region of a record that is due.
  publish,         // The region of a key of our own list that is due.
  count
};
// In the order of the enum.
constexpr const char* lookup_purpose_names[] = {
    "get", "set", "find", "canary", "join", "farther_bucket", "refresh", "republish", "publish"};
static_assert(std::size(lookup_purpose_names) == static_cast<size_t>(LookupPurpose::count));
inline std::string_view name_of(LookupPurpose purpose) {
  DCHECK(purpose < LookupPurpose::count);
  return lookup_purpose_names[static_cast<size_t>(purpose)];
}

constexpr bool is_of_operation(LookupPurpose purpose) {
  return purpose <= LookupPurpose::canary;
}
static_assert(is_of_operation(LookupPurpose::find) && !is_of_operation(LookupPurpose::join));

// How lookups ended, for each purpose.
#define XORD_LOOKUP_OUTCOMES(X)                                            \
  X(done, counter, "Lookups that found nodes, or for a get a value.")      \
  X(not_found, counter, "Lookups for a get in which no node had a value.") \
  X(no_contacts, counter, "Lookups in which no node answered.")            \
  X(refused, counter, "Lookups not started: no free slot.")

enum class LookupOutcome : uint8_t { XORD_LOOKUP_OUTCOMES(XORD_COUNT_ENUMERATOR) count };

inline std::span<const CountInfo> info_of(LookupOutcome) {
  static constexpr CountInfo infos[] = {XORD_LOOKUP_OUTCOMES(XORD_COUNT_INFO)};
  return infos;
}

// What is summed over these two when it is read.
#define XORD_NODE_SUMS(X)                                                                     \
  X(replies_wrong_source, counter, "Replies with our transaction from another source.")       \
  X(calls_failed, counter, "Our requests that got no answer within 5 s, or a malformed one.") \
  X(calls_refused, counter, "Our requests that were not sent: no free slot.")                 \
  X(lookups_finished, counter, "Lookups finished.")                                           \
  X(lookups_refused, counter, "Lookups not started: no free slot.")

enum class NodeSum : uint8_t { XORD_NODE_SUMS(XORD_COUNT_ENUMERATOR) count };

inline std::span<const CountInfo> info_of(NodeSum) {
  static constexpr CountInfo infos[] = {XORD_NODE_SUMS(XORD_COUNT_INFO)};
  return infos;
}

// A call ends after 5 s at the latest, a lookup after several of them.
inline constexpr auto call_bounds =
    bounds_in_microseconds({1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 500'000,
                            1'000'000, 2'500'000, 5'000'000});
inline constexpr auto lookup_bounds =
    bounds_in_microseconds({1'000, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 500'000,
                            1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000});
inline constexpr std::array<uint64_t, 9> hops_bounds{0, 1, 2, 3, 4, 5, 6, 7, 8};
inline constexpr std::array<uint64_t, 7> lookup_calls_bounds{5, 10, 20, 30, 40, 60, 100};

#define XORD_NODE_HISTOGRAMS(X)                                                               \
  X(call_duration_seconds, seconds, call_bounds, "From a request of ours to its answer.")     \
  X(lookup_duration_seconds, seconds, lookup_bounds, "Lookups that asked at least one node.") \
  X(lookup_hops, number, hops_bounds, "How many answers deep their nearest node was found.")  \
  X(lookup_calls, number, lookup_calls_bounds, "Nodes that they asked.")

enum class NodeHistogram : uint8_t { XORD_NODE_HISTOGRAMS(XORD_HISTOGRAM_ENUMERATOR) count };

inline std::span<const HistogramInfo> info_of(NodeHistogram) {
  static constexpr HistogramInfo infos[] = {XORD_NODE_HISTOGRAMS(XORD_HISTOGRAM_INFO)};
  return infos;
}

struct NodeCounters {
  Counters<NodeCounter> node;
  Counters<ParseError> malformed;  // Datagrams dropped, by reason.
  CounterTable<Method, CallOutcome> calls;
  CounterTable<LookupPurpose, LookupOutcome> lookups;
  Histograms<NodeHistogram> histograms;

  uint64_t sum(NodeSum which) const {
    switch (which) {
      case NodeSum::replies_wrong_source:
        return calls.sum(CallOutcome::wrong_source);
      case NodeSum::calls_failed:
        return calls.sum(CallOutcome::expired) + calls.sum(CallOutcome::malformed);
      case NodeSum::calls_refused:
        return calls.sum(CallOutcome::no_slot);
      case NodeSum::lookups_finished:
        return lookups.sum(LookupOutcome::done) + lookups.sum(LookupOutcome::not_found) +
               lookups.sum(LookupOutcome::no_contacts);
      case NodeSum::lookups_refused:
        return lookups.sum(LookupOutcome::refused);
      case NodeSum::count:
        break;
    }
    CHECK(false);
    return 0;
  }
};

}  // namespace xord
