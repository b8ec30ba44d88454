// Every reply of a load run is checked: what counts as right, and how each lie is classified.
#include "tools/load/reply_check.h"

#include <gtest/gtest.h>

#include "node/wire/rpcudp/rpcudp.h"

namespace xord {
namespace {

constexpr Transaction transaction{1, 2, 3};
const Id node_id = *Id::from_hex("c0ffee00112233445566778899aabbccddeeff00");

template <class Encode>
std::vector<uint8_t> reply(Encode&& encode) {
  std::vector<uint8_t> bytes(9'000);
  bytes.resize(encode(MutableBytes(bytes)));
  return bytes;
}
std::vector<uint8_t> contacts_reply(size_t count, uint16_t port = 8468) {
  return reply([&](MutableBytes out) {
    rpcudp::ContactsReply contacts(out, transaction, count);
    std::array<uint8_t, rpcudp::contact_tail_max> tail;
    for (size_t i = 0; i < count; ++i) {
      const auto address = static_cast<uint32_t>(0xc0000201 + i);
      const size_t size = rpcudp::encode_contact_tail(Endpoint::ipv4(address, port), tail);
      contacts.add(node_id, Bytes(tail).first(size));
    }
    return contacts.size();
  });
}
std::vector<uint8_t> pong(const Id& id) {
  return reply([&](MutableBytes out) { return rpcudp::encode_ping_reply(out, transaction, id); });
}
std::vector<uint8_t> stored(bool truth) {
  return reply(
      [&](MutableBytes out) { return rpcudp::encode_store_reply(out, transaction, truth); });
}

class Checked : public testing::Test {
 protected:
  Verdict of(Bytes datagram, RequestKind kind, uint64_t number = 0) {
    return check_.check(datagram, kind, number, request_size_, keys_);
  }
  std::vector<uint8_t> value_of(IdDomain domain, uint64_t number) {
    std::array<uint8_t, 300> value;
    const size_t size = keys_.write_value(domain, number, value);
    return reply([&](MutableBytes out) {
      return rpcudp::encode_value_reply(out, transaction, Bytes(value).first(size));
    });
  }

  KeySpace keys_{1, {}, node_id, 0};
  ReplyCheck check_{CheckDepth::content};
  size_t request_size_ = 0;  // Less than any reply.
};

TEST_F(Checked, AnyNumberOfContactsUpToTwentyIsRightUntilMoreAreExpected) {
  for (size_t count = 0; count <= 20; ++count) {
    EXPECT_EQ(of(contacts_reply(count), RequestKind::find_node), Verdict::right) << count;
  }
  for (int often = 0; often < 200; ++often) {  // Whether parsed in full or not.
    ASSERT_EQ(of(contacts_reply(21), RequestKind::find_node), Verdict::too_many_contacts);
  }
  check_.expect_contacts(20);
  EXPECT_EQ(of(contacts_reply(19), RequestKind::find_node), Verdict::too_few_contacts);
  EXPECT_EQ(of(contacts_reply(19), RequestKind::find_value_miss), Verdict::too_few_contacts);
  EXPECT_EQ(of(contacts_reply(20), RequestKind::find_value_miss), Verdict::right);
}

// As a xord answers a source beyond its limit: with the contacts that fit the request.
TEST_F(Checked, AnAnswerIsCutIfNoMoreContactsFitTheSizeOfTheRequest) {
  of(contacts_reply(20), RequestKind::find_node);
  const size_t size_of_one = contacts_reply(2).size() - contacts_reply(1).size();
  for (int often = 0; often < 128; ++often) {  // Parsed in full or not.
    request_size_ = contacts_reply(1).size();
    EXPECT_EQ(of(contacts_reply(1), RequestKind::find_node), Verdict::cut);
    EXPECT_EQ(of(contacts_reply(1), RequestKind::find_value_miss), Verdict::cut);
    EXPECT_EQ(of(contacts_reply(1), RequestKind::find_value_hit), Verdict::value_missing);
    EXPECT_EQ(of(contacts_reply(2), RequestKind::find_node), Verdict::right) << "longer";
    EXPECT_EQ(of(contacts_reply(0), RequestKind::find_node), Verdict::right) << "room for one";
    request_size_ += size_of_one - 1;
    EXPECT_EQ(of(contacts_reply(1), RequestKind::find_node), Verdict::cut);
    request_size_ += 1;
    EXPECT_EQ(of(contacts_reply(1), RequestKind::find_node), Verdict::right) << "room for two";
    request_size_ = contacts_reply(20).size();
    EXPECT_EQ(of(contacts_reply(20), RequestKind::find_node), Verdict::right) << "all there are";
    request_size_ = rpcudp::header_size + size_of_one;
    EXPECT_EQ(of(contacts_reply(0), RequestKind::find_node), Verdict::cut) << "none fits";
  }
  check_.expect_contacts(20);
  EXPECT_EQ(of(contacts_reply(0), RequestKind::find_node), Verdict::cut);
  EXPECT_EQ(of(contacts_reply(1), RequestKind::find_node), Verdict::too_few_contacts);
}

TEST_F(Checked, ANodeThatNeverGaveTwentyContactsCutsNothing) {
  for (const size_t count : {1u, 19u, 1u}) {
    request_size_ = contacts_reply(1).size();
    EXPECT_EQ(of(contacts_reply(count), RequestKind::find_node), Verdict::right) << count;
  }
}

TEST_F(Checked, AReplyCutAnywhereIsMalformed) {
  for (const auto& whole : {contacts_reply(20), contacts_reply(3, 80), pong(node_id)}) {
    const auto kind = whole.size() < 50 ? RequestKind::ping : RequestKind::find_node;
    for (size_t size = rpcudp::header_size; size < whole.size(); ++size) {
      // Repeated until one of them is parsed in full.
      ASSERT_EQ(of(Bytes(whole).first(size), kind), Verdict::malformed) << size;
    }
  }
}

TEST_F(Checked, EveryPongMustNameTheFirstOnesId) {
  EXPECT_EQ(of(pong(node_id), RequestKind::ping), Verdict::right);
  EXPECT_EQ(check_.id(), node_id);
  Id other = node_id;
  other.bytes[19] ^= 1;
  EXPECT_EQ(of(pong(other), RequestKind::ping), Verdict::wrong_id);
}

TEST_F(Checked, AStoreIsRightOrRefused) {
  EXPECT_EQ(of(stored(true), RequestKind::store), Verdict::right);
  EXPECT_EQ(of(stored(false), RequestKind::store), Verdict::refused);
  EXPECT_EQ(of(pong(node_id), RequestKind::store), Verdict::malformed);
}

TEST_F(Checked, AHitMustBringTheBytesThatWereStored) {
  EXPECT_EQ(of(value_of(IdDomain::hits, 5), RequestKind::find_value_hit, 5), Verdict::right);
  EXPECT_EQ(of(value_of(IdDomain::hits, 5), RequestKind::find_value_hit, 6), Verdict::wrong_value);
  EXPECT_EQ(of(contacts_reply(20), RequestKind::find_value_hit, 5), Verdict::value_missing);
  auto flipped = value_of(IdDomain::hits, 5);
  flipped.back() ^= 1;
  EXPECT_EQ(of(flipped, RequestKind::find_value_hit, 5), Verdict::wrong_value);
}

TEST_F(Checked, AMissMustNotBringAValue) {
  EXPECT_EQ(of(value_of(IdDomain::hits, 5), RequestKind::find_value_miss, 5),
            Verdict::value_unexpected);
}

TEST_F(Checked, TheQuickLookCountsWhatTheParserCounts) {
  for (size_t count = 1; count <= 21; ++count) {  // An empty list is short: left to the parser.
    for (const uint16_t port : std::array<uint16_t, 3>{80, 200, 8468}) {
      EXPECT_EQ(count_contacts(contacts_reply(count, port)), count);
    }
  }
  EXPECT_FALSE(count_contacts(pong(node_id)));
  auto longer = contacts_reply(2);
  longer.push_back(0);
  EXPECT_FALSE(count_contacts(longer)) << "left to the parser, not counted";
}

TEST(CheckDepth, TransactionTakesAnyReply) {
  ReplyCheck check(CheckDepth::transaction);
  const KeySpace keys(1, {}, node_id, 0);
  const std::vector<uint8_t> anything(600, 0xff);
  EXPECT_EQ(check.check(anything, RequestKind::find_node, 0, anything.size(), keys),
            Verdict::right);
}

TEST_F(Checked, EachKindAndEachVerdictHasItsName) {
  const std::pair<RequestKind, std::string_view> kinds[] = {
      {RequestKind::find_node, "find_node"},
      {RequestKind::find_value_hit, "find_value_hit"},
      {RequestKind::find_value_miss, "find_value_miss"},
      {RequestKind::store, "store"},
      {RequestKind::ping, "ping"}};
  for (const auto& [kind, name] : kinds) EXPECT_EQ(name_of(kind), name);
  const std::pair<Verdict, std::string_view> verdicts[] = {
      {Verdict::right, "right"},
      {Verdict::refused, "refused"},
      {Verdict::malformed, "malformed"},
      {Verdict::wrong_id, "wrong_id"},
      {Verdict::cut, "cut"},
      {Verdict::too_few_contacts, "too_few_contacts"},
      {Verdict::too_many_contacts, "too_many_contacts"},
      {Verdict::value_missing, "value_missing"},
      {Verdict::value_unexpected, "value_unexpected"},
      {Verdict::wrong_value, "wrong_value"}};
  for (const auto& [verdict, name] : verdicts) EXPECT_EQ(name_of(verdict), name);
}

TEST_F(Checked, TheContactsOfTheLastAnswerAreRemembered) {
  EXPECT_EQ(check_.contacts_last(), 0u);
  for (const uint32_t count : {20u, 3u, 0u, 7u}) {
    EXPECT_EQ(of(contacts_reply(count), RequestKind::find_node), Verdict::right);
    EXPECT_EQ(check_.contacts_last(), count);
  }
  check_.expect_contacts(5);
  EXPECT_EQ(of(contacts_reply(4), RequestKind::find_node), Verdict::too_few_contacts);
  EXPECT_EQ(check_.contacts_last(), 4u);
  EXPECT_EQ(of(contacts_reply(5), RequestKind::find_node), Verdict::right);
}

// An address that is none, in the place and of the length of one: only the parser sees it.
TEST_F(Checked, OneReplyOfSixtyFourIsParsedInFull) {
  auto nonsense = contacts_reply(20);
  const size_t address = rpcudp::header_size + 3 + rpcudp::contact_head_size + 1;
  ASSERT_EQ(nonsense[address], '1');
  nonsense[address] = 0xff;  // Not UTF-8.
  for (int i = 1; i <= 640; ++i) {
    const Verdict verdict = of(nonsense, RequestKind::find_node);
    EXPECT_EQ(verdict, i % 64 == 0 ? Verdict::malformed : Verdict::right) << i;
  }
}

TEST_F(Checked, TheQuickLookTakesNoOtherShape) {
  const auto whole = contacts_reply(2, 200);
  constexpr size_t first = rpcudp::header_size + 1;
  const size_t text = whole[first + rpcudp::contact_head_size] & 0x1fu;
  const size_t second = first + rpcudp::contact_head_size + 1 + text + 2;
  ASSERT_EQ(count_contacts(whole), 2u);
  ASSERT_EQ(whole.size(), second + second - first);
  const auto with = [&](size_t at, uint8_t byte) {
    auto changed = whole;
    changed[at] = byte;
    return count_contacts(changed);
  };
  EXPECT_FALSE(with(rpcudp::header_size, 0xa2)) << "a text, not a list";
  EXPECT_FALSE(with(rpcudp::header_size, 0x91));
  EXPECT_FALSE(with(rpcudp::header_size, 0x93));
  for (const size_t contact : {first, second}) {
    EXPECT_FALSE(with(contact, 0x92)) << "a list of three";
    EXPECT_FALSE(with(contact + 1, 0xc5)) << "of bytes";
    EXPECT_FALSE(with(contact + 2, 19)) << "that are twenty";
    EXPECT_FALSE(with(contact + rpcudp::contact_head_size, 0xd9)) << "of a short text";
    EXPECT_FALSE(with(contact + rpcudp::contact_head_size, whole[contact + 23] - 1));
    EXPECT_FALSE(with(contact + rpcudp::contact_head_size, whole[contact + 23] + 1));
    EXPECT_FALSE(with(contact + rpcudp::contact_head_size + 1 + text, 0xce)) << "and of a port";
    EXPECT_FALSE(with(contact + rpcudp::contact_head_size + 1 + text, 0x80));
    EXPECT_FALSE(with(contact + rpcudp::contact_head_size + 1 + text, 0xc0));
    EXPECT_TRUE(with(contact + 3, 0)) << "whatever the id";
    EXPECT_TRUE(with(contact + rpcudp::contact_head_size + 1 + text + 1, 1)) << "and the port";
  }
  EXPECT_EQ(count_contacts(contacts_reply(2, 127)), 2u) << "in one byte";
  EXPECT_EQ(count_contacts(contacts_reply(2, 128)), 2u) << "in two";
  EXPECT_EQ(count_contacts(contacts_reply(2, 256)), 2u) << "in three";
  auto in_one_byte = contacts_reply(1, 127);
  for (const uint8_t other : std::initializer_list<uint8_t>{0x80, 0xcc, 0xcd, 0xff}) {
    in_one_byte.back() = other;
    EXPECT_FALSE(count_contacts(in_one_byte)) << "no port from 0 to 127";
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(count_contacts(Bytes(whole).first(size))) << size;
  }
}

TEST_F(Checked, AReplyOfAnotherMethodIsMalformed) {
  const auto contacts = contacts_reply(3);
  EXPECT_EQ(of(contacts, RequestKind::ping), Verdict::malformed);
  EXPECT_EQ(of(contacts, RequestKind::store), Verdict::malformed);
  EXPECT_EQ(of(stored(true), RequestKind::find_node), Verdict::malformed);
  EXPECT_EQ(of(stored(true), RequestKind::find_value_hit), Verdict::malformed);
  EXPECT_EQ(of(stored(true), RequestKind::ping), Verdict::malformed);
  EXPECT_EQ(of(value_of(IdDomain::hits, 5), RequestKind::find_node), Verdict::malformed);
  EXPECT_FALSE(check_.id()) << "none of them was a pong";
}

TEST_F(Checked, AMissIsRightWithContactsAndAHitIsNotEvenWithNone) {
  for (int often = 0; often < 128; ++often) {  // Parsed in full or not.
    EXPECT_EQ(of(contacts_reply(20), RequestKind::find_value_hit, 5), Verdict::value_missing);
    EXPECT_EQ(of(contacts_reply(3), RequestKind::find_value_miss, 5), Verdict::right);
  }
  EXPECT_EQ(of(contacts_reply(0), RequestKind::find_value_hit, 5), Verdict::value_missing);
  EXPECT_EQ(of(contacts_reply(0), RequestKind::find_value_miss, 5), Verdict::right);
}

}  // namespace
}  // namespace xord
