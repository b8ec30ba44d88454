// The report of the health as the document of GET /v1/health and `xord health --json`.
#include "node/server/health/health_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace xord {
namespace {

TEST(HealthJson, NamesEachCheckItsLevelItsAgeAndWhatItIsAReasonFor) {
  const MonotonicTime now{seconds(1'000).nanoseconds};
  HealthFacts facts;
  facts.storage = StorageState::loading;
  facts.has_known_nodes = true;
  facts.contacts = 3;
  facts.network_size = 1'000;
  facts.has_joined = true;
  facts.uptime = seconds(7);
  facts.commit = {1, seconds(61)};
  const HealthReport report = check_health(facts, now, {});
  const auto expected = nlohmann::ordered_json::parse(R"({
    "state": "failed", "live": false, "started": false, "ready": false,
    "checks": [
      {"name": "shards", "status": "ok", "detail": "every shard answers",
       "since_s": 2.346, "of": ["live", "ready"]},
      {"name": "commit", "status": "fail",
       "detail": "writes of shard 1 have waited for the disk for 61 s",
       "since_s": 2.346, "of": ["live"]},
      {"name": "loaded", "status": "fail", "detail": "the records are being loaded",
       "since_s": 2.346, "of": ["started", "ready"]},
      {"name": "disk", "status": "ok", "detail": "the disk takes writes",
       "since_s": 2.346, "of": ["ready"]},
      {"name": "contacts", "status": "warn", "detail": "3 contacts answer, fewer than 20",
       "since_s": 2.346, "of": ["ready"]},
      {"name": "joined", "status": "ok", "detail": "a lookup last found nodes 7 s ago",
       "since_s": 2.346, "of": ["ready"]},
      {"name": "inbound", "status": "ok",
       "detail": "no request came yet from a source that was not called",
       "since_s": 2.346, "of": ["ready"]},
      {"name": "outbound", "status": "ok", "detail": "no calls in the last 5 min",
       "since_s": 2.346, "of": ["ready"]},
      {"name": "canary", "status": "ok", "detail": "off", "since_s": 2.346, "of": ["ready"]},
      {"name": "overload", "status": "ok",
       "detail": "the kernel dropped no datagram in the last minute",
       "since_s": 2.346, "of": ["ready"]},
      {"name": "clock", "status": "ok", "detail": "believed", "since_s": 2.346, "of": ["ready"]},
      {"name": "draining", "status": "ok", "detail": "no", "since_s": 2.346, "of": ["ready"]}]})");
  EXPECT_EQ(json_of(report, now + microseconds(2'345'678)), expected);
}

TEST(HealthJson, AnswersTheThreeQuestionsOneByOne) {
  const MonotonicTime now{seconds(1'000).nanoseconds};
  HealthFacts facts;
  facts.storage = StorageState::ready;
  facts.is_clock_doubted = true;
  const auto json = json_of(check_health(facts, now, {}), now);
  EXPECT_EQ(json.at("live"), true);
  EXPECT_EQ(json.at("started"), true);
  EXPECT_EQ(json.at("ready"), false);
}

}  // namespace
}  // namespace xord
