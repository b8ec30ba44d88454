#include "node/server/shards/contacts_saver.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

ReportedContact contact(uint8_t number) {
  ReportedContact contact;
  contact.id.bytes[0] = number;
  contact.endpoint = Endpoint::ipv4(0x7f000001, number);
  contact.answered_last = number;
  return contact;
}
ContactsReport page(bool first, bool last, NetworkIndex network = 0) {
  ContactsReport report;
  report.network = network;
  report.first = first;
  report.last = last;
  return report;
}

TEST(ContactsSaver, TakesAListOnlyWhenItsLastPageIsThere) {
  ContactsSaver saver(1, {"rpcudp"});
  const ReportedContact one[] = {contact(1), contact(2)};
  const ReportedContact two[] = {contact(3)};
  saver.take(0, page(true, false), one);
  EXPECT_FALSE(saver.is_changed());
  EXPECT_TRUE(saver.contacts().empty());
  saver.take(0, page(false, true), two);
  EXPECT_TRUE(saver.is_changed());
  const auto saved = saver.contacts();
  EXPECT_FALSE(saver.is_changed());
  ASSERT_EQ(saved.size(), 1u);
  EXPECT_EQ(saved[0].network, "rpcudp");
  ASSERT_EQ(saved[0].contacts.size(), 3u);
  EXPECT_EQ(saved[0].contacts[2].endpoint.port, 3);
  EXPECT_EQ(saved[0].contacts[2].last_answered, 3u);
}

TEST(ContactsSaver, StartsOverWhenAListBeginsAgain) {
  ContactsSaver saver(1, {"rpcudp"});
  const ReportedContact old[] = {contact(1)};
  const ReportedContact fresh[] = {contact(2)};
  saver.take(0, page(true, false), old);
  saver.take(0, page(true, true), fresh);
  const auto saved = saver.contacts();
  ASSERT_EQ(saved[0].contacts.size(), 1u);
  EXPECT_EQ(saved[0].contacts[0].endpoint.port, 2);
}

TEST(ContactsSaver, JoinsTheListsOfAllShardsByNetwork) {
  ContactsSaver saver(2, {"rpcudp", "mainline"});
  const ReportedContact a[] = {contact(1)};
  const ReportedContact b[] = {contact(2)};
  const ReportedContact c[] = {contact(3)};
  saver.take(0, page(true, true, 0), a);
  saver.take(1, page(true, true, 0), b);
  saver.take(1, page(true, true, 1), c);
  const auto saved = saver.contacts();
  ASSERT_EQ(saved.size(), 2u);
  EXPECT_EQ(saved[0].contacts.size(), 2u);
  ASSERT_EQ(saved[1].contacts.size(), 1u);
  EXPECT_EQ(saved[1].contacts[0].endpoint.port, 3);
}

TEST(ContactsSaver, HasNothingToSaveWhenAllListsAreEmpty) {
  ContactsSaver saver(1, {"rpcudp"});
  saver.take(0, page(true, true), {});
  EXPECT_TRUE(saver.is_changed());
  EXPECT_TRUE(saver.contacts().empty()) << "an empty table must not replace what was saved";
}

TEST(ContactsSaver, NamesTheContactOfANetworkThatAnsweredLast) {
  ContactsSaver saver(2, {"rpcudp", "mainline", "empty"});
  const ReportedContact a[] = {contact(2), contact(5), contact(3)};
  const ReportedContact b[] = {contact(4)};
  const ReportedContact never[] = {contact(0)};
  const ReportedContact c[] = {contact(7), contact(6)};
  saver.take(0, page(true, true, 0), a);
  saver.take(1, page(true, true, 0), b);
  saver.take(0, page(true, true, 1), never);
  EXPECT_EQ(saver.answered_last(0), a[1].endpoint) << "neither the first nor the last of all";
  EXPECT_EQ(saver.answered_last(1), std::nullopt) << "it never answered";
  EXPECT_EQ(saver.answered_last(2), std::nullopt);
  saver.take(1, page(true, true, 1), c);
  EXPECT_EQ(saver.answered_last(1), c[0].endpoint) << "of another shard";
  EXPECT_EQ(saver.answered_last(0), a[1].endpoint) << "of another network";
  saver.take(0, page(true, true, 0), {});
  EXPECT_EQ(saver.answered_last(0), b[0].endpoint) << "the others are gone";
}

}  // namespace
}  // namespace xord
