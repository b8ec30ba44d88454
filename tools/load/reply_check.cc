#include "tools/load/reply_check.h"

#include <array>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr uint32_t full_parse_every = 64;
constexpr uint32_t contacts_most = 20;

Method method_of(RequestKind kind) {
  switch (kind) {
    case RequestKind::find_node:
      return Method::find_node;
    case RequestKind::store:
      return Method::store;
    case RequestKind::ping:
      return Method::ping;
    case RequestKind::find_value_hit:
    case RequestKind::find_value_miss:
    case RequestKind::count:
      break;
  }
  return Method::find_value;
}

// The size of a port as the Python encoder writes it; 0 for any other first byte.
size_t port_size(uint8_t code) {
  if (code < 0x80) return 1;
  if (code == 0xcc) return 2;
  return code == 0xcd ? 3 : 0;
}

}  // namespace

std::string_view name_of(RequestKind kind) {
  constexpr std::array<std::string_view, request_kinds> names = {
      "find_node", "find_value_hit", "find_value_miss", "store", "ping"};
  CHECK(kind < RequestKind::count);
  return names[static_cast<size_t>(kind)];
}

std::string_view name_of(Verdict verdict) {
  constexpr std::array<std::string_view, verdict_kinds> names = {"right",
                                                                 "refused",
                                                                 "malformed",
                                                                 "wrong_id",
                                                                 "cut",
                                                                 "too_few_contacts",
                                                                 "too_many_contacts",
                                                                 "value_missing",
                                                                 "value_unexpected",
                                                                 "wrong_value"};
  CHECK(verdict < Verdict::count);
  return names[static_cast<size_t>(verdict)];
}

std::optional<uint32_t> count_contacts(Bytes datagram) {
  const uint8_t* at = datagram.data() + rpcudp::header_size;
  const uint8_t* end = datagram.data() + datagram.size();
  if (datagram.size() < rpcudp::header_size + 3) return std::nullopt;
  uint32_t count = 0;
  if ((*at & 0xf0) == 0x90) {
    count = *at & 0x0f;
    at += 1;
  } else if (*at == 0xdc) {
    count = load_be16(at + 1);
    at += 3;
  } else {
    return std::nullopt;
  }
  constexpr ptrdiff_t head = rpcudp::contact_head_size;
  for (uint32_t i = 0; i < count; ++i) {
    if (end - at < head + 2 || at[0] != 0x93 || at[1] != 0xc4 || at[2] != id_size) {
      return std::nullopt;
    }
    if ((at[head] & 0xe0) != 0xa0) return std::nullopt;  // The address: text of up to 31 bytes.
    at += head + 1 + (at[head] & 0x1f);
    if (at >= end) return std::nullopt;
    const size_t port = port_size(*at);
    if (port == 0) return std::nullopt;
    at += port;
  }
  if (at != end) return std::nullopt;
  return count;
}

// An answer is cut if one contact more would have made it longer than its request. That a node
// which knows few contacts gives few is no such sign, so it must have given 20 before.
Verdict ReplyCheck::check_contacts(size_t count, size_t reply_size, size_t request_size) {
  DCHECK(reply_size > rpcudp::header_size);
  contacts_last_ = static_cast<uint32_t>(count);
  if (count > contacts_most) return Verdict::too_many_contacts;
  if (count == contacts_most) contact_size_ = (reply_size - rpcudp::header_size) / contacts_most;
  const bool has_given_all = contact_size_ > 0;
  const bool fits = reply_size <= request_size && reply_size + contact_size_ > request_size;
  if (count < contacts_most && has_given_all && fits) return Verdict::cut;
  return count < contacts_least_ ? Verdict::too_few_contacts : Verdict::right;
}

Verdict ReplyCheck::check(Bytes datagram, RequestKind kind, uint64_t number, size_t request_size,
                          const KeySpace& keys) {
  if (depth_ == CheckDepth::transaction) return Verdict::right;
  DCHECK(kind < RequestKind::count);
  const Method method = method_of(kind);
  const bool may_be_contacts = method == Method::find_node || method == Method::find_value;
  const auto count = may_be_contacts ? count_contacts(datagram) : std::nullopt;
  if (count && (*count > contacts_most || ++replies_ % full_parse_every != 0)) {
    return kind == RequestKind::find_value_hit
               ? Verdict::value_missing
               : check_contacts(*count, datagram.size(), request_size);
  }
  if (rpcudp::parse_reply(datagram, method, &reply_) != ParseError::none) {
    return Verdict::malformed;
  }
  switch (kind) {
    case RequestKind::ping:
      if (!id_) id_ = reply_.responder;
      return reply_.responder == *id_ ? Verdict::right : Verdict::wrong_id;
    case RequestKind::store:
      return reply_.stored ? Verdict::right : Verdict::refused;
    case RequestKind::find_value_hit:
      if (!reply_.has_value) return Verdict::value_missing;
      return keys.is_value(IdDomain::hits, number, reply_.value) ? Verdict::right
                                                                 : Verdict::wrong_value;
    case RequestKind::find_value_miss:
      if (reply_.has_value) return Verdict::value_unexpected;
      break;
    case RequestKind::find_node:
    case RequestKind::count:
      break;
  }
  return check_contacts(reply_.contacts_count, datagram.size(), request_size);
}

}  // namespace xord
