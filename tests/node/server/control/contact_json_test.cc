#include "node/server/control/contact_json.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

ContactRow row_of(Standing standing) {
  ContactRow row;
  row.contact.id.bytes[0] = 0xab;
  row.contact.endpoint = Endpoint::ipv4(0xc0000207, 8468);
  row.standing = static_cast<uint8_t>(standing);
  return row;
}

TEST(ContactJson, HasAllThatIsKnown) {
  ContactRow row = row_of(Standing::doubted);
  row.answered_ago = 12;
  row.up = 3600;
  row.round_trip = 1500;
  row.failures = 2;
  row.depth = 5;
  EXPECT_EQ(json_of(row), ControlJson::parse(R"({
      "id": "ab00000000000000000000000000000000000000", "endpoint": "192.0.2.7:8468",
      "state": "doubted", "answered_ago_s": 12, "up_s": 3600, "srtt_ms": 1.5, "failures": 2,
      "depth": 5})"));
}

TEST(ContactJson, IsNullWhereNothingIsKnown) {
  const ControlJson json = json_of(row_of(Standing::awaited));
  EXPECT_TRUE(json.at("answered_ago_s").is_null());
  EXPECT_TRUE(json.at("srtt_ms").is_null());
  EXPECT_EQ(json.at("up_s"), 0);
}

TEST(ContactJson, AnAnswerOfThisMomentIsKnown) {
  ContactRow row = row_of(Standing::trusted);
  row.answered_ago = 0;
  row.round_trip = 0;
  EXPECT_EQ(json_of(row).at("answered_ago_s"), 0);
  EXPECT_EQ(json_of(row).at("srtt_ms"), 0);
}

TEST(ContactJson, NamesEachState) {
  const std::pair<Standing, const char*> names[] = {{Standing::silent, "silent"},
                                                    {Standing::awaited, "awaited"},
                                                    {Standing::doubted, "doubted"},
                                                    {Standing::trusted, "trusted"}};
  for (const auto& [standing, name] : names) EXPECT_EQ(json_of(row_of(standing)).at("state"), name);
}

}  // namespace
}  // namespace xord
