#include "tests/echo_dialect.h"

#include <array>
#include <cstring>

#include "reactor/base/check.h"

namespace xord::testing {
namespace {

constexpr size_t head_size = 1 + transaction_short;
constexpr size_t request_head = head_size + 1 + id_size + id_size;
constexpr size_t reply_head = head_size + id_size;
constexpr size_t tail_size = 16 + 2;
constexpr size_t contact_size = id_size + tail_size;

size_t encode_tail(const Endpoint& endpoint, MutableBytes out) {
  if (out.size() < tail_size) return 0;
  std::copy(endpoint.address.bytes.begin(), endpoint.address.bytes.end(), out.begin());
  store_be16(&out[16], endpoint.port);
  return tail_size;
}

// Appends to a buffer; size() is 0 once something did not fit.
class Writer {
 public:
  explicit Writer(MutableBytes out) : out_(out) {}
  Writer& byte(uint8_t value) { return bytes(Bytes(&value, 1)); }
  Writer& bytes(Bytes more) {
    fits_ = fits_ && more.size() <= out_.size() - at_;
    if (!fits_) return *this;
    std::copy(more.begin(), more.end(), out_.begin() + static_cast<ptrdiff_t>(at_));
    at_ += more.size();
    return *this;
  }
  size_t size() const { return fits_ ? at_ : 0; }

 private:
  MutableBytes out_;
  size_t at_ = 0;
  bool fits_ = true;
};

class EchoDialect final : public Dialect {
 public:
  EchoDialect()
      : Dialect({.name = "echo",
                 .transaction_bytes = transaction_short,
                 .every_reply_names_its_sender = true,
                 .holders_republish = false,
                 .ping_size = request_head,
                 .pong_size = reply_head,
                 .stored_size = reply_head + 1,
                 .encode_contact_tail = encode_tail}) {}

  bool is_reply(Bytes datagram) const override { return !datagram.empty() && datagram[0] == 1; }
  Bytes transaction_of(Bytes datagram) const override {
    return datagram.size() < head_size ? Bytes() : datagram.subspan(1, transaction_short);
  }
  ParseError read_request(Bytes datagram, Request* out) const override {
    if (datagram.size() < request_head) return ParseError::too_short;
    if (datagram[0] != 0) return ParseError::unknown_kind;
    if (datagram[head_size] >= static_cast<uint8_t>(Method::count))
      return ParseError::unknown_method;
    out->method = static_cast<Method>(datagram[head_size]);
    out->transaction = transaction_of(datagram);
    out->sender = Id::from(datagram.subspan(head_size + 1, id_size));
    out->target = Id::from(datagram.subspan(head_size + 1 + id_size, id_size));
    out->value = datagram.subspan(request_head);
    out->acceptable = out->value.size() <= value_size_max;
    out->age.reset();
    return ParseError::none;
  }
  ParseError read_reply(Bytes datagram, Method method, Reply* out) const override {
    if (datagram.size() < reply_head) return ParseError::too_short;
    out->transaction = transaction_of(datagram);
    out->responder = Id::from(datagram.subspan(head_size, id_size));
    const Bytes body = datagram.subspan(reply_head);
    if (method == Method::ping) return body.empty() ? ParseError::none : ParseError::bad_reply;
    if (body.empty()) return ParseError::bad_reply;
    if (method == Method::store) {
      out->stored = body[0] != 0;
      return ParseError::none;
    }
    out->has_value = body[0] == 'v';
    if (out->has_value) out->value = body.subspan(1);
    return out->has_value ? ParseError::none : read_contacts(body.subspan(1), out);
  }
  std::optional<Id> record_key(Bytes datagram) const override {
    Request request;
    if (read_request(datagram, &request) != ParseError::none) return std::nullopt;
    const bool is_one = request.method == Method::store || request.method == Method::find_value;
    return is_one ? std::optional(request.target) : std::nullopt;
  }

  size_t request_size_max(const Ask& ask) const override { return request_head + ask.value.size(); }
  size_t encode_request(MutableBytes out, Bytes transaction, const Id& sender,
                        const Ask& ask) const override {
    CHECK(transaction.size() == transaction_short);
    return Writer(out)
        .byte(0)
        .bytes(transaction)
        .byte(static_cast<uint8_t>(ask.method))
        .bytes(sender.bytes)
        .bytes(ask.target.bytes)
        .bytes(ask.value)
        .size();
  }

  size_t encode_pong(MutableBytes out, Bytes transaction, const Id& self) const override {
    return reply(out, transaction, self).size();
  }
  size_t observed_size_max() const override { return reply_head + tail_size; }
  size_t encode_observed(MutableBytes out, Bytes transaction, const Id& self,
                         const Endpoint& source) const override {
    std::array<uint8_t, tail_size> tail;
    encode_tail(source, tail);
    return reply(out, transaction, self).bytes(tail).size();
  }
  size_t encode_stored(MutableBytes out, Bytes transaction, const Id& self,
                       bool stored) const override {
    return reply(out, transaction, self).byte(stored).size();
  }
  size_t value_size(size_t value_bytes) const override { return reply_head + 1 + value_bytes; }
  size_t encode_value(MutableBytes out, Bytes transaction, const Id& self,
                      Bytes value) const override {
    return reply(out, transaction, self).byte('v').bytes(value).size();
  }
  size_t contacts_size_max() const override {
    return reply_head + 1 + reply_contacts_kept * contact_size;
  }
  size_t encode_contacts(MutableBytes out, Bytes transaction, const Id& self,
                         std::span<const ContactHandle> contacts,
                         const ContactBook& book) const override {
    Writer writer = reply(out, transaction, self);
    writer.byte('c');
    for (const ContactHandle contact : contacts) {
      if (writer.size() + contact_size > out.size()) break;
      writer.bytes(book.id(contact).bytes).bytes(book.tail(contact));
    }
    return writer.size();
  }

 private:
  static Writer reply(MutableBytes out, Bytes transaction, const Id& self) {
    return Writer(out).byte(1).bytes(transaction).bytes(self.bytes);
  }
  static ParseError read_contacts(Bytes body, Reply* out) {
    out->contacts_count = 0;
    if (body.size() % contact_size != 0) return ParseError::bad_reply;
    for (; !body.empty(); body = body.subspan(contact_size)) {
      if (out->contacts_count == reply_contacts_kept) break;
      Contact& contact = out->contacts[out->contacts_count++];
      contact.id = Id::from(body.first(id_size));
      std::memcpy(contact.endpoint.address.bytes.data(), &body[id_size], 16);
      contact.endpoint.scope = 0;
      contact.endpoint.port = load_be16(&body[id_size + 16]);
    }
    return ParseError::none;
  }
};

}  // namespace

const Dialect& echo_dialect() {
  static const EchoDialect one;
  return one;
}

}  // namespace xord::testing
