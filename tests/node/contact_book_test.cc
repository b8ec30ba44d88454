#include "node/contact_book.h"

#include <gtest/gtest.h>

#include <map>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

Contact contact_of(uint32_t number) {
  Contact contact;
  store_be32(contact.id.bytes.data(), number * 2654435761u);
  contact.endpoint = Endpoint::ipv4(0x0a000000 + number, static_cast<uint16_t>(1 + number % 60000));
  return contact;
}

TEST(ContactBook, NamesOneContactByOneHandleWhoeverAsks) {
  ContactBook book(8, rpcudp::encode_contact_tail, 1);
  const ContactHandle first = book.acquire(contact_of(1));
  EXPECT_EQ(book.acquire(contact_of(1)), first);
  EXPECT_NE(book.acquire(contact_of(2)), first);
  EXPECT_EQ(book.contact(first), contact_of(1));
  EXPECT_EQ(book.count(), 2u);
}

TEST(ContactBook, KeepsTheEncodedTailOfAnIpv4ContactAndNoneOfALongIpv6One) {
  ContactBook book(8, rpcudp::encode_contact_tail, 1);
  const Contact longest{Id{}, Endpoint::ipv4(0xffffffff, 65535)};
  EXPECT_EQ(text_of(book.tail(book.acquire(longest))),
            "\xaf"
            "255.255.255.255\xcd\xff\xff");
  const Contact ipv6{Id{}, *Endpoint::parse("[2001:db8:aaaa:bbbb::1]:8468")};
  EXPECT_TRUE(book.tail(book.acquire(ipv6)).empty());
}

TEST(ContactBook, SaysWhenItIsFullAndTakesAgainWhatWasReleased) {
  ContactBook book(2, rpcudp::encode_contact_tail, 1);
  const ContactHandle first = book.acquire(contact_of(1));
  ASSERT_NE(book.acquire(contact_of(2)), no_contact);
  EXPECT_EQ(book.acquire(contact_of(3)), no_contact);
  book.share(first);
  book.release(first);
  EXPECT_EQ(book.acquire(contact_of(3)), no_contact) << "somebody still holds the first";
  book.release(first);
  EXPECT_NE(book.acquire(contact_of(3)), no_contact);
}

TEST(ContactBook, AgreesWithAMapOverRandomHoldsAndReleases) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    ContactBook book(64, rpcudp::encode_contact_tail, seed);
    std::map<uint32_t, std::pair<ContactHandle, int>> held;  // By number: handle, holders.
    for (int step = 0; step < 5000; ++step) {
      const auto number = static_cast<uint32_t>(rng.bounded(100));
      const auto found = held.find(number);
      if (rng.chance(0.5)) {
        const ContactHandle handle = book.acquire(contact_of(number));
        if (found != held.end()) {
          ASSERT_EQ(handle, found->second.first);
          ++found->second.second;
        } else if (held.size() == 64) {
          ASSERT_EQ(handle, no_contact);
        } else {
          ASSERT_EQ(book.contact(handle), contact_of(number));
          held[number] = {handle, 1};
        }
      } else if (found != held.end()) {
        book.release(found->second.first);
        if (--found->second.second == 0) held.erase(found);
      }
      ASSERT_EQ(book.count(), held.size());
    }
  }
}

}  // namespace
}  // namespace xord
