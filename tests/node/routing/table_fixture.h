// One routing table without shards, and contacts for it, for rule tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "node/routing/routing_table.h"
#include "node/wire/rpcudp/rpcudp.h"

namespace xord {

class RoutingTableTest : public ::testing::Test {
 protected:
  static constexpr Instant start{1'000'000'000'000'000};
  using Kind = TableAction::Kind;

  RoutingTableTest() : book(2000, rpcudp::encode_contact_tail, 1) {
    config.contacts_max = 1000;
    config.buckets_max = 200;
    config.recent_pings = 4096;
    config.client_id.bytes.fill(0xcc);
    make_table();
  }
  void make_table() {
    table.reset();
    table.emplace(config, self, ShardIndex{0}, 1, book, start);
  }

  // A contact of the farthest range, in its first sixteenth: 80 00 .. and a number at the end.
  static Contact far_contact(uint32_t number) {
    Contact contact;
    contact.id.bytes[0] = 0x80;
    store_be32(&contact.id.bytes[16], number);
    contact.endpoint = Endpoint::ipv4(0x0a000000 + number, 4000);
    return contact;
  }
  // A contact whose id begins with `first`.
  static Contact contact_in(uint8_t first, uint32_t number) {
    Contact contact = far_contact(number);
    contact.id.bytes[0] = first;
    return contact;
  }
  static Contact far_contact_at(uint32_t number, const char* endpoint) {
    Contact contact = far_contact(number);
    contact.endpoint = *Endpoint::parse(endpoint);
    return contact;
  }
  // Twenty contacts that share all the bits a bucket may be split by.
  void fill_bucket() {
    for (uint32_t i = 0; i < bucket_size; ++i) pong(far_contact(i));
    ASSERT_EQ(table->count(), bucket_size);
  }
  TableAction pong(const Contact& contact) {
    const TableAction action = table->observe(contact, Evidence::ponged, now);
    table->check_invariants();
    return action;
  }
  // The ping before eviction and its retry reach 5 s.
  void stay_silent(const Contact& contact) {
    table->failed(contact, now + seconds(5));
    table->failed(contact, now + seconds(6));
    table->check_invariants();
  }
  bool hands_out(const Contact& contact) const {
    std::vector<ContactHandle> found(64);
    found.resize(table->nearest(contact.id, family_of(contact.endpoint), found));
    return std::any_of(found.begin(), found.end(),
                       [&](ContactHandle handle) { return book.contact(handle) == contact; });
  }
  std::vector<TableAction> advance(Duration by) {
    std::vector<TableAction> actions;
    const Instant until = now + by;
    while (table->next_wakeup() && *table->next_wakeup() <= until) {
      now = std::max(now, *table->next_wakeup());
      table->advance(now, rng, [&](const TableAction& action) { actions.push_back(action); });
    }
    now = until;
    table->check_invariants();
    return actions;
  }

  Id self{};
  RoutingConfig config;
  ContactBook book;
  Rng rng{7};
  Instant now = start;
  std::optional<RoutingTable> table;
};

}  // namespace xord
