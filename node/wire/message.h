// What a datagram means, independent of the dialect: requests and replies as views. A dialect
// (node/wire/rpcudp/rpcudp.h) turns bytes into these and back; the only bytes the node sees are
// those of a value. Every span points into the datagram and lives no longer than it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "node/contact.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/base/counters.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"

namespace xord {

enum class Method : uint8_t { ping, stun, store, find_node, find_value, count };
// As logs and reports name them; in the order of the enum.
constexpr const char* method_names[] = {"ping", "stun", "store", "find_node", "find_value"};
static_assert(std::size(method_names) == static_cast<size_t>(Method::count));
inline std::string_view name_of(Method method) {
  DCHECK(method < Method::count);
  return method_names[static_cast<size_t>(method)];
}

// Maximum bytes of a transaction, ours or a peer's; the dialect fixes the exact length. Ours have
// this length, or transaction_short where the dialect has no room for more.
constexpr size_t transaction_size = 20;
constexpr size_t transaction_short = 4;
using Transaction = std::array<uint8_t, transaction_size>;
static_assert(transaction_short < transaction_size);
static_assert(transaction_size <= UINT8_MAX, "WireTransaction keeps its length in a byte");

// A transaction with its length: a peer's, kept until its request is answered.
struct WireTransaction {
  Transaction bytes{};
  uint8_t size = 0;

  // The dialect must ensure that it has at most transaction_size bytes.
  static WireTransaction of(Bytes transaction) {
    CHECK(transaction.size() <= transaction_size);
    WireTransaction kept;
    std::copy(transaction.begin(), transaction.end(), kept.bytes.begin());
    kept.size = static_cast<uint8_t>(transaction.size());
    return kept;
  }
  Bytes view() const {
    DCHECK(size <= transaction_size);
    return Bytes(bytes).first(size);
  }
};

// Why a datagram was not understood; also the index of a counter. `none` is success.
#define XORD_PARSE_ERRORS(X)                                                       \
  X(none, counter, "Always 0.")                                                    \
  X(too_short, counter, "Below the smallest message of the dialect.")              \
  X(too_long, counter, "Above the largest.")                                       \
  X(no_source_port, counter, "From port 0, to which no reply can be sent.")        \
  X(unknown_kind, counter, "Neither request nor reply.")                           \
  X(truncated, counter, "Ends inside an element, or declares more than there is.") \
  X(bad_code, counter, "A byte that begins no element.")                           \
  X(bad_text, counter, "Text that is not UTF-8.")                                  \
  X(too_deep, counter, "Nested too deep.")                                         \
  X(not_a_call, counter, "Well formed, but not [method, args].")                   \
  X(unknown_method, counter, "A method that the dialect does not have.")           \
  X(wrong_arity, counter, "The wrong number of arguments.")                        \
  X(bad_argument, counter, "An id, key or target of the wrong type or length.")    \
  X(bad_reply, counter, "A reply whose body does not fit the method that was called.")

enum class ParseError : uint8_t { XORD_PARSE_ERRORS(XORD_COUNT_ENUMERATOR) count };

// In the order of the enum.
inline std::span<const CountInfo> info_of(ParseError) {
  static constexpr CountInfo infos[] = {XORD_PARSE_ERRORS(XORD_COUNT_INFO)};
  return infos;
}

// A request of ours, before it has a transaction.
struct Ask {
  Method method{};
  Id target{};                    // find_node: target; find_value, store: key.
  Bytes value{};                  // store only: one element of the dialect, at most value_size_max.
  std::optional<uint32_t> age{};  // store only: seconds since it was published; empty: now.
};

// A request from a peer.
struct Request {
  Method method{};
  Bytes transaction;  // To be repeated in the reply.
  Id sender;          // Absent in stun.
  Id target;          // find_node: target; find_value, store: key.
  // store only. `acceptable` is false when the request is well formed but must be refused: the key
  // does not have 20 bytes, or the value is of no storable type or longer than value_size_max.
  bool acceptable = true;
  Bytes value;                  // As received, byte for byte: one element of the dialect.
  std::optional<uint32_t> age;  // Seconds since it was published, if the sender says so.
};

// The largest value that a peer can store: 8,192 bytes of request body less 52 of overhead.
constexpr uint32_t value_size_max = 8'140;

// Contacts kept from one reply, and the most that a reply may declare before it counts as
// malformed: a peer with k = 20 sends 20, and some peers use a larger k.
constexpr size_t reply_contacts_kept = 20;
constexpr size_t reply_contacts_max = 128;
static_assert(reply_contacts_kept <= reply_contacts_max);

struct Reply {
  Bytes transaction;
  Id responder;         // ping only, unless all replies of the dialect name their sender.
  Endpoint observed;    // stun only: our endpoint as the peer sees it.
  bool stored = false;  // store only: the peer's answer.
  bool has_value = false;
  Bytes value;  // find_value with has_value: the value as received.
  // find_node, and find_value without a value: the valid contacts in the order given; invalid ones
  // are dropped.
  size_t contacts_count = 0;
  std::array<Contact, reply_contacts_kept> contacts;
};

}  // namespace xord
