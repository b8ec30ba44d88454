// What a datagram means, whatever the dialect: requests and replies as views. A dialect
// (node/wire/rpcudp/rpcudp.h) turns bytes into these and back; the node sees no bytes but a
// value's. Every span points into the datagram and lives no longer than it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "node/contact.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"

namespace xord {

enum class Method : uint8_t { ping, stun, store, find_node, find_value, count };

// A transaction, ours or a peer's, has at most this many bytes; how many, its dialect says. Ours
// have as many, or transaction_short where the dialect has no room for more.
constexpr size_t transaction_size = 20;
constexpr size_t transaction_short = 4;
using Transaction = std::array<uint8_t, transaction_size>;

// A transaction with its length: a peer's, kept until its request is answered.
struct WireTransaction {
  Transaction bytes{};
  uint8_t size = 0;

  // At most transaction_size bytes, which is for the dialect to see to.
  static WireTransaction of(Bytes transaction) {
    CHECK(transaction.size() <= transaction_size);
    WireTransaction kept;
    std::copy(transaction.begin(), transaction.end(), kept.bytes.begin());
    kept.size = static_cast<uint8_t>(transaction.size());
    return kept;
  }
  Bytes view() const { return Bytes(bytes).first(size); }
};

// Why a datagram was not understood; also the index of a counter. `none` is success.
enum class ParseError : uint8_t {
  none,
  too_short,     // Below the smallest message of the dialect; the empty datagram too.
  too_long,      // Above the largest.
  unknown_kind,  // Neither request nor reply.
  truncated,     // Ends inside an element, or declares more than is there.
  bad_code,      // A byte that begins no element (msgpack c1).
  bad_text,      // A str that is not UTF-8.
  too_deep,      // Nested beyond nesting_max.
  not_a_call,    // Well formed, but not [method, args].
  unknown_method,
  wrong_arity,
  bad_argument,  // An id, key or target of the wrong type or length.
  bad_reply,     // A reply whose body does not fit the method that was called.
  count
};

// A request of ours, before it has a transaction.
struct Ask {
  Method method{};
  Id target{};                    // find_node: target; find_value, store: key.
  Bytes value{};                  // store only: one element of the dialect, at most value_size_max.
  std::optional<uint32_t> age{};  // store only: seconds since it was published; empty: now.
};

// A request of a peer's.
struct Request {
  Method method{};
  Bytes transaction;  // To be mirrored.
  Id sender;          // Not in stun.
  Id target;          // find_node: target; find_value, store: key.
  // store only. `acceptable` is false when the request is well formed but must be refused: a key
  // that has not 20 bytes, a value of no storable type, or one longer than value_size_max.
  bool acceptable = true;
  Bytes value;                  // As it came, byte for byte: one element of the dialect.
  std::optional<uint32_t> age;  // Seconds since it was published, when the sender says so.
};

// The largest value that a peer can store: 8,192 bytes of request body less its 52 of envelope.
constexpr uint32_t value_size_max = 8'140;

// Contacts kept from one reply, and the most that a reply may declare before it counts as
// malformed: a peer with k = 20 sends 20, and some peers have a larger k.
constexpr size_t reply_contacts_kept = 20;
constexpr size_t reply_contacts_max = 128;

struct Reply {
  Bytes transaction;
  Id responder;         // ping only, unless the dialect's replies all name their sender.
  Endpoint observed;    // stun only: what the peer saw us as.
  bool stored = false;  // store only: what the peer said.
  bool has_value = false;
  Bytes value;  // find_value with has_value: the value as it came.
  // find_node, and find_value without value: valid contacts in the order given; the others dropped.
  size_t contacts_count = 0;
  std::array<Contact, reply_contacts_kept> contacts;
};

}  // namespace xord
