// Rules of the rpcudp dialect: what is served, refused and dropped, and the sizes of what we send.
#include "node/wire/rpcudp/rpcudp.h"

#include <gtest/gtest.h>

#include <functional>

#include <string>
#include <vector>

#include "node/contact_book.h"
#include "node/wire/rpcudp/msgpack.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/hex.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

using Octets = std::vector<uint8_t>;

constexpr Transaction transaction = {9, 8, 7, 6, 5, 4, 3, 2, 1};

Id id_of(uint8_t number) {
  Id id;
  id.bytes.fill(number);
  return id;
}

template <class Encode>
Octets encoded(Encode&& encode) {
  Octets out(10'000);
  out.resize(encode(MutableBytes(out)));
  EXPECT_FALSE(out.empty());
  return out;
}

// The bytes of `parts`, each hexadecimal, one after another.
Octets join(std::initializer_list<std::string> parts) {
  std::string hex;
  for (const std::string& part : parts) hex += part;
  return *from_hex(hex);
}

void append(std::string_view hex, Octets* to) {
  const Octets bytes = *from_hex(hex);
  to->insert(to->end(), bytes.begin(), bytes.end());
}

std::string text(std::string_view of_it) {
  return to_hex(bytes_of(of_it));
}

std::string header(int kind) {
  return (kind == 0 ? "00" : "01") + to_hex(transaction);
}
const std::string some_id = "c414" + std::string(40, '1');
const std::string store_head = header(0) + "92a5" + text("store") + "93" + some_id;
constexpr size_t value_offset = 73;  // In a canonical store with 20-byte ids.

Octets store_request(const Octets& value, std::optional<uint32_t> age = std::nullopt) {
  return encoded([&](MutableBytes out) {
    return rpcudp::encode_store_request(out, transaction, id_of(1), id_of(2), value, age);
  });
}

// Text of `size` bytes, packed.
Octets packed_text(size_t size) {
  return *encode_value(Value(std::string(size, 'a')));
}

Request parsed(const Octets& datagram) {
  Request request;
  EXPECT_EQ(rpcudp::parse_request(datagram, &request), ParseError::none);
  return request;
}

ParseError error_of(const Octets& datagram) {
  Request request;
  return rpcudp::parse_request(datagram, &request);
}

// --- Requests.

TEST(RpcudpRecordKey, IsThatOfACanonicalRequestForARecordAndOfNothingElse) {
  const Octets get = encoded([](MutableBytes out) {
    return rpcudp::encode_find_value_request(out, transaction, id_of(1), id_of(2));
  });
  EXPECT_EQ(rpcudp::record_key(get), id_of(2));
  EXPECT_EQ(rpcudp::record_key(store_request({0x01})), id_of(2));
  const Octets find = encoded([](MutableBytes out) {
    return rpcudp::encode_find_node_request(out, transaction, id_of(1), id_of(2));
  });
  EXPECT_EQ(rpcudp::record_key(find), std::nullopt);
  for (size_t size = 0; size < get.size(); ++size) {
    EXPECT_EQ(rpcudp::record_key(Bytes(get).first(size)), std::nullopt) << size;
  }
  Octets reply = get;
  reply[0] = 1;
  EXPECT_EQ(rpcudp::record_key(reply), std::nullopt);
}

TEST(RpcudpRequest, AnAgeIsTheFiveBytesDirectlyBehindAStoreAndNothingElse) {
  const Octets value = {0x05};
  EXPECT_EQ(parsed(store_request(value)).age, std::nullopt);
  EXPECT_EQ(parsed(store_request(value, 0)).age, 0u);
  EXPECT_EQ(parsed(store_request(value, 604'799)).age, 604'799u);
  EXPECT_EQ(parsed(store_request(value, UINT32_MAX)).age, UINT32_MAX);
  for (const char* behind : {"ce000000", "ce0000000100", "cc01", "cd0001", "01", "ceceffffff01",
                             "cf0000000000000001", "d200000001"}) {
    Octets datagram = store_request(value);
    append(behind, &datagram);
    const Request request = parsed(datagram);
    EXPECT_EQ(request.age, std::nullopt) << behind;
    EXPECT_TRUE(equal(request.value, value)) << behind;
  }
}

TEST(RpcudpRequest, AnAgeIsWrittenAsU32BehindTheObject) {
  const Octets without = store_request({0x05});
  const Octets with = store_request({0x05}, 3600);
  Octets expected = without;
  append("ce00000e10", &expected);
  EXPECT_EQ(with, expected);
}

TEST(RpcudpRequest, OnlyAStoreHasAnAge) {
  Octets find = encoded([](MutableBytes out) {
    return rpcudp::encode_find_value_request(out, transaction, id_of(1), id_of(2));
  });
  append("ce00000e10", &find);
  EXPECT_EQ(parsed(find).age, std::nullopt);
}

TEST(RpcudpRequest, AStoreThatMustBeRefusedIsParsedAndMarked) {
  const auto store = [](const std::string& key, const std::string& value) {
    return parsed(join({store_head, key, value})).acceptable;
  };
  EXPECT_TRUE(store(some_id, "05"));
  EXPECT_FALSE(store("c400", "05"));
  EXPECT_FALSE(store("c413" + std::string(38, '1'), "05"));
  EXPECT_FALSE(store("c415" + std::string(42, '1'), "05"));
  for (const char* value :
       {"c0", "90", "9105", "80", "81a16105", "d40500", "d6ff00000001", "c7000500"}) {
    EXPECT_FALSE(store(some_id, value)) << value;
  }
  for (const char* value :
       {"c2", "c3", "e0", "ff", "ca3fc00000", "cb3ff8000000000000", "a0", "c400", "d90161",
        "db0000000161", "c60000000161", "d3ffffffffffffffff"}) {
    EXPECT_TRUE(store(some_id, value)) << value;
  }
}

TEST(RpcudpRequest, AKeyThatIsNoBytesIsSilence) {
  for (const char* key : {"b4", "05", "c0", "9105", "8105c0", "d40500"}) {
    const std::string rest = std::string(key) == "b4" ? std::string(40, '6') : "";
    EXPECT_EQ(error_of(join({store_head, key, rest, "05"})), ParseError::bad_argument) << key;
  }
}

TEST(RpcudpRequest, TheLargestValueIsServedAndOneByteMoreRefused) {
  const Octets largest = packed_text(8137);
  ASSERT_EQ(largest.size(), value_size_max);
  EXPECT_EQ(store_request(largest).size(), 8213u);
  const Octets with_age = store_request(largest, 60);
  EXPECT_EQ(with_age.size(), rpcudp::request_size_max);
  EXPECT_TRUE(parsed(with_age).acceptable);
  EXPECT_EQ(parsed(with_age).age, 60u);

  const std::string larger = to_hex(packed_text(8138));
  const Octets refused = join({store_head, some_id, larger});
  EXPECT_FALSE(parsed(refused).acceptable);
  std::vector<uint8_t> out(10'000);
  EXPECT_EQ(rpcudp::encode_store_request(out, transaction, id_of(1), id_of(2), packed_text(8138),
                                         std::nullopt),
            0u);
}

TEST(RpcudpRequest, ADatagramAboveTheLargestIsDropped) {
  Octets datagram = store_request({0x05});
  datagram.resize(rpcudp::request_size_max);
  EXPECT_EQ(error_of(datagram), ParseError::none);
  datagram.push_back(0);
  EXPECT_EQ(error_of(datagram), ParseError::too_long);
}

TEST(RpcudpRequest, AValueIsKeptByteForByteInTheSpellingItCameIn) {
  for (const char* value : {"05", "cc05", "d300000000000000ff", "ca7fc00001", "cb7ff8000000000001",
                            "cb8000000000000000", "db0000000161", "c500026162"}) {
    const Octets datagram = join({store_head, some_id, value, "c1c1"});
    EXPECT_EQ(to_hex(parsed(datagram).value), value);
  }
}

TEST(RpcudpRequest, NestingDeeperThanThirtyTwoInsideAValueIsDropped) {
  const auto nested = [](uint32_t depth) {
    std::string value;
    for (uint32_t i = 0; i < depth; ++i) value += "91";
    return join({store_head, some_id, value, "c0"});
  };
  EXPECT_FALSE(parsed(nested(msgpack::nesting_max)).acceptable);
  EXPECT_EQ(error_of(nested(msgpack::nesting_max + 1)), ParseError::too_deep);
}

TEST(RpcudpRequest, TheReactorFindsTheKeysLastTwoBytesWhereTheySteer) {
  const Id key = *Id::from_hex("00000000000000000000000000000000000abcde");
  const auto at = [&](const Octets& datagram) { return std::string(to_hex(datagram)); };
  const Octets find_node = encoded([&](MutableBytes out) {
    return rpcudp::encode_find_node_request(out, transaction, id_of(1), key);
  });
  const Octets find_value = encoded([&](MutableBytes out) {
    return rpcudp::encode_find_value_request(out, transaction, id_of(1), key);
  });
  const Octets store = encoded([&](MutableBytes out) {
    return rpcudp::encode_store_request(out, transaction, id_of(1), key, Octets{5}, std::nullopt);
  });
  EXPECT_EQ(at(find_node).substr(2 * 75, 4), "bcde");
  EXPECT_EQ(at(find_value).substr(2 * 76, 4), "bcde");
  EXPECT_EQ(at(store).substr(2 * 71, 4), "bcde");
}

// A request in randomly drawn encodings: heads of any legal width.
class Speller {
 public:
  explicit Speller(Rng* rng) : rng_(*rng) {}

  void array(uint32_t size) { head(0x90, 0xdc, 16, size, 2); }
  void text(std::string_view text) {
    head(0xa0, 0xd9, 32, text.size(), 3);
    raw(bytes_of(text));
  }
  void binary(Bytes bytes) {
    head(0, 0xc4, 0, bytes.size(), 3);
    raw(bytes);
  }
  void raw(Bytes bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  const Octets& out() const { return out_; }

 private:
  // The narrow form below `narrow_sizes`, or one of `widths` wide ones, the first of which is
  // `code`.
  void head(uint8_t narrow, uint8_t code, size_t narrow_sizes, size_t size, uint64_t widths) {
    const uint64_t choice = rng_.bounded(widths + (size < narrow_sizes ? 1 : 0));
    if (choice == widths) {
      out_.push_back(static_cast<uint8_t>(narrow | size));
      return;
    }
    out_.push_back(static_cast<uint8_t>(code + choice));
    const size_t narrowest = code == 0xdc ? 2 : 1;
    for (size_t left = narrowest << choice; left > 0; --left) {
      out_.push_back(static_cast<uint8_t>(size >> 8 * (left - 1)));
    }
  }

  Rng& rng_;
  Octets out_;
};

TEST(RpcudpRequest, EverySpellingOfARequestMeansTheSame) {
  constexpr uint32_t arities[] = {1, 0, 3, 2, 2};
  static_assert(std::size(arities) == static_cast<size_t>(Method::count));
  for (uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const auto method = static_cast<size_t>(rng.bounded(std::size(arities)));
    Id sender, target;
    rng.fill(sender.bytes);
    rng.fill(target.bytes);
    Speller body(&rng);
    body.array(2);
    body.text(method_names[method]);
    body.array(arities[method]);
    if (arities[method] > 0) body.binary(sender.bytes);
    if (arities[method] > 1) body.binary(target.bytes);
    const size_t value_at = body.out().size();
    if (arities[method] > 2) body.text("some value");
    Octets datagram = join({header(0)});
    datagram.insert(datagram.end(), body.out().begin(), body.out().end());

    const Request request = parsed(datagram);
    EXPECT_EQ(static_cast<size_t>(request.method), method);
    EXPECT_TRUE(equal(request.transaction, transaction));
    EXPECT_EQ(request.sender, arities[method] > 0 ? sender : Id{});
    EXPECT_EQ(request.target, arities[method] > 1 ? target : Id{});
    EXPECT_TRUE(equal(request.value, Bytes(body.out()).subspan(value_at)));
    EXPECT_TRUE(request.acceptable);
  }
}

// --- Replies.

ParseError error_of_reply(const std::string& body, Method method, Reply* reply) {
  const Octets datagram = join({header(1), body});
  const ParseError error = rpcudp::parse_reply(datagram, method, reply);
  reply->value = {};  // It borrowed from `datagram`.
  reply->transaction = {};
  return error;
}

std::string contact(std::string_view address, const std::string& port) {
  const std::string size = to_hex(Octets{static_cast<uint8_t>(address.size())});
  return "93" + some_id + "d9" + size + text(address) + port;
}

TEST(RpcudpReply, AContactThatNobodyShouldBeSentToIsDroppedAndTheOthersAreKept) {
  const std::string good = contact("192.0.2.1", "cd1f90");
  for (const char* address : {"0.0.0.0",
                              "::",
                              "224.0.0.1",
                              "255.255.255.255",
                              "ff02::1",
                              "fe80::1",
                              "fe80::1%eth0",
                              "febf::1",
                              "localhost",
                              "example.org",
                              "",
                              "1.2.3",
                              "1.2.3.4.5",
                              "01.2.3.4",
                              "1.2.3.256",
                              " 1.2.3.4",
                              "1.2.3.4 ",
                              "1.2.3.4:5",
                              "[::1]",
                              "::1::",
                              "12345::",
                              "::ffff:0.0.0.0",
                              "::ffff:224.0.0.1",
                              "0x7f000001",
                              "2130706433"}) {
    Reply reply;
    const std::string body = "93" + good + contact(address, "cd1f90") + good;
    ASSERT_EQ(error_of_reply(body, Method::find_node, &reply), ParseError::none) << address;
    EXPECT_EQ(reply.contacts_count, 2u) << address;
  }
  for (const char* port : {"00", "ce00010000", "ff", "d3ffffffffffffffff", "cf0000000100000001",
                           "cb40bf400000000000", "a131", "c3", "c0", "9105", "8105c0"}) {
    Reply reply;
    const std::string body = "93" + good + contact("192.0.2.2", port) + good;
    ASSERT_EQ(error_of_reply(body, Method::find_node, &reply), ParseError::none) << port;
    EXPECT_EQ(reply.contacts_count, 2u) << port;
  }
  for (const char* other : {"c0", "90", "9405060708", "a3616263", "93c0c0c0", "9392c0c09005",
                            "93c4139191919191919191919191919191919191919190a12e"}) {
    Reply reply;
    const std::string body = "93" + good + other + good;
    ASSERT_EQ(error_of_reply(body, Method::find_node, &reply), ParseError::none) << other;
    EXPECT_EQ(reply.contacts_count, 2u) << other;
  }
}

TEST(RpcudpReply, AContactHasItsAddressInAnyFamilyAndAnIpv4MappedOneIsIpv4) {
  Reply reply;
  const std::string body = "94" + contact("192.0.2.7", "50") + contact("::ffff:192.0.2.7", "50") +
                           contact("2001:db8::7", "cdffff") + contact("127.0.0.1", "d20000ffff");
  ASSERT_EQ(error_of_reply(body, Method::find_value, &reply), ParseError::none);
  ASSERT_EQ(reply.contacts_count, 4u);
  EXPECT_EQ(reply.contacts[0].endpoint, Endpoint::ipv4(0xc0000207, 80));
  EXPECT_EQ(reply.contacts[1].endpoint, reply.contacts[0].endpoint);
  EXPECT_EQ(reply.contacts[2].endpoint.text(), "[2001:db8::7]:65535");
  EXPECT_EQ(reply.contacts[3].endpoint.text(), "127.0.0.1:65535");
  EXPECT_EQ(reply.contacts[3].id, id_of(0x11));
}

TEST(RpcudpReply, TheFirstTwentyContactsAreKeptOfUpToAHundredAndTwentyEight) {
  for (const size_t count : {20u, 21u, 128u, 129u}) {
    std::string body = "dd000000" + to_hex(Octets{static_cast<uint8_t>(count)});
    for (size_t i = 0; i < count; ++i) {
      body += contact("192.0.2.1", "cd" + to_hex(Octets{1, static_cast<uint8_t>(i)}));
    }
    Reply reply;
    const ParseError error = error_of_reply(body, Method::find_node, &reply);
    if (count > reply_contacts_max) {
      EXPECT_EQ(error, ParseError::bad_reply);
      continue;
    }
    ASSERT_EQ(error, ParseError::none);
    ASSERT_EQ(reply.contacts_count, reply_contacts_kept);
    for (size_t i = 0; i < 20; ++i) EXPECT_EQ(reply.contacts[i].endpoint.port, 256 + i);
  }
}

TEST(RpcudpReply, AnErrorBehindTheKeptContactsStillSpoilsTheReply) {
  std::string body = "dc0015";
  for (int i = 0; i < 20; ++i) body += contact("192.0.2.1", "50");
  Reply reply;
  EXPECT_EQ(error_of_reply(body + "c1", Method::find_node, &reply), ParseError::bad_code);
  EXPECT_EQ(error_of_reply(body, Method::find_node, &reply), ParseError::truncated);
  EXPECT_EQ(error_of_reply(body + "a1ff", Method::find_node, &reply), ParseError::bad_text);
}

TEST(RpcudpReply, NilFalseAndZeroAreAnEmptyList) {
  for (const char* empty : {"c0", "c2", "00", "cc00", "d30000000000000000", "90", "dc0000"}) {
    for (const Method method : {Method::find_node, Method::find_value}) {
      Reply reply;
      EXPECT_EQ(error_of_reply(empty, method, &reply), ParseError::none) << empty;
      EXPECT_EQ(reply.contacts_count, 0u);
      EXPECT_FALSE(reply.has_value);
    }
  }
  for (const char* other : {"c3", "05", "ff", "a0", "c400", "cb0000000000000000", "d40500"}) {
    Reply reply;
    EXPECT_EQ(error_of_reply(other, Method::find_node, &reply), ParseError::bad_reply) << other;
  }
}

TEST(RpcudpReply, AValueIsFoundAmongOtherKeysInAnyOrder) {
  const std::string value = "a5" + text("value");
  struct Case {
    std::string body;
    ParseError expected;
  };
  const Case cases[] = {
      {"81" + value + "07", ParseError::none},
      {"83c0c005909181" + value + "07" /* A list, and a map as its key. */, ParseError::truncated},
      {"83c0c0058191c090" + value + "07", ParseError::none},
      {"82" + value + "07a17890", ParseError::none},
      {"81d905" + text("value") + "07", ParseError::none},
      {"80", ParseError::bad_reply},
      {"81a17807", ParseError::bad_reply},
      {"81c405" + text("value") + "07", ParseError::bad_reply},  // bin is not str.
      {"81a5" + text("Value") + "07", ParseError::bad_reply},
      {"81" + value + "c0", ParseError::bad_reply},
      {"81" + value + "9105", ParseError::bad_reply},
      {"82" + value + "07" + value + "08", ParseError::bad_reply},
      {"82" + value + "07a1ffc0", ParseError::bad_text},
  };
  for (const Case& each : cases) {
    const Octets datagram = join({header(1), each.body});
    Reply reply;
    ASSERT_EQ(rpcudp::parse_reply(datagram, Method::find_value, &reply), each.expected)
        << each.body;
    if (each.expected != ParseError::none) continue;
    EXPECT_TRUE(reply.has_value);
    EXPECT_EQ(to_hex(reply.value), "07");
    EXPECT_EQ(rpcudp::parse_reply(datagram, Method::find_node, &reply), ParseError::bad_reply);
  }
}

TEST(RpcudpReply, AStoreIsAnsweredByABoolAndNothingElse) {
  Reply reply;
  EXPECT_EQ(error_of_reply("c3", Method::store, &reply), ParseError::none);
  EXPECT_TRUE(reply.stored);
  EXPECT_EQ(error_of_reply("c2", Method::store, &reply), ParseError::none);
  EXPECT_FALSE(reply.stored);
  for (const char* other : {"c0", "01", "a474727565", "91c3"}) {
    EXPECT_EQ(error_of_reply(other, Method::store, &reply), ParseError::bad_reply) << other;
  }
}

TEST(RpcudpReply, StunNamesAnEndpointInTwoOrFourElements) {
  const std::string ip = "a9" + text("192.0.2.7");
  Reply reply;
  ASSERT_EQ(error_of_reply("92" + ip + "cd0fa0", Method::stun, &reply), ParseError::none);
  EXPECT_EQ(reply.observed, Endpoint::ipv4(0xc0000207, 4000));
  ASSERT_EQ(error_of_reply("94" + ip + "cd0fa00502", Method::stun, &reply), ParseError::none);
  EXPECT_EQ(reply.observed, Endpoint::ipv4(0xc0000207, 4000));
  const std::string others[] = {
      "91" + ip, "93" + ip + "cd0fa000",     "92" + ip + "00", "92a16107", "9205a131",
      "c0",      "95" + ip + "cd0fa0000000", "92c0cd0fa0"};
  for (const std::string& other : others) {
    EXPECT_EQ(error_of_reply(other, Method::stun, &reply), ParseError::bad_reply) << other;
  }
}

TEST(RpcudpReply, AReplyUsedAgainKeepsNothingOfTheOneBefore) {
  Reply reply;
  const std::string value = "81a5" + text("value") + "07";
  ASSERT_EQ(error_of_reply("91" + contact("192.0.2.1", "50"), Method::find_value, &reply),
            ParseError::none);
  ASSERT_EQ(error_of_reply(value, Method::find_value, &reply), ParseError::none);
  EXPECT_EQ(reply.contacts_count, 0u);
  ASSERT_EQ(error_of_reply("c3", Method::store, &reply), ParseError::none);
  EXPECT_FALSE(reply.has_value);
  ASSERT_EQ(error_of_reply(some_id, Method::ping, &reply), ParseError::none);
  EXPECT_FALSE(reply.stored);
  ASSERT_EQ(error_of_reply("92a9" + text("192.0.2.7") + "05", Method::stun, &reply),
            ParseError::none);
  EXPECT_EQ(reply.responder, Id{});
  ASSERT_EQ(error_of_reply("90", Method::find_node, &reply), ParseError::none);
  EXPECT_EQ(reply.observed, Endpoint{});
}

TEST(RpcudpReply, ARequestIsNoReplyAndTheOtherWayRound) {
  const Octets ping = encoded(
      [](MutableBytes out) { return rpcudp::encode_ping_request(out, transaction, id_of(1)); });
  const Octets pong = encoded(
      [](MutableBytes out) { return rpcudp::encode_ping_reply(out, transaction, id_of(1)); });
  Reply reply;
  EXPECT_FALSE(rpcudp::is_reply(ping));
  EXPECT_TRUE(rpcudp::is_reply(pong));
  EXPECT_FALSE(rpcudp::is_reply({}));
  EXPECT_EQ(rpcudp::parse_reply(ping, Method::ping, &reply), ParseError::unknown_kind);
  EXPECT_EQ(error_of(pong), ParseError::unknown_kind);
  EXPECT_TRUE(equal(rpcudp::transaction_of(ping), transaction));
  EXPECT_TRUE(rpcudp::transaction_of(Bytes(ping).first(20)).empty());
}

// --- Sizes.

TEST(RpcudpSizes, EveryEncoderFitsItsSizeExactlyAndFailsOneByteBelow) {
  const Octets value = packed_text(8137);
  struct Case {
    size_t size;
    std::function<size_t(MutableBytes)> encode;
  };
  const Id id = id_of(1);
  IpAddress longest;
  longest.bytes.fill(0xfe);
  longest.bytes[0] = 0x20;
  const Endpoint farthest{longest, UINT32_MAX, 65535};
  const Case cases[] = {
      {rpcudp::ping_request_size,
       [&](MutableBytes out) { return rpcudp::encode_ping_request(out, transaction, id); }},
      {rpcudp::find_request_size_max,
       [&](MutableBytes out) {
         return rpcudp::encode_find_value_request(out, transaction, id, id);
       }},
      {rpcudp::store_request_size_max(value.size()),
       [&](MutableBytes out) {
         return rpcudp::encode_store_request(out, transaction, id, id, value, 1);
       }},
      {rpcudp::ping_reply_size,
       [&](MutableBytes out) { return rpcudp::encode_ping_reply(out, transaction, id); }},
      {rpcudp::store_reply_size,
       [&](MutableBytes out) { return rpcudp::encode_store_reply(out, transaction, false); }},
      {rpcudp::value_reply_size(value.size()),
       [&](MutableBytes out) { return rpcudp::encode_value_reply(out, transaction, value); }},
  };
  for (const Case& each : cases) {
    Octets out(each.size);
    EXPECT_EQ(each.encode(out), each.size);
    for (size_t less = 0; less < each.size; less += each.size < 100 ? 1 : 97) {
      EXPECT_EQ(each.encode(MutableBytes(out).first(less)), 0u) << less << " of " << each.size;
    }
    EXPECT_EQ(each.encode(MutableBytes(out).first(each.size - 1)), 0u);
  }
  Octets out(rpcudp::stun_reply_size_max);
  const size_t size = rpcudp::encode_stun_reply(out, transaction, farthest);
  EXPECT_GT(size, 0u);
  EXPECT_EQ(rpcudp::encode_stun_reply(MutableBytes(out).first(size - 1), transaction, farthest),
            0u);
}

TEST(RpcudpSizes, AnIpv4TailHasAtMostNineteenBytesAndTheLongestAnswerFits) {
  std::array<uint8_t, rpcudp::contact_tail_max> tail;
  EXPECT_EQ(rpcudp::encode_contact_tail(Endpoint::ipv4(0xffffffff, 65535), tail),
            ContactBook::tail_kept_max);
  EXPECT_EQ(rpcudp::encode_contact_tail(Endpoint::ipv4(0x01010101, 1), tail), 9u);
  const auto longest = Endpoint::parse("[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
  const size_t size = rpcudp::encode_contact_tail(*longest, tail);
  EXPECT_EQ(size, 2 + 38 + 3u);
  EXPECT_EQ(tail[0], 0xd9);
  EXPECT_EQ(rpcudp::encode_contact_tail(*longest, MutableBytes(tail).first(size - 1)), 0u);

  Octets out(rpcudp::contacts_reply_size_max);
  rpcudp::ContactsReply reply(out, transaction, 20);
  Octets widest(rpcudp::contact_tail_max, 'x');
  for (int i = 0; i < 20; ++i) reply.add(id_of(1), widest);
  EXPECT_EQ(reply.size(), rpcudp::contacts_reply_size_max);
}

TEST(RpcudpSizes, AnAnswerThatDoesNotFitHasSizeZero) {
  std::array<uint8_t, rpcudp::contact_tail_max> buffer;
  const Bytes tail =
      Bytes(buffer).first(rpcudp::encode_contact_tail(Endpoint::ipv4(0x7f000001, 9), buffer));
  const size_t whole = 22 + 2 * (rpcudp::contact_head_size + tail.size());
  for (size_t size = 0; size <= whole; ++size) {
    Octets out(size);
    rpcudp::ContactsReply reply(out, transaction, 2);
    reply.add(id_of(1), tail);
    reply.add(id_of(2), tail);
    EXPECT_EQ(reply.size(), size == whole ? whole : 0) << size;
  }
}

TEST(RpcudpSizesDeathTest, AContactAnnouncedAndNotAddedIsOurBug) {
  Octets out(rpcudp::contacts_reply_size_max);
  rpcudp::ContactsReply reply(out, transaction, 2);
  reply.add(id_of(1), Octets{0xa0, 0x05});
  EXPECT_DEATH(reply.size(), "left_ == 0");
}

// --- Properties.

Endpoint random_endpoint(Rng& rng) {
  IpAddress address = IpAddress::ipv4(static_cast<uint32_t>(rng.next() >> rng.bounded(32)));
  if (rng.chance(0.5)) {
    rng.fill(address.bytes);
    if (rng.chance(0.5)) std::fill_n(address.bytes.begin() + 2, rng.bounded(14), uint8_t{0});
  }
  return {address, 0, static_cast<uint16_t>(1 + rng.bounded(65'535))};
}

bool may_be_sent_to(const IpAddress& address) {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_link_local();
}

TEST(Rpcudp, WhateverContactsAreEncodedAreParsedAgain) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    std::vector<Contact> contacts(rng.bounded(21));
    std::vector<Contact> expected;
    Octets out(rpcudp::contacts_reply_size_max);
    rpcudp::ContactsReply encoder(out, transaction, contacts.size());
    for (Contact& each : contacts) {
      rng.fill(each.id.bytes);
      each.endpoint = random_endpoint(rng);
      std::array<uint8_t, rpcudp::contact_tail_max> tail;
      encoder.add(each.id, Bytes(tail).first(rpcudp::encode_contact_tail(each.endpoint, tail)));
      if (may_be_sent_to(each.endpoint.address)) expected.push_back(each);
    }
    Reply reply;
    ASSERT_EQ(rpcudp::parse_reply(Bytes(out).first(encoder.size()), Method::find_node, &reply),
              ParseError::none);
    const auto kept = std::span(reply.contacts).first(reply.contacts_count);
    EXPECT_EQ(std::vector<Contact>(kept.begin(), kept.end()), expected);
  }
}

TEST(Rpcudp, NoBytesBreakTheParserAndWhatItAcceptsItCanReadAgain) {
  int accepted = 0;
  for (uint64_t seed = 1; seed <= 30'000; ++seed) {
    Rng rng(seed);
    Octets datagram = store_request(packed_text(rng.bounded(40)));
    if (rng.chance(0.3)) datagram = join({header(1), "91" + contact("192.0.2.1", "50")});
    for (uint64_t changes = rng.bounded(4); changes > 0; --changes) {
      datagram[rng.bounded(datagram.size())] = static_cast<uint8_t>(rng.next());
    }
    datagram.resize(rng.chance(0.3) ? rng.bounded(datagram.size() + 1) : datagram.size());
    const Octets exact(datagram);  // Of exactly that capacity, for the address sanitizer.
    Request request;
    if (rpcudp::parse_request(exact, &request) == ParseError::none) {
      ++accepted;
      if (request.method == Method::store && request.acceptable) {
        EXPECT_TRUE(decode_value(request.value)) << "seed " << seed;
      }
    }
    Reply reply;
    for (size_t method = 0; method < std::size(method_names); ++method) {
      const ParseError error = rpcudp::parse_reply(exact, static_cast<Method>(method), &reply);
      if (error != ParseError::none) continue;
      EXPECT_LE(reply.contacts_count, reply_contacts_kept);
      for (size_t i = 0; i < reply.contacts_count; ++i) {
        EXPECT_TRUE(may_be_sent_to(reply.contacts[i].endpoint.address)) << "seed " << seed;
      }
    }
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Rpcudp, IsStorableMeansOneWholeElementOfAStorableType) {
  for (const char* value : {"05", "c3", "a161", "c40100", "cb0000000000000000"}) {
    EXPECT_TRUE(rpcudp::is_storable(*from_hex(value))) << value;
  }
  for (const char* value :
       {"", "c0", "90", "80", "d40500", "a2", "a1ff", "c1", "05ce00000001", "0505"}) {
    EXPECT_FALSE(rpcudp::is_storable(*from_hex(value))) << value;
  }
}

}  // namespace
}  // namespace xord
