// Checks that a reply is correct: shape, number of contacts, bytes of the value. The transaction
// and the source are checked by the exchange (load_exchange.h). Pure; reads each byte once.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "node/wire/message.h"
#include "tools/load/key_space.h"

namespace xord {

// The requests that a load run sends.
enum class RequestKind : uint8_t { find_node, find_value_hit, find_value_miss, store, ping, count };
constexpr size_t request_kinds = static_cast<size_t>(RequestKind::count);
std::string_view name_of(RequestKind kind);

enum class Verdict : uint8_t {
  right,
  refused,  // A store's `false`: legal, counted separately.
  // The verdicts below mean a wrong reply, and each is counted separately.
  malformed,
  wrong_id,           // A pong with another id than the first one.
  cut,                // As many contacts as fit the size of the request, of a node that gave 20.
  too_few_contacts,   // Fewer than before the load began.
  too_many_contacts,  // More than 20.
  value_missing,      // Contacts for a key that was stored.
  value_unexpected,   // A value for a key that was never stored.
  wrong_value,        // Not the bytes that were stored.
  count
};
constexpr size_t verdict_kinds = static_cast<size_t>(Verdict::count);
std::string_view name_of(Verdict verdict);

enum class CheckDepth : uint8_t {
  content,      // All of the above.
  transaction,  // Any reply with our transaction will do: for servers that are not nodes.
};

// Returns the number of contacts in a reply that is encoded as the Python encoder does, checking
// only its shape; empty if it is encoded otherwise, or is not such a reply.
std::optional<uint32_t> count_contacts(Bytes datagram);

class ReplyCheck {
 public:
  explicit ReplyCheck(CheckDepth depth) : depth_(depth) {}

  // The id of the first pong; every later pong must carry it.
  const std::optional<Id>& id() const { return id_; }
  // From now on an answer with fewer contacts is wrong.
  void expect_contacts(uint32_t least) { contacts_least_ = least; }
  uint32_t contacts_last() const { return contacts_last_; }  // In the last answer.

  // `number` is the number of the key in the domain of `kind` (hits: IdDomain::hits), and
  // `request_size` the size of the request in bytes. Every 64th reply of contacts is parsed in
  // full, with every address in it; of the others only the shape is checked.
  Verdict check(Bytes datagram, RequestKind kind, uint64_t number, size_t request_size,
                const KeySpace& keys);

 private:
  Verdict check_contacts(size_t count, size_t reply_size, size_t request_size);

  CheckDepth depth_;
  std::optional<Id> id_;
  uint32_t contacts_least_ = 0;
  uint32_t contacts_last_ = 0;
  size_t contact_size_ = 0;  // Mean of the last full answer, in bytes; 0: there was none.
  uint32_t replies_ = 0;
  Reply reply_;  // A member because it is large.
};

}  // namespace xord
