#include "node/server/admin/notice_lines.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

NodeNotice notice_of(NoticeKind kind) {
  NodeNotice notice;
  notice.kind = kind;
  notice.prefix = *Subnet::parse("192.0.2.0/24");
  notice.count = 75;
  notice.lasted = seconds(90) + microseconds(1'234'567);
  return notice;
}

TEST(NoticeLines, ASourceThatIsThinnedOutIsNamedWithTheShareThatIsDropped) {
  const NoticeLine line = line_of_source("rpcudp", 3, notice_of(NoticeKind::source_thinned));
  EXPECT_EQ(line.level, LogLevel::warning);
  EXPECT_EQ(line.message, "source thinned out");
  Log::Fields fields = line.fields;
  EXPECT_NE(fields.at("hint").get<std::string>().find("--limit-for"), std::string::npos);
  fields.erase("hint");
  EXPECT_EQ(fields, (Log::Fields{{"network", "rpcudp"},
                                 {"shard", 3},
                                 {"prefix", "192.0.2.0/24"},
                                 {"dropped_percent", 75}}));
}

TEST(NoticeLines, ASourceThatPassesAgainIsNamedWithTheTimeInBetween) {
  const NoticeLine line = line_of_source("rpcudp", 1, notice_of(NoticeKind::source_restored));
  EXPECT_EQ(line.level, LogLevel::info);
  EXPECT_EQ(line.message, "source no longer thinned out");
  EXPECT_EQ(
      line.fields,
      (Log::Fields{
          {"network", "rpcudp"}, {"shard", 1}, {"prefix", "192.0.2.0/24"}, {"after_s", 91.235}}));
}

}  // namespace
}  // namespace xord
