// The golden vectors at the parser: their meaning, their encoding, and the result when they are cut
// short. How a whole node treats them: tests/e2e/golden_test.py.
#include "tests/golden/vectors.h"

#include <gtest/gtest.h>

#include <set>

#include "node/wire/rpcudp/rpcudp.h"

namespace xord {
namespace {

using golden::Answer;
using golden::MalformedReply;
using golden::Message;
using golden::Octets;
using golden::same;

// The value in the meaning of a find_value reply, decoded; empty when it is not storable.
std::optional<Value> value_in(const Message& message) {
  for (const auto& pair : message.meaning.at("result").at("v")) {
    if (pair.at(0).at("v") == "value") return golden::value_of(pair.at(1));
  }
  return std::nullopt;
}

bool has_value(const Message& message) {
  return message.meaning.at("result").at("t") == "map";
}

// An endpoint from two elements of a meaning, with a zone cut off.
Endpoint endpoint_of(const nlohmann::json& ip, const nlohmann::json& port) {
  const std::string text = ip.at("v");
  const auto address = IpAddress::parse(text.substr(0, text.find('%')));
  CHECK(address);
  return {*address, 0, static_cast<uint16_t>(std::stoul(port.at("v").get<std::string>()))};
}

bool has_zone(const nlohmann::json& ip) {
  return ip.at("v").get<std::string>().find('%') != std::string::npos;
}

std::vector<Contact> contacts_in(const Message& message) {
  std::vector<Contact> contacts;
  const auto& result = message.meaning.at("result");
  if (result.at("t") == "nil") return contacts;
  for (const auto& each : result.at("v")) {
    const auto& fields = each.at("v");
    if (has_zone(fields.at(1))) continue;  // On a link that is not ours.
    contacts.push_back({Id::from(golden::octets(fields.at(0).at("hex"))),
                        endpoint_of(fields.at(1), fields.at(2))});
  }
  return contacts;
}

void expect_request(const Message& message, const Request& request) {
  EXPECT_EQ(request.method, message.method());
  EXPECT_TRUE(equal(request.transaction, message.transaction()));
  EXPECT_EQ(request.age, std::nullopt);
  EXPECT_TRUE(request.acceptable);
  const auto& arguments = message.meaning.at("args");
  if (arguments.size() > 0) {
    EXPECT_EQ(request.sender, message.id_argument(0));
  }
  if (arguments.size() > 1) {
    EXPECT_EQ(request.target, message.id_argument(1));
  }
  if (arguments.size() < 3) return;
  const auto value = decode_value(request.value);
  ASSERT_TRUE(value);
  EXPECT_TRUE(same(*value, *golden::value_of(arguments.at(2)))) << render_value(*value);
  // Byte for byte: a store's value is the last part of the datagram.
  EXPECT_TRUE(equal(request.value, Bytes(message.datagram).last(request.value.size())));
  EXPECT_EQ(request.value.data() + request.value.size(),
            message.datagram.data() + message.datagram.size());
}

TEST(Golden, EveryRequestMeansWhatItsVectorSays) {
  int count = 0;
  for (const Message& message : golden::rpcudp().messages) {
    if (!message.is_request()) continue;
    SCOPED_TRACE(message.name);
    Request request;
    ASSERT_FALSE(rpcudp::is_reply(message.datagram));
    ASSERT_EQ(rpcudp::parse_request(message.datagram, &request), ParseError::none);
    expect_request(message, request);
    ++count;
  }
  EXPECT_EQ(count, 85);
}

void expect_found(const Message& message, const Reply& reply) {
  ASSERT_EQ(reply.has_value, has_value(message));
  if (reply.has_value) {
    const auto value = decode_value(reply.value);
    ASSERT_TRUE(value);
    EXPECT_TRUE(same(*value, *value_in(message))) << render_value(*value);
    return;
  }
  const std::vector<Contact> contacts = contacts_in(message);
  ASSERT_EQ(reply.contacts_count, contacts.size());
  for (size_t i = 0; i < contacts.size(); ++i) EXPECT_EQ(reply.contacts[i], contacts[i]) << i;
}

void expect_reply(const Message& message, const Reply& reply) {
  EXPECT_TRUE(equal(reply.transaction, message.transaction()));
  const auto& result = message.meaning.at("result");
  switch (message.method()) {
    case Method::ping:
      EXPECT_EQ(reply.responder, Id::from(golden::octets(result.at("hex"))));
      break;
    case Method::stun:
      EXPECT_EQ(reply.observed, endpoint_of(result.at("v").at(0), result.at("v").at(1)));
      break;
    case Method::store:
      EXPECT_EQ(reply.stored, result.at("v").get<bool>());
      break;
    case Method::find_node:
    case Method::find_value:
      expect_found(message, reply);
      break;
    default:
      FAIL() << "the library has no such method";
  }
}

TEST(Golden, EveryReplyMeansWhatItsVectorSays) {
  int count = 0;
  std::set<std::string> refused;
  for (const Message& message : golden::rpcudp().messages) {
    if (message.is_request()) continue;
    SCOPED_TRACE(message.name);
    ++count;
    Reply reply;
    ASSERT_TRUE(rpcudp::is_reply(message.datagram));
    EXPECT_TRUE(equal(rpcudp::transaction_of(message.datagram), message.transaction()));
    const ParseError error = rpcudp::parse_reply(message.datagram, message.method(), &reply);
    if (error == ParseError::bad_reply) {
      refused.insert(message.name);
      continue;
    }
    ASSERT_EQ(error, ParseError::none);
    expect_reply(message, reply);
  }
  EXPECT_EQ(count, 52);
  // Values that no record of ours may have (docs/WIRE.md): legal, but of no use to us.
  EXPECT_EQ(refused,
            (std::set<std::string>{"find_value_reply_foreign_dict", "find_value_reply_foreign_ext",
                                   "find_value_reply_foreign_list"}));
}

size_t encode_request(const Message& message, MutableBytes out) {
  const auto& arguments = message.meaning.at("args");
  const Id sender = arguments.empty() ? Id{} : message.id_argument(0);
  Ask ask{message.method()};
  if (arguments.size() > 1) ask.target = message.id_argument(1);
  std::optional<Octets> value;
  if (arguments.size() > 2) value = encode_value(*golden::value_of(arguments.at(2)));
  if (value) ask.value = *value;
  return rpcudp::encode_request(out, message.transaction(), sender, ask);
}

size_t encode_found(const Message& message, MutableBytes out) {
  const Octets transaction = message.transaction();
  if (has_value(message)) {
    // A value that is not storable cannot be encoded, only copied after the header, the map and its
    // key.
    const auto value = value_in(message);
    const Octets packed = value ? *encode_value(*value)
                                : Octets(message.datagram.begin() + 28, message.datagram.end());
    return rpcudp::encode_value_reply(out, transaction, packed);
  }
  const std::vector<Contact> contacts = contacts_in(message);
  rpcudp::ContactsReply reply(out, transaction, contacts.size());
  for (const Contact& contact : contacts) {
    std::array<uint8_t, rpcudp::contact_tail_max> tail;
    const size_t size = rpcudp::encode_contact_tail(contact.endpoint, tail);
    reply.add(contact.id, Bytes(tail).first(size));
  }
  return reply.size();
}

size_t encode_reply(const Message& message, MutableBytes out) {
  const Octets transaction = message.transaction();
  const auto& result = message.meaning.at("result");
  switch (message.method()) {
    case Method::ping:
      return rpcudp::encode_ping_reply(out, transaction,
                                       Id::from(golden::octets(result.at("hex"))));
    case Method::stun:
      return rpcudp::encode_stun_reply(out, transaction,
                                       endpoint_of(result.at("v").at(0), result.at("v").at(1)));
    case Method::store:
      return rpcudp::encode_store_reply(out, transaction, result.at("v").get<bool>());
    case Method::find_node:
    case Method::find_value:
      return encode_found(message, out);
    default:
      return 0;
  }
}

TEST(Golden, EncodersEmitTheLibrarysBytes) {
  std::set<std::string> different;
  for (const Message& message : golden::rpcudp().messages) {
    if (!message.is_from_library) continue;
    SCOPED_TRACE(message.name);
    Octets encoded(16'000);
    encoded.resize(message.is_request() ? encode_request(message, encoded)
                                        : encode_reply(message, encoded));
    ASSERT_FALSE(encoded.empty());
    if (encoded != message.datagram) different.insert(message.name);
  }
  // We write IPv4-mapped addresses as IPv4, and never a zone (docs/WIRE.md).
  EXPECT_EQ(different, (std::set<std::string>{"find_node_reply_ipv6", "stun_reply_ipv6_linklocal",
                                              "stun_reply_v4mapped"}));
}

TEST(Golden, EveryStrictPrefixIsRejectedAsCutShort) {
  size_t count = 0;
  for (const Message& message : golden::rpcudp().messages) {
    SCOPED_TRACE(message.name);
    for (size_t size = 0; size < message.datagram.size(); ++size) {
      // In memory of its own, so that the address sanitizer catches a read past the end.
      const Octets cut(message.datagram.begin(),
                       message.datagram.begin() + static_cast<std::ptrdiff_t>(size));
      Request request;
      Reply reply;
      const ParseError error = message.is_request()
                                   ? rpcudp::parse_request(cut, &request)
                                   : rpcudp::parse_reply(cut, message.method(), &reply);
      ASSERT_EQ(error, size <= rpcudp::header_size ? ParseError::too_short : ParseError::truncated)
          << size;
      ++count;
    }
  }
  EXPECT_GT(count, 39'000u);
}

TEST(Golden, EveryStrictPrefixOfWhatIsMalformedIsRejectedToo) {
  for (const golden::Malformed& malformed : golden::rpcudp().malformed) {
    SCOPED_TRACE(malformed.name);
    if (malformed.answer != Answer::none) continue;
    for (size_t size = 0; size < malformed.datagram.size(); ++size) {
      const Octets cut(malformed.datagram.begin(),
                       malformed.datagram.begin() + static_cast<std::ptrdiff_t>(size));
      Request request;
      ASSERT_NE(rpcudp::parse_request(cut, &request), ParseError::none) << size;
    }
  }
}

// How a node may answer, given the parser's result: an error is silence, a store that is not
// acceptable is false, and everything else is served.
TEST(Golden, EveryMalformedDatagramIsDroppedOrRefusedAsItsVectorSays) {
  std::set<std::string> served;
  for (const golden::Malformed& malformed : golden::rpcudp().malformed) {
    SCOPED_TRACE(malformed.name);
    Request request;
    const ParseError error = rpcudp::parse_request(malformed.datagram, &request);
    switch (malformed.answer) {
      case Answer::none:
        EXPECT_NE(error, ParseError::none);
        break;
      case Answer::refusal_at_most:
        ASSERT_EQ(error, ParseError::none);  // Silence would cost us our place in Python's table.
        EXPECT_EQ(request.method, Method::store);
        EXPECT_FALSE(request.acceptable);
        break;
      case Answer::any:
        if (error == ParseError::none) served.insert(malformed.name);
        break;
    }
  }
  EXPECT_EQ(served, std::set<std::string>{"trailing_garbage"});
}

ParseError error_of(const std::string& name) {
  for (const golden::Malformed& malformed : golden::rpcudp().malformed) {
    Request request;
    if (malformed.name == name) return rpcudp::parse_request(malformed.datagram, &request);
  }
  return ParseError::count;
}

TEST(Golden, WhatIsMalformedIsCountedByItsReason) {
  EXPECT_EQ(error_of("empty_datagram"), ParseError::too_short);
  EXPECT_EQ(error_of("short_21"), ParseError::too_short);
  EXPECT_EQ(error_of("type_2"), ParseError::unknown_kind);
  EXPECT_EQ(error_of("reserved_c1"), ParseError::bad_code);
  EXPECT_EQ(error_of("method_invalid_utf8"), ParseError::bad_text);
  EXPECT_EQ(error_of("store_value_surrogate"), ParseError::bad_text);
  EXPECT_EQ(error_of("nil_body"), ParseError::not_a_call);
  EXPECT_EQ(error_of("map_body"), ParseError::not_a_call);
  EXPECT_EQ(error_of("array_of_3"), ParseError::not_a_call);
  EXPECT_EQ(error_of("args_map_stun"), ParseError::not_a_call);
  EXPECT_EQ(error_of("method_private"), ParseError::unknown_method);
  EXPECT_EQ(error_of("method_bin"), ParseError::unknown_method);
  EXPECT_EQ(error_of("stun_one_arg"), ParseError::wrong_arity);
  EXPECT_EQ(error_of("ping_id_19"), ParseError::bad_argument);
  EXPECT_EQ(error_of("store_key_str"), ParseError::bad_argument);
  EXPECT_EQ(error_of("bin32_huge"), ParseError::truncated);
  EXPECT_EQ(error_of("array32_huge"), ParseError::truncated);
  EXPECT_EQ(error_of("map32_huge"), ParseError::truncated);
  EXPECT_EQ(error_of("nesting_bomb_maps"), ParseError::too_deep);
}

TEST(Golden, AMalformedReplyFailsItsCallOrHasNoContacts) {
  for (const MalformedReply& malformed : golden::rpcudp().malformed_replies) {
    SCOPED_TRACE(malformed.name);
    for (const Method method : malformed.methods()) {
      Reply reply;
      if (rpcudp::parse_reply(malformed.datagram, method, &reply) != ParseError::none) continue;
      EXPECT_NE(method, Method::ping);
      EXPECT_EQ(reply.contacts_count, 0u);
      EXPECT_FALSE(reply.has_value);
    }
  }
}

}  // namespace
}  // namespace xord
