// A dialect: turns bytes into requests and replies and back, and states its own peculiarities. One
// final class per dialect, called once or twice per datagram and never per contact. Nothing
// allocates; encoders write to the caller's buffer and return the size, or 0 when it does not fit.
// Reads no clock and keeps no state: one object serves every shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "node/contact_book.h"
#include "node/wire/message.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"
#include "reactor/base/steering_rule.h"

namespace xord {

struct DialectTraits {
  std::string_view name;  // As used in listen addresses, logs and the identity file.
  // Bytes of our own transactions: transaction_size, or transaction_short.
  size_t transaction_bytes = transaction_size;
  // Whether every reply names its sender, and so proves an id as a pong does.
  bool every_reply_names_its_sender = false;
  // Whether holders republish what they hold each hour, and hand it over to newcomers.
  bool holders_republish = true;
  // Sizes of datagrams, for the bound on what is sent to an unproven source.
  size_t ping_size = 0;
  size_t pong_size = 0;
  size_t stored_size = 0;
  // Writes the tail of a contact, as ContactBook keeps it.
  ContactBook::EncodeTail encode_contact_tail = nullptr;
};

class Dialect {
 public:
  virtual ~Dialect() = default;
  Dialect(const Dialect&) = delete;
  Dialect& operator=(const Dialect&) = delete;
  const DialectTraits& traits() const { return traits_; }

  // --- Reading. Spans point into the datagram.

  virtual bool is_reply(Bytes datagram) const = 0;
  // Empty when the datagram is too short to have a transaction.
  virtual Bytes transaction_of(Bytes datagram) const = 0;
  // `*out` is unspecified unless the result is `none`.
  [[nodiscard]] virtual ParseError read_request(Bytes datagram, Request* out) const = 0;
  // `method` is the method that was called.
  [[nodiscard]] virtual ParseError read_reply(Bytes datagram, Method method, Reply* out) const = 0;
  // The key of a request for a record, for prefetching; empty for anything else.
  virtual std::optional<Id> record_key(Bytes datagram) const = 0;
  // The bytes by which the kernel may steer a datagram to the shard it belongs to; empty: none.
  virtual std::span<const SteeringRule> steering_rules() const { return {}; }

  // --- Requests. `transaction` has traits().transaction_bytes.

  virtual size_t request_size_max(const Ask& ask) const = 0;
  virtual size_t encode_request(MutableBytes out, Bytes transaction, const Id& sender,
                                const Ask& ask) const = 0;

  // --- Replies of `self`.

  virtual size_t encode_pong(MutableBytes out, Bytes transaction, const Id& self) const = 0;
  virtual size_t observed_size_max() const = 0;
  virtual size_t encode_observed(MutableBytes out, Bytes transaction, const Id& self,
                                 const Endpoint& source) const = 0;
  virtual size_t encode_stored(MutableBytes out, Bytes transaction, const Id& self,
                               bool stored) const = 0;
  virtual size_t value_size(size_t value_bytes) const = 0;
  virtual size_t encode_value(MutableBytes out, Bytes transaction, const Id& self,
                              Bytes value) const = 0;
  virtual size_t contacts_size_max() const = 0;
  // Encodes as many of `contacts`, nearest first, as fit into `out`: all of them, if `out` has
  // contacts_size_max() bytes.
  virtual size_t encode_contacts(MutableBytes out, Bytes transaction, const Id& self,
                                 std::span<const ContactHandle> contacts,
                                 const ContactBook& book) const = 0;

 protected:
  explicit Dialect(const DialectTraits& traits) : traits_(traits) {
    CHECK(!traits.name.empty() && traits.encode_contact_tail != nullptr);
    CHECK(traits.transaction_bytes == transaction_size ||
          traits.transaction_bytes == transaction_short);
    // A size of 0 would pass every bound on what an unproven source is sent.
    CHECK(traits.ping_size > 0 && traits.pong_size > 0);
    CHECK(traits.stored_size > 0);
  }

 private:
  const DialectTraits traits_;
};

}  // namespace xord
