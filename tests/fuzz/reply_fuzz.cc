// Any bytes as the reply to any request: what is read lies within them, and contacts and values are
// safe to use and to send on. The first byte chooses the method that was called.
#include <array>
#include <optional>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "node/wire/rpcudp/value.h"
#include "tests/fuzz/target.h"

namespace xord {
namespace {

void check_contacts(const Reply& reply) {
  CHECK(reply.contacts_count <= reply_contacts_kept);
  std::array<uint8_t, rpcudp::contacts_reply_size_max> encoded;
  rpcudp::ContactsReply writer(encoded, reply.transaction, reply.contacts_count);
  for (size_t i = 0; i < reply.contacts_count; ++i) {
    const Endpoint& endpoint = reply.contacts[i].endpoint;
    CHECK(endpoint.port != 0 && endpoint.scope == 0);
    CHECK(!endpoint.address.is_unspecified() && !endpoint.address.is_multicast() &&
          !endpoint.address.is_link_local());
    std::array<uint8_t, rpcudp::contact_tail_max> tail;
    const size_t size = rpcudp::encode_contact_tail(endpoint, tail);
    CHECK(size > 0);
    writer.add(reply.contacts[i].id, Bytes(tail).first(size));
  }
  CHECK(writer.size() > 0);
  Reply again;
  const Bytes written = Bytes(encoded).first(writer.size());
  CHECK(rpcudp::parse_reply(written, Method::find_node, &again) == ParseError::none);
  CHECK(again.contacts_count == reply.contacts_count);
  for (size_t i = 0; i < reply.contacts_count; ++i) {
    CHECK(again.contacts[i] == reply.contacts[i]);
  }
}

void check_value(const Reply& reply) {
  CHECK(reply.contacts_count == 0 && rpcudp::is_storable(reply.value));
  std::vector<uint8_t> encoded(rpcudp::value_reply_size(reply.value.size()));
  CHECK(rpcudp::encode_value_reply(encoded, reply.transaction, reply.value) == encoded.size());
  Reply again;
  CHECK(rpcudp::parse_reply(encoded, Method::find_value, &again) == ParseError::none);
  CHECK(again.has_value && equal(again.value, reply.value));
  CHECK(decode_value(reply.value));
}

void check(Bytes datagram, Method method) {
  Reply reply;
  if (rpcudp::parse_reply(datagram, method, &reply) != ParseError::none) return;
  CHECK(equal(reply.transaction, datagram.subspan(1, transaction_size)));
  CHECK(!reply.has_value || method == Method::find_value);
  if (method == Method::stun) CHECK(reply.observed.port != 0);
  if (reply.has_value) {
    CHECK(reply.value.data() >= datagram.data() &&
          reply.value.data() + reply.value.size() <= datagram.data() + datagram.size());
    check_value(reply);
  } else {
    check_contacts(reply);
  }
}

}  // namespace
}  // namespace xord

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto methods = static_cast<uint8_t>(xord::Method::count);
  xord::check({data + 1, size - 1}, static_cast<xord::Method>(data[0] % methods));
  return 0;
}
