// What a node counts, by reason. The names are those of the log line and of the metrics; each says
// what happened to datagrams, requests, lookups or records. docs/CONTROL.md explains them all.
#pragma once

#include <cstdint>

#include "node/wire/message.h"
#include "reactor/base/counters.h"

namespace xord {

// X(name): one list for the enum and for its names.
#define XORD_NODE_COUNTERS(X)                                                               \
  X(requests_ping)                                                                          \
  X(requests_stun)                                                                          \
  X(requests_store)                                                                         \
  X(requests_find_node)                                                                     \
  X(requests_find_value)                                                                    \
  X(replies_sent)                                                                           \
  X(values_served)                                                                          \
  X(stores_acknowledged)                                                                    \
  X(stores_refused)                                                                         \
  X(held)             /* Requests of unproven sources, held until they are proven. */       \
  X(held_released)    /* ... and served. */                                                 \
  X(held_dropped)     /* ... whose source never answered. */                                \
  X(held_refused)     /* The pool was full or pings were paced: small answer. */            \
  X(stun_unproven)    /* Not answered: the source is not proven. */                         \
  X(forwarded)        /* Datagrams handed to the shard they belong to. */                   \
  X(messages_dropped) /* To shards, or results: one call left too many. */                  \
  X(outbox_full)      /* Datagrams not sent because the outbox was full. */                 \
  X(replies_matched)                                                                        \
  X(replies_unknown)      /* No such transaction: late, repeated or forged. */              \
  X(replies_wrong_source) /* The transaction is ours, the source is not who was asked. */   \
  X(calls_sent)                                                                             \
  X(calls_expired)  /* No answer within 5 s, or malformed. */                               \
  X(calls_refused)  /* No free slot for another request in flight. */                       \
  X(calls_repeated) /* ping and store, sent once more. */                                   \
  X(lookups_started)                                                                        \
  X(lookups_finished)                                                                       \
  X(lookups_refused)                                                                        \
  X(operations_refused)                                                                     \
  X(pending_refused)  /* No slot to wait for the disk: store refused, value unread. */      \
  X(finds_unanswered) /* find_value: the value is there, or may be, and cannot be read. */  \
  X(path_copies_sent)                                                                       \
  X(region_lookups)      /* Lookups for republish, each for all that is due in a region. */ \
  X(regions_alone)       /* ... of which found no region but one key. */                    \
  X(regions_refused)     /* Found, but too many were being served. */                       \
  X(records_republished) /* Records that this node holds. */                                \
  X(records_published)   /* Keys of its own list, first time and each day. */               \
  X(records_handed_over)                                                                    \
  X(hand_overs)            /* Newcomers whose records were looked for. */                   \
  X(hand_overs_refused)    /* Too many waited. */                                           \
  X(hand_overs_unanswered) /* Ended: the newcomer answered no store. */                     \
  X(network_size)          /* Gauge: nodes in the network, by the density around us. */     \
  X(pings_of_newcomers)                                                                     \
  X(pings_before_eviction)                                                                  \
  X(pings_of_upkeep)                                                                        \
  X(pings_of_silent)  /* Once more to those that did not answer. */                         \
  X(pings_of_named)   /* Before an answer that may name them, or after it. */               \
  X(answers_waited)   /* For contacts that had to answer first. */                          \
  X(answers_unwaited) /* Without them: too many answers waited already. */                  \
  X(refreshes)

enum class NodeCounter : uint8_t {
#define XORD_ENUMERATOR(name) name,
  XORD_NODE_COUNTERS(XORD_ENUMERATOR)
#undef XORD_ENUMERATOR
      count
};

constexpr const char* node_counter_names[] = {
#define XORD_NAME(name) #name,
    XORD_NODE_COUNTERS(XORD_NAME)
#undef XORD_NAME
};

constexpr const char* parse_error_names[] = {
    "none",        "too_short",    "too_long",  "unknown_kind", "truncated",
    "bad_code",    "bad_text",     "too_deep",  "not_a_call",   "unknown_method",
    "wrong_arity", "bad_argument", "bad_reply",
};
static_assert(std::size(parse_error_names) == static_cast<size_t>(ParseError::count));

struct NodeCounters {
  Counters<NodeCounter> node;
  Counters<ParseError> malformed;  // Datagrams dropped, by reason.
};

}  // namespace xord
