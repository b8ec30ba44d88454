// The dialect of the Python library `kademlia` 2.x: rpcudp framing, msgpack bodies. docs/WIRE.md
// describes it in prose. Nothing allocates; encoders write to the caller's buffer and return the
// size, or 0 when it does not fit. Emits the same bytes as the Python encoder, accepts every legal
// encoding.
#pragma once

#include <cstdint>
#include <optional>

#include "node/wire/message.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"

namespace xord::rpcudp {

constexpr size_t header_size = 21;  // Kind, transaction.
static_assert(header_size == 1 + transaction_size);
constexpr size_t body_size_max = 8192;  // Of a request; the Python sender checks it.
constexpr size_t age_size = 5;          // Our age after a store: ce, and seconds as u32.
// The longest request: the largest body, followed by an age.
constexpr size_t request_size_max = header_size + body_size_max + age_size;
constexpr size_t store_overhead = 52;  // Bytes of a store's body besides the value.
static_assert(value_size_max == body_size_max - store_overhead);

constexpr size_t ping_request_size = 50;
constexpr size_t ping_reply_size = 43;
static_assert(ping_reply_size <= ping_request_size, "a pong is no longer than the ping it answers");
constexpr size_t store_reply_size = 22;
constexpr size_t find_request_size_max = 78;
constexpr size_t stun_reply_size_max = 80;
// An array of an address with its head, a port, 0, and a scope.
static_assert(header_size + 1 + (2 + address_text_max) + 3 + 1 + 5 <= stun_reply_size_max);
constexpr size_t store_request_size_max(size_t value_size) {
  return header_size + store_overhead + value_size + age_size;
}
static_assert(store_request_size_max(value_size_max) == request_size_max);
constexpr size_t value_reply_size(size_t value_size) {
  return header_size + 7 + value_size;
}

// --- Reading.

bool is_reply(Bytes datagram);
// The key of a request for a record, find_value or store, if it is canonically encoded; otherwise
// empty. parse_request() decides whether the rest is well formed.
std::optional<Id> record_key(Bytes datagram);
// The transaction of a reply or request; empty when the datagram is too short to have one.
Bytes transaction_of(Bytes datagram);
// `*out` is unspecified unless the result is `none`.
[[nodiscard]] ParseError parse_request(Bytes datagram, Request* out);
// `method` is the method that was called: a reply does not name it.
[[nodiscard]] ParseError parse_reply(Bytes datagram, Method method, Reply* out);
// Whether `value` is exactly one packed element of a type that a record may have: text, bytes,
// integer, float or bool.
bool is_storable(Bytes value);

// --- Requests. `transaction` has transaction_size bytes.

size_t encode_ping_request(MutableBytes out, Bytes transaction, const Id& sender);
size_t encode_stun_request(MutableBytes out, Bytes transaction);
size_t encode_find_node_request(MutableBytes out, Bytes transaction, const Id& sender,
                                const Id& target);
size_t encode_find_value_request(MutableBytes out, Bytes transaction, const Id& sender,
                                 const Id& key);
// `value` is one packed element, sent as it is; returns 0 if it is longer than value_size_max, as a
// Python node would not send it. `age`: seconds since it was published, placed after the message,
// where a Python node does not look (docs/WIRE.md, "Age").
size_t encode_store_request(MutableBytes out, Bytes transaction, const Id& sender, const Id& key,
                            Bytes value, std::optional<uint32_t> age);

// Encodes the request that `ask` describes, at most size_of_request(ask) bytes.
size_t encode_request(MutableBytes out, Bytes transaction, const Id& sender, const Ask& ask);
size_t size_of_request(const Ask& ask);

// --- Replies.

size_t encode_ping_reply(MutableBytes out, Bytes transaction, const Id& self);
// [ip, port]; for an IPv6 source the four elements of Python's socket address.
size_t encode_stun_reply(MutableBytes out, Bytes transaction, const Endpoint& source);
size_t encode_store_reply(MutableBytes out, Bytes transaction, bool stored);
size_t encode_value_reply(MutableBytes out, Bytes transaction, Bytes value);

// Encodes the tail of a contact: address text and port. On the wire a contact is the byte 93, its
// id (22 bytes) and this tail. An IPv4 tail has at most 19 bytes, which a ContactBook keeps with
// the contact; an IPv6 tail is rendered when sent. Returns the size, 0 when it does not fit.
constexpr size_t contact_tail_max = 2 + address_text_max + 3;
constexpr size_t contact_head_size = 23;
constexpr size_t contacts_head_max = header_size + 3;
constexpr size_t contacts_reply_size_max =
    contacts_head_max + 20 * (contact_head_size + contact_tail_max);
size_t encode_contact_tail(const Endpoint& endpoint, MutableBytes out);

// A reply of `count` contacts (at most 65,535), nearest first: add() them all, then ask for the
// size. To fit a byte budget, count contacts_head_max, and contact_head_size + tail size for each.
class ContactsReply {
 public:
  ContactsReply(MutableBytes out, Bytes transaction, size_t count);
  // `tail` is what encode_contact_tail() writes.
  void add(const Id& id, Bytes tail) {
    DCHECK(left_ > 0);  // No more than were announced.
    DCHECK(!tail.empty() && tail.size() <= contact_tail_max);
    const size_t size = contact_head_size + tail.size();
    if (size > out_.size() - at_) {
      overflowed_ = true;
      return;
    }
    uint8_t* to = out_.data() + at_;
    to[0] = 0x93;
    to[1] = 0xc4;
    to[2] = id_size;
    std::memcpy(to + 3, id.bytes.data(), id_size);
    copy_tail(to + contact_head_size, tail);
    at_ += size;
    --left_;
  }
  // 0 when it did not fit. A contact announced but not added is our bug.
  size_t size() const {
    CHECK(overflowed_ || left_ == 0);
    return overflowed_ ? 0 : at_;
  }

 private:
  // IPv4 tails have 9 to 19 bytes: for twenty contacts, two overlapping copies of 8 or 16 are 20 ns
  // cheaper than calls of memcpy.
  static void copy_tail(uint8_t* to, Bytes tail) {
    const uint8_t* from = tail.data();
    const size_t size = tail.size();
    if (size >= 8 && size <= 16) {
      std::memcpy(to, from, 8);
      std::memcpy(to + size - 8, from + size - 8, 8);
    } else if (size > 16 && size <= 32) {
      std::memcpy(to, from, 16);
      std::memcpy(to + size - 16, from + size - 16, 16);
    } else {
      std::memcpy(to, from, size);
    }
  }

  MutableBytes out_;
  size_t at_ = 0;
  size_t left_ = 0;
  bool overflowed_ = false;
};

}  // namespace xord::rpcudp
