#include "node/wire/msgpack.h"
#include "node/wire/rpcudp.h"

namespace xord::rpcudp {
namespace {

using msgpack::Element;
using msgpack::Reader;
using msgpack::Type;

constexpr uint8_t kind_request = 0;
constexpr uint8_t kind_reply = 1;

struct Signature {
  std::string_view name;
  Method method;
  uint32_t arity;
};
constexpr Signature signatures[] = {
    {"find_node", Method::find_node, 2}, {"find_value", Method::find_value, 2},
    {"store", Method::store, 3},         {"ping", Method::ping, 1},
    {"stun", Method::stun, 0},
};

const Signature* signature_of(const Element& name) {
  if (name.type != Type::text) return nullptr;
  for (const Signature& signature : signatures) {
    if (text_of(name.bytes) == signature.name) return &signature;
  }
  return nullptr;
}

bool read_id(Reader& in, Id* out) {
  const Element element = in.next();
  if (in.failed()) return false;
  if (element.type != Type::binary || element.bytes.size() != id_size) {
    in.fail(ParseError::bad_argument);
    return false;
  }
  *out = Id::from(element.bytes);
  return true;
}

bool is_storable_type(Type type) {
  return type == Type::boolean || type == Type::integer || type == Type::floating ||
         type == Type::text || type == Type::binary;
}

void read_store(Reader& in, Request* out) {
  const Element key = in.next();
  if (in.failed()) return;
  if (key.type != Type::binary) {
    in.fail(ParseError::bad_argument);
    return;
  }
  out->acceptable = key.bytes.size() == id_size;
  if (out->acceptable) out->target = Id::from(key.bytes);
  out->value = in.skip();
  if (in.failed()) return;
  out->acceptable = out->acceptable && out->value.size() <= value_size_max &&
                    is_storable_type(Reader(out->value).next().type);
  // Behind the message, where the Python library does not look: exactly one u32.
  const Bytes behind = in.rest();
  if (behind.size() == age_size && behind[0] == 0xce) out->age = load_be32(&behind[1]);
}

// A contact of a list; false when it is one that nobody should be sent to.
bool read_contact(Bytes element, Contact* out) {
  Reader in(element);
  if (!in.enters_array(3)) return false;
  const Element id = in.next();
  const Element address = in.next();
  const Element port = in.next();
  if (id.type != Type::binary || id.bytes.size() != id_size) return false;
  if (address.type != Type::text || port.type != Type::integer || port.is_negative) return false;
  if (port.bits == 0 || port.bits > 65535) return false;
  const auto parsed = IpAddress::parse(text_of(address.bytes));  // Numeric, and without a zone.
  if (!parsed || parsed->is_unspecified() || parsed->is_multicast() || parsed->is_link_local()) {
    return false;
  }
  *out = {Id::from(id.bytes), {*parsed, 0, static_cast<uint16_t>(port.bits)}};
  return true;
}

void read_contacts(Reader& in, uint32_t count, Reply* out) {
  if (count > reply_contacts_max) in.fail(ParseError::bad_reply);
  for (uint32_t i = 0; i < count && !in.failed(); ++i) {
    const Bytes element = in.skip();
    if (in.failed() || out->contacts_count == reply_contacts_kept) continue;
    if (read_contact(element, &out->contacts[out->contacts_count])) ++out->contacts_count;
  }
}

void read_value(Reader& in, uint32_t pairs, Reply* out) {
  for (uint32_t i = 0; i < pairs && !in.failed(); ++i) {
    const Bytes key = in.skip();
    const Bytes value = in.skip();
    if (in.failed()) return;
    const Element name = Reader(key).next();
    if (name.type != Type::text || text_of(name.bytes) != "value") continue;
    out->has_value = true;
    out->value = value;
  }
  if (!out->has_value || !is_storable(out->value)) in.fail(ParseError::bad_reply);
}

// Contacts, or for find_value a value. The Python library takes nil, false and 0 for an empty list.
void read_found(Reader& in, Method method, Reply* out) {
  const Element head = in.next();
  if (in.failed()) return;
  const bool is_empty = head.type == Type::nil || (head.type == Type::boolean && !head.truth) ||
                        (head.type == Type::integer && head.bits == 0);
  if (is_empty) return;
  if (head.type == Type::array) {
    read_contacts(in, head.size, out);
  } else if (head.type == Type::map && method == Method::find_value) {
    read_value(in, head.size, out);
  } else {
    in.fail(ParseError::bad_reply);
  }
}

}  // namespace

bool is_reply(Bytes datagram) {
  return !datagram.empty() && datagram[0] == kind_reply;
}

Bytes transaction_of(Bytes datagram) {
  if (datagram.size() < header_size) return {};
  return datagram.subspan(1, transaction_size);
}

bool is_storable(Bytes value) {
  Reader in(value);
  const Element element = in.next();
  return !in.failed() && is_storable_type(element.type);
}

ParseError parse_request(Bytes datagram, Request* out) {
  if (datagram.size() <= header_size) return ParseError::too_short;
  if (datagram.size() > request_size_max) return ParseError::too_long;
  if (datagram[0] != kind_request) return ParseError::unknown_kind;
  *out = Request{};
  out->transaction = transaction_of(datagram);
  Reader in(datagram.subspan(header_size));
  if (!in.enters_array(2)) return in.failed() ? in.error() : ParseError::not_a_call;
  const Element name = in.next();
  if (in.failed()) return in.error();
  const Signature* signature = signature_of(name);
  if (signature == nullptr) return ParseError::unknown_method;
  out->method = signature->method;
  const Element arguments = in.next();
  if (in.failed()) return in.error();
  if (arguments.type != Type::array) return ParseError::not_a_call;
  if (arguments.size != signature->arity) return ParseError::wrong_arity;
  if (signature->arity == 0) return ParseError::none;
  if (!read_id(in, &out->sender)) return in.error();
  if (out->method == Method::store) {
    read_store(in, out);
  } else if (signature->arity == 2) {
    read_id(in, &out->target);
  }
  return in.error();
}

ParseError parse_reply(Bytes datagram, Method method, Reply* out) {
  if (datagram.size() <= header_size) return ParseError::too_short;
  if (datagram[0] != kind_reply) return ParseError::unknown_kind;
  *out = Reply{};
  out->transaction = transaction_of(datagram);
  Reader in(datagram.subspan(header_size));
  switch (method) {
    case Method::ping:
      if (!read_id(in, &out->responder) && in.error() == ParseError::bad_argument) {
        return ParseError::bad_reply;
      }
      break;
    case Method::store: {
      const Element said = in.next();
      if (!in.failed() && said.type != Type::boolean) in.fail(ParseError::bad_reply);
      out->stored = said.truth;
      break;
    }
    case Method::stun:
      in.skip();
      break;
    case Method::find_node:
    case Method::find_value:
      read_found(in, method, out);
      break;
    case Method::count:
      return ParseError::bad_reply;
  }
  return in.error();
}

}  // namespace xord::rpcudp
