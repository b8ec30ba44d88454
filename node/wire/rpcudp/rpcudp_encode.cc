#include "node/wire/rpcudp/msgpack.h"
#include "node/wire/rpcudp/rpcudp.h"

namespace xord::rpcudp {
namespace {

using msgpack::Writer;

Writer begin(MutableBytes out, uint8_t kind, Bytes transaction) {
  CHECK(transaction.size() == transaction_size);
  Writer writer(out);
  writer.byte(kind);
  writer.raw(transaction);
  return writer;
}

Writer begin_request(MutableBytes out, Bytes transaction, std::string_view method,
                     uint32_t arguments) {
  Writer writer = begin(out, 0, transaction);
  writer.array(2);
  writer.text(bytes_of(method));
  writer.array(arguments);
  return writer;
}

Writer begin_reply(MutableBytes out, Bytes transaction) {
  return begin(out, 1, transaction);
}

// The size of a message that is complete, which has exactly `expected` bytes; 0 if it did not fit.
size_t size_of(const Writer& writer, [[maybe_unused]] size_t expected) {
  DCHECK(writer.size() == 0 || writer.size() == expected);
  return writer.size();
}

// The same for a message of varying size.
size_t size_within(const Writer& writer, [[maybe_unused]] size_t most) {
  DCHECK(writer.size() <= most);
  return writer.size();
}

size_t encode_find(MutableBytes out, Bytes transaction, std::string_view method, const Id& sender,
                   const Id& target) {
  Writer writer = begin_request(out, transaction, method, 2);
  writer.binary(sender.bytes);
  writer.binary(target.bytes);
  return size_within(writer, find_request_size_max);
}

void write_address(Writer& writer, const IpAddress& address) {
  char text[address_text_max];
  const size_t size = write_text(address, text);
  DCHECK(size > 0 && size <= sizeof text);
  writer.text({reinterpret_cast<const uint8_t*>(text), size});
}

}  // namespace

size_t encode_ping_request(MutableBytes out, Bytes transaction, const Id& sender) {
  Writer writer = begin_request(out, transaction, "ping", 1);
  writer.binary(sender.bytes);
  return size_of(writer, ping_request_size);
}

size_t encode_stun_request(MutableBytes out, Bytes transaction) {
  return begin_request(out, transaction, "stun", 0).size();
}

size_t encode_find_node_request(MutableBytes out, Bytes transaction, const Id& sender,
                                const Id& target) {
  return encode_find(out, transaction, "find_node", sender, target);
}

size_t encode_find_value_request(MutableBytes out, Bytes transaction, const Id& sender,
                                 const Id& key) {
  return encode_find(out, transaction, "find_value", sender, key);
}

size_t encode_store_request(MutableBytes out, Bytes transaction, const Id& sender, const Id& key,
                            Bytes value, std::optional<uint32_t> age) {
  if (value.size() > value_size_max) return 0;
  Writer writer = begin_request(out, transaction, "store", 3);
  writer.binary(sender.bytes);
  writer.binary(key.bytes);
  writer.raw(value);
  if (age) {  // Always the wide form, so that it is recognised.
    uint8_t behind[age_size] = {0xce};
    store_be32(&behind[1], *age);
    writer.raw(behind);
  }
  return size_within(writer, store_request_size_max(value.size()));
}

size_t encode_request(MutableBytes out, Bytes transaction, const Id& sender, const Ask& ask) {
  switch (ask.method) {
    case Method::ping:
      return encode_ping_request(out, transaction, sender);
    case Method::stun:
      return encode_stun_request(out, transaction);
    case Method::find_node:
      return encode_find_node_request(out, transaction, sender, ask.target);
    case Method::find_value:
      return encode_find_value_request(out, transaction, sender, ask.target);
    case Method::store:
      return encode_store_request(out, transaction, sender, ask.target, ask.value, ask.age);
    case Method::count:
      break;
  }
  CHECK(false);
  return 0;
}

size_t size_of_request(const Ask& ask) {
  DCHECK(ask.method < Method::count);
  switch (ask.method) {
    case Method::ping:
      return ping_request_size;
    case Method::store:
      return store_request_size_max(ask.value.size());
    default:
      return find_request_size_max;
  }
}

size_t encode_ping_reply(MutableBytes out, Bytes transaction, const Id& self) {
  Writer writer = begin_reply(out, transaction);
  writer.binary(self.bytes);
  return size_of(writer, ping_reply_size);
}

size_t encode_stun_reply(MutableBytes out, Bytes transaction, const Endpoint& source) {
  Writer writer = begin_reply(out, transaction);
  writer.array(source.is_ipv4() ? 2 : 4);
  write_address(writer, source.address);
  writer.unsigned_integer(source.port);
  if (!source.is_ipv4()) {
    writer.unsigned_integer(0);  // Flow information.
    writer.unsigned_integer(source.scope);
  }
  return size_within(writer, stun_reply_size_max);
}

size_t encode_store_reply(MutableBytes out, Bytes transaction, bool stored) {
  Writer writer = begin_reply(out, transaction);
  writer.boolean(stored);
  return size_of(writer, store_reply_size);
}

size_t encode_value_reply(MutableBytes out, Bytes transaction, Bytes value) {
  Writer writer = begin_reply(out, transaction);
  writer.map(1);
  writer.text(bytes_of("value"));
  writer.raw(value);
  return size_of(writer, value_reply_size(value.size()));
}

size_t encode_contact_tail(const Endpoint& endpoint, MutableBytes out) {
  Writer writer(out);
  write_address(writer, endpoint.address);
  writer.unsigned_integer(endpoint.port);
  return size_within(writer, contact_tail_max);
}

ContactsReply::ContactsReply(MutableBytes out, Bytes transaction, size_t count)
    : out_(out), left_(count) {
  CHECK(count <= UINT16_MAX);
  Writer writer = begin_reply(out, transaction);
  writer.array(static_cast<uint32_t>(count));
  at_ = writer.size();
  DCHECK(at_ <= contacts_head_max);
  overflowed_ = at_ == 0;
}

}  // namespace xord::rpcudp
