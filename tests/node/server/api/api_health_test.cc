// What /livez, /readyz and /startupz answer to a given report, and whether a server offers them.
#include <gtest/gtest.h>

#include "node/server/admin/admin.h"
#include "node/server/api/api.h"
#include "node/server/node_doors.h"
#include "tests/node/server/http/http_client.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

constexpr MonotonicTime now{seconds(1000).nanoseconds};

HealthReport report_of(StorageState storage, uint32_t contacts) {
  HealthFacts facts;
  facts.storage = storage;
  facts.has_known_nodes = true;
  facts.contacts = contacts;
  facts.has_joined = true;
  return check_health(facts, now, {});
}

HttpResponse answer(HealthQuestion question, const HealthReport& report,
                    const std::string& query = "", const std::string& accept = "*/*") {
  HttpRequest request;
  request.query = query;
  request.accept = accept;
  return health_answer(question, request, report, now + seconds(3));
}

TEST(HealthAnswer, IsOkOrNamesWhatFails) {
  const HttpResponse good = answer(HealthQuestion::ready, report_of(StorageState::ready, 20));
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.body, "ok\n");
  EXPECT_EQ(good.content_type, "text/plain; charset=utf-8");
  const HealthReport loading = report_of(StorageState::loading, 0);
  const HttpResponse bad = answer(HealthQuestion::ready, loading);
  EXPECT_EQ(bad.status, 503);
  EXPECT_EQ(bad.body, "loaded, contacts\n");
  EXPECT_EQ(answer(HealthQuestion::started, loading).body, "loaded\n");
  EXPECT_EQ(answer(HealthQuestion::live, loading).status, 200);
}

TEST(HealthAnswer, LeavesOutWhatIsExcluded) {
  const HealthReport loading = report_of(StorageState::loading, 0);
  EXPECT_EQ(answer(HealthQuestion::ready, loading, "exclude=loaded").body, "contacts\n");
  const HttpResponse both =
      answer(HealthQuestion::ready, loading, "exclude=loaded&verbose&exclude=contacts");
  EXPECT_EQ(both.status, 200);
  EXPECT_EQ(both.body.find("contacts"), std::string::npos) << both.body;
  const HttpResponse unknown = answer(HealthQuestion::ready, loading, "exclude=load");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_NE(unknown.body.find("load"), std::string::npos);
}

TEST(HealthAnswer, HasALineForEachCheckThatConcernsTheQuestion) {
  const HttpResponse live =
      answer(HealthQuestion::live, report_of(StorageState::ready, 20), "verbose");
  EXPECT_EQ(live.body,
            "ok    shards    every shard answers\n"
            "ok    commit    no write waits for long\n"
            "ok\n");
  const HttpResponse ready =
      answer(HealthQuestion::ready, report_of(StorageState::damaged, 0), "verbose");
  EXPECT_NE(ready.body.find("\nwarn  disk      some records cannot be read\n"), std::string::npos)
      << ready.body;
  EXPECT_NE(ready.body.find("\nfail  contacts  0 contacts answer, ready-contacts is 1\n"),
            std::string::npos)
      << ready.body;
}

TEST(HealthAnswer, IsJsonForThoseWhoAcceptIt) {
  const HttpResponse response =
      answer(HealthQuestion::started, report_of(StorageState::ready, 20), "", "application/json");
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(nlohmann::json::parse(response.body), nlohmann::json::parse(R"(
      {"ok": true, "state": "ready", "checks": [
        {"name": "loaded", "status": "ok", "detail": "the records are loaded", "since_s": 3.0,
         "of": ["started", "ready"]}]})"));
}

TEST(HealthAnswer, IsGivenByARunningServerToEveryone) {
  TemporaryDirectory directory;
  Admin admin(loopback_config(directory.at("data"), 2), node_doors());
  ASSERT_FALSE(admin.start());
  const auto get = [&](const std::string& target) {
    return HttpClient(directory.at("data") + "/control").get(target);
  };
  EXPECT_EQ(get("/livez").body, "ok\n");
  EXPECT_TRUE(eventually([&] { return get("/readyz").status == 200; })) << get("/readyz").body;
  EXPECT_EQ(get("/startupz?verbose").body, "ok    loaded    the records are loaded\nok\n");
  const HttpReceived all = get("/v1/health");
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.json().at("ready"), true);
  EXPECT_EQ(all.json().at("checks").size(), health_checks);
}

}  // namespace
}  // namespace xord
