// The HTTP API of a running server: over its control socket, over TCP, and who may do what there.
#include "node/server/api/api.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>

#include "node/server/admin/admin.h"
#include "node/server/node_doors.h"
#include "node/wire/rpcudp/value.h"
#include "tests/node/server/http/http_client.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::json;

class ApiTest : public testing::Test {
 protected:
  ServerConfig config() const {
    ServerConfig config = loopback_config(directory.at("data"), 2);
    config.admin = {{Endpoint::ipv4(0x7f000001, 0), "", false}};
    config.version = "0.1.0 (test)";
    return config;
  }
  void start(const ServerConfig& with, const ServerHooks& hooks = {}) {
    admin = std::make_unique<Admin>(with, node_doors(), hooks);
    const auto error = admin->start();
    ASSERT_FALSE(error) << error->sentence;
    ASSERT_TRUE(eventually([&] { return admin->stats().storage_state == StorageState::ready; }));
  }
  void start() { start(config()); }
  std::string token_file(mode_t mode = 0600) const {
    const std::string path = directory.at("token");
    std::ofstream(path) << "0123456789abcdef\n";
    chmod(path.c_str(), mode);
    return path;
  }
  // The first address of the admin port, from /v1/status.
  Endpoint tcp() const {
    return *Endpoint::parse(
        control().get("/v1/status").json().at("admin").at(0).get<std::string>());
  }
  HttpClient control() const { return HttpClient(directory.at("data") + "/control"); }
  HttpReceived get(const std::string& target) const { return control().get(target); }
  HttpReceived change(const std::string& method, const std::string& target,
                      const std::string& body = "{}") const {
    return control().change(method, target, body);
  }
  Json published() const { return get("/v1/published").json().at("keys"); }

  TemporaryDirectory directory;
  std::unique_ptr<Admin> admin;
};

TEST_F(ApiTest, TheStatusSaysWhatTheNodeIs) {
  start();
  EXPECT_TRUE(eventually([&] { return get("/v1/status").json().at("state") == "ready"; }));
  const Json status = get("/v1/status").json();
  EXPECT_EQ(status.at("id"), admin->id().hex());
  EXPECT_EQ(status.at("version"), "0.1.0 (test)");
  EXPECT_EQ(status.at("networks"),
            Json::parse(R"([{"name": "rpcudp", "id": ")" + admin->id().hex() + "\"}]"));
  EXPECT_EQ(status.at("endpoints").at(0), admin->endpoints().front().text());
  EXPECT_EQ(status.at("io"), "epoll");
  EXPECT_EQ(status.at("shards"), 2);
  EXPECT_GT(status.at("uptime_s"), 0);
  EXPECT_EQ(status.at("records"), 0);
}

TEST_F(ApiTest, ANodeThatNobodyAnswersIsJoining) {
  ServerConfig lonely = config();
  lonely.bootstrap = {"127.0.0.1:9"};
  start(lonely);
  EXPECT_TRUE(eventually([&] { return get("/v1/status").json().at("state") == "joining"; }));
}

TEST_F(ApiTest, StatsAreThoseOfTheServerAndCountTheRequests) {
  start();
  get("/v1/stats");
  const Json stats = get("/v1/stats").json();
  EXPECT_EQ(stats.at("id"), admin->id().hex());
  EXPECT_TRUE(stats.at("total").contains("node"));
  EXPECT_GE(stats.at("http").at("http_requests"), 2);
  EXPECT_EQ(stats.at("shards").size(), 2u);
}

TEST_F(ApiTest, TheConfigurationIsShownAsItWasWritten) {
  ServerConfig shown = config();
  shown.settings = {{"ttl", {"3d"}, {"7d"}, false, false, "flag --ttl"},
                    {"bootstrap", {"a:1", "b:2"}, {}, true, true, "file /x:3"}};
  start(shown);
  EXPECT_EQ(get("/v1/config").json(), Json::parse(R"({"settings": [
      {"name": "ttl", "value": "3d", "default": "7d", "origin": "flag --ttl",
       "reloadable": false},
      {"name": "bootstrap", "value": ["a:1", "b:2"], "default": [], "origin": "file /x:3",
       "reloadable": true}]})"));
}

TEST_F(ApiTest, LimitsAreThoseOfTheControlSocket) {
  start();
  EXPECT_EQ(get("/v1/limits").json().at("limits"), "on");
  EXPECT_EQ(get("/v1/limits?address=127.0.0.1").json().at("exempt"), true);
  const HttpReceived refused = get("/v1/limits?address=127.0.0.1:1");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.fields.at("Content-Type"), "application/problem+json");
  EXPECT_EQ(refused.json().at("code"), 2);
}

TEST_F(ApiTest, KeysAreKeptListedInPagesAndForgotten) {
  start();
  for (int i = 0; i < 5; ++i) {
    const HttpReceived kept =
        change("PUT", "/v1/published/key%20" + std::to_string(i), R"({"value": "text"})");
    EXPECT_EQ(kept.status, 200) << kept.body;
    EXPECT_EQ(kept.json().at("stored"), 1);
  }
  EXPECT_EQ(published().size(), 5u);
  const Json whole = get("/v1/published?limit=5").json();
  EXPECT_EQ(whole.at("keys").size(), 5u);
  EXPECT_FALSE(whole.contains("next")) << "there are no more";
  EXPECT_EQ(get("/v1/published?limit=4").json().at("next"), whole.at("keys").at(4).at("id"));
  const Json page = get("/v1/published?limit=2").json();
  ASSERT_EQ(page.at("keys").size(), 2u);
  const Json rest = get("/v1/published?from=" + page.at("next").get<std::string>()).json();
  EXPECT_EQ(rest.at("keys").size(), 3u);
  EXPECT_EQ(rest.at("keys").at(0).at("id"), page.at("next"));
  EXPECT_FALSE(rest.contains("next"));

  EXPECT_EQ(change("DELETE", "/v1/published/key%200").status, 200);
  EXPECT_EQ(change("DELETE", "/v1/published/key%200").status, 404);
  const std::string id = key_digest("key 1").hex();
  EXPECT_EQ(change("DELETE", "/v1/published/" + id).status, 404) << "a text that looks like an id";
  EXPECT_EQ(change("DELETE", "/v1/published/" + id + "?kind=id").status, 200);
  EXPECT_EQ(published().size(), 3u);
}

TEST_F(ApiTest, AValueHasTheTypeThatItHasInJson) {
  start();
  const std::pair<const char*, Value> values[] = {
      {R"("text")", std::string("text")},   {"1", int64_t{1}}, {"-300", int64_t{-300}},
      {"18446744073709551615", UINT64_MAX}, {"1.5", 1.5},      {"true", true}};
  for (const auto& [text, value] : values) {
    const HttpReceived kept =
        change("PUT", "/v1/published/key", "{\"value\": " + std::string(text) + "}");
    EXPECT_EQ(kept.status, 200) << text << kept.body;
    EXPECT_EQ(published().at(0).at("value_bytes"), encode_value(value)->size()) << text;
  }
  EXPECT_EQ(change("PUT", "/v1/published/key", R"({"wire": "c40161"})").status, 200);
  for (const char* body :
       {"{}", R"({"value": null})", R"({"value": []})", R"({"value": 1, "wire": "01"})",
        R"({"wire": "zz"})", R"({"wire": 1})", R"({"wire": "c0"})", "[]", "1", "{", "nonsense"}) {
    const HttpReceived refused = change("PUT", "/v1/published/key", body);
    EXPECT_EQ(refused.status, 400) << body << refused.body;
    EXPECT_EQ(refused.json().at("code"), 2) << body;
  }
  EXPECT_EQ(change("PUT", "/v1/published/key", std::string(60'000, '[')).status, 400);
  EXPECT_EQ(
      change("PUT", "/v1/published/key", R"({"value": ")" + std::string(9000, 'x') + "\"}").status,
      400);
}

TEST_F(ApiTest, RecordsAreErased) {
  start();
  ASSERT_EQ(change("PUT", "/v1/published/a", R"({"value": 1})").status, 200);
  ASSERT_TRUE(eventually([&] { return get("/v1/status").json().at("records") == 1; }));
  EXPECT_EQ(change("DELETE", "/v1/records/" + key_digest("b").hex()).json().at("purged"), 0);
  EXPECT_EQ(change("DELETE", "/v1/records/" + key_digest("a").hex()).json().at("purged"), 1);
  EXPECT_EQ(change("DELETE", "/v1/records/a").status, 400);
  ASSERT_EQ(change("PUT", "/v1/published/a", R"({"value": 1})").status, 200);
  EXPECT_EQ(change("POST", "/v1/purge", R"({"all": true})").json().at("purged"), 1);
  EXPECT_EQ(change("POST", "/v1/purge").status, 400);
}

TEST_F(ApiTest, ContactsAndTheirBucketsAreListed) {
  start();
  EXPECT_EQ(get("/v1/contacts").json().at("contacts").size(), 0u);
  EXPECT_EQ(get("/v1/buckets").json().at("buckets").size(), 0u);
  std::array<Server, 5> peers;
  for (size_t i = 0; i < peers.size(); ++i) {
    ServerConfig peer = loopback_config(directory.at("peer" + std::to_string(i)));
    peer.bootstrap = {admin->endpoints().front().text()};
    ASSERT_FALSE(peers[i].start(peer));
  }
  ASSERT_TRUE(eventually([&] {
    const Json contacts = get("/v1/contacts").json().at("contacts");
    return contacts.size() == peers.size() &&
           std::any_of(contacts.begin(), contacts.end(),
                       [](const Json& each) { return each.at("srtt_ms").is_number(); });
  })) << get("/v1/contacts").body;
  const Json page = get("/v1/contacts?limit=2&near=ff").json();
  ASSERT_EQ(page.at("contacts").size(), 2u);
  EXPECT_EQ(page.at("network"), "rpcudp");
  const Json rest = get("/v1/contacts?near=ff&from=" + page.at("next").get<std::string>()).json();
  EXPECT_EQ(rest.at("contacts").size(), 3u);
  EXPECT_FALSE(rest.contains("next"));
  const Json first = page.at("contacts").at(0);
  const Json last = rest.at("contacts").at(2);
  EXPECT_GT(first.at("id").get<std::string>(), last.at("id").get<std::string>());
  EXPECT_EQ(first.at("failures"), 0);
  for (const Json& each : rest.at("contacts")) {
    EXPECT_TRUE(each.at("srtt_ms").is_null() || each.at("srtt_ms") > 0) << each;
  }
  size_t of_a_state = 0;
  for (const std::string state : {"trusted", "doubted", "awaited", "silent"}) {
    const Json of_state = get("/v1/contacts?state=" + state).json();
    for (const Json& each : of_state.at("contacts")) {
      EXPECT_EQ(each.at("state"), state);
      ++of_a_state;
    }
  }
  EXPECT_EQ(of_a_state, 5u);

  int contacts = 0;
  const Json buckets = get("/v1/buckets").json();
  for (const Json& bucket : buckets.at("buckets")) {
    contacts += bucket.at("contacts").get<int>();
    EXPECT_EQ(bucket.at("shard").get<int>(), bucket.at("depth").get<int>() % 2);
  }
  EXPECT_EQ(contacts, 5);
  for (const char* wrong : {"/v1/contacts?near=x", "/v1/contacts?near=", "/v1/contacts?state=up",
                            "/v1/contacts?limit=0", "/v1/contacts?limit=1001",
                            "/v1/buckets?from=00", "/v1/buckets?network=none"}) {
    EXPECT_EQ(get(wrong).status, 400) << wrong;
  }
}

TEST_F(ApiTest, ALookupIsToldCallByCall) {
  start();
  const Json nobody = get("/v1/lookup?key=a").json();
  EXPECT_EQ(nobody.at("status"), "no_contacts");
  EXPECT_EQ(nobody.at("calls").size(), 0u);
  EXPECT_EQ(nobody.at("target"), key_digest("a").hex());
  ServerConfig second = loopback_config(directory.at("second"), 1);
  second.bootstrap = {admin->endpoints().front().text()};
  Admin other(second, node_doors());
  ASSERT_FALSE(other.start());
  Json told;
  ASSERT_TRUE(eventually([&] {
    told = get("/v1/lookup?id=" + key_digest("a").hex()).json();
    return told.at("status") == "done";
  }));
  ASSERT_EQ(told.at("calls").size(), 1u);
  const Json& call = told.at("calls").at(0);
  EXPECT_EQ(call.at("id"), other.id().hex());
  EXPECT_EQ(call.at("endpoint"), other.endpoints().front().text());
  EXPECT_TRUE(call.at("parent").is_null());
  EXPECT_EQ(call.at("outcome"), "answered");
  EXPECT_EQ(call.at("is_nearest"), true);
  EXPECT_GT(call.at("took_ms"), 0);
  EXPECT_EQ(get("/v1/lookup?id=a").status, 400);
  other.stop();
}

TEST_F(ApiTest, RecordsAreListedInTheOrderOfTheirIds) {
  start();
  constexpr int count = 300;  // More than a page of each shard.
  for (int i = 0; i < count; ++i) {
    ASSERT_EQ(change("PUT", "/v1/published/" + std::to_string(i), R"({"value": "text"})").status,
              200);
  }
  std::vector<std::string> ids;
  std::string from;
  do {
    const Json page = get("/v1/records?limit=70" + from).json();
    for (const Json& record : page.at("records")) ids.push_back(record.at("id"));
    from = page.contains("next") ? "&from=" + page.at("next").get<std::string>() : "";
  } while (!from.empty());
  EXPECT_EQ(ids.size(), static_cast<size_t>(count));
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));

  const std::string id = key_digest("7").hex();
  const Json record = get("/v1/records/" + id).json();
  EXPECT_EQ(record.at("id"), id);
  EXPECT_EQ(record.at("type"), "str");
  EXPECT_EQ(record.at("value_bytes"), 5);
  EXPECT_GT(record.at("expires_in_s"), 600'000);
  EXPECT_FALSE(record.contains("value"));
  const Json alike = get("/v1/records?prefix=" + id.substr(0, 6)).json().at("records");
  ASSERT_GE(alike.size(), 1u);
  for (const Json& each : alike) {
    EXPECT_TRUE(each.at("id").get<std::string>().starts_with(id.substr(0, 6)));
  }
  EXPECT_EQ(get("/v1/records/" + key_digest("none").hex()).status, 404);
  for (const char* wrong :
       {"/v1/records/7", "/v1/records?prefix=x", "/v1/records?prefix=",
        "/v1/records?prefix=00&from=ffffffffffffffffffffffffffffffffffffffff"}) {
    EXPECT_EQ(get(wrong).status, 400) << wrong;
  }
}

TEST_F(ApiTest, ASnapshotIsMadeWhileTheApiServes) {
  start();
  const std::string copy = directory.at("copy");
  EXPECT_EQ(change("POST", "/v1/snapshot", R"({"directory": ")" + copy + "\"}").status, 200);
  EXPECT_TRUE(std::filesystem::exists(copy + "/identity"));
  const HttpReceived again = change("POST", "/v1/snapshot", R"({"directory": ")" + copy + "\"}");
  EXPECT_EQ(again.status, 500);
  EXPECT_EQ(again.json().at("code"), 4);
  EXPECT_EQ(change("POST", "/v1/snapshot", R"({"directory": "copy"})").status, 400);
}

TEST_F(ApiTest, AShutdownIsAskedOfTheProgram) {
  std::atomic<int> asked{0};
  start(config(), {[&] { ++asked; }});
  const HttpReceived accepted = change("POST", "/v1/shutdown", "");
  EXPECT_EQ(accepted.status, 202);
  EXPECT_TRUE(eventually([&] { return asked == 1; }));
  admin->stop();
  start();
  EXPECT_EQ(change("POST", "/v1/shutdown").status, 501) << "of a program that says nothing of it";
}

TEST_F(ApiTest, WhatIsWrongWithARequestIsSaid) {
  start();
  const auto check = [](const HttpReceived& refused, int status, int code,
                        const std::string& detail) {
    EXPECT_EQ(refused.status, status) << refused.body;
    EXPECT_EQ(refused.json().at("code"), code) << refused.body;
    EXPECT_EQ(refused.json().at("detail"), detail);
  };
  check(change("POST", "/v1/purge", "[]"), 400, 2,
        "the body is not a JSON object: write {} where there is nothing to say");
  check(change("PUT", "/v1/published/a", "{}"), 400, 2,
        "the body is {\"value\": ...} with a text, a number, true or false, or {\"wire\": ...} "
        "with the value as it is sent, in hexadecimal digits");
  check(get("/v1/records/" + key_digest("none").hex()), 404, 1,
        "the node holds no record with that id");
  check(get("/v1/explain?ip=x"), 400, 2,
        "explain takes an \"address\" without a port (192.0.2.7, 2001:db8::7)");
  check(change("POST", "/v1/shutdown"), 501, 1,
        "the program around this node ends it: stop that program");
  check(get("/livez?exclude=none"), 400, 2, "there is no check \"none\" to exclude");
}

TEST_F(ApiTest, TheDocumentNamesEveryRouteAndEveryRouteAnswers) {
  start();
  const Json document = get("/v1/openapi.json").json();
  EXPECT_EQ(document.at("info").at("version"), "0.1.0 (test)");
  Api api(*admin, {}, {});
  size_t operations = 0;
  for (const auto& [path, methods] : document.at("paths").items()) {
    for (const auto& [method, operation] : methods.items()) {
      ++operations;
      if (method != "get") continue;
      if (operation.at("responses").at("200").at("content").contains("text/event-stream")) {
        continue;  // It does not end.
      }
      // A part in braces is asked for as it is written, and names nothing.
      const bool must_name =
          path.find('{') != std::string::npos || path == "/v1/explain" || path == "/v1/lookup";
      EXPECT_EQ(get(path).status, must_name ? 400 : 200) << path;
    }
  }
  EXPECT_EQ(operations, api.routes().size());
}

TEST_F(ApiTest, TheMetricsAreTheCountersByShardOrSummed) {
  ServerConfig sharded = config();
  sharded.shards = 2;
  start(sharded);
  EXPECT_EQ(HttpClient(tcp()).get("/v1/records/none").status, 400);
  const HttpReceived apart = HttpClient(tcp()).get("/metrics");
  EXPECT_EQ(apart.status, 200);
  EXPECT_TRUE(apart.fields.at("Content-Type").starts_with("text/plain; version=0.0.4"));
  for (const std::string_view line :
       {"# TYPE xord_requests_total counter\n",
        "\nxord_requests_total{method=\"ping\",shard=\"1\"} ", "\nxord_storage_state{state=\"",
        "\nxord_disk_free_bytes ", "\nprocess_open_fds ", "\nxord_records_limit 10000\n",
        "\nxord_admin_requests_total{path=\"/v1/records/{id}\",code=\"400\"} 1\n"}) {
    EXPECT_NE(apart.body.find(line), std::string::npos) << line << "\n" << apart.body;
  }
  EXPECT_NE(apart.body.find("network=\"rpcudp\",id=\"" + admin->id().hex()), std::string::npos);
  admin->stop();
  sharded.has_metrics_by_shard = false;
  start(sharded);
  const std::string summed = HttpClient(tcp()).get("/metrics").body;
  EXPECT_NE(summed.find("\nxord_requests_total{method=\"ping\"} "), std::string::npos) << summed;
  EXPECT_EQ(summed.find("shard=\""), std::string::npos);
}

// The next event of a stream; null if none came.
Json next_event(HttpClient& client) {
  const std::string text = client.read_until("\n\n");
  const size_t data = text.find("data: ");
  return data == std::string::npos ? Json() : Json::parse(text.substr(data + 6), nullptr, false);
}

TEST_F(ApiTest, EventsTellEachSecondWhatTheNodeDoes) {
  start();
  HttpClient client = control();
  client.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_NE(head.find("200 OK"), std::string::npos) << head;
  EXPECT_NE(head.find("Content-Type: text/event-stream\r\n"), std::string::npos) << head;
  const Json first = next_event(client);
  ASSERT_TRUE(first.is_object()) << "no event";
  EXPECT_EQ(first.at("id"), admin->id().hex());
  EXPECT_EQ(first.at("version"), "0.1.0 (test)");
  EXPECT_EQ(first.at("limits").at("records"), 10'000);
  EXPECT_EQ(first.at("shards").size(), 2u);
  EXPECT_EQ(first.at("series").size(), series_count);
  ASSERT_EQ(change("PUT", "/v1/published/a", R"({"value": 1})").status, 200);
  Json event = next_event(client);
  EXPECT_EQ(event.at("number"), first.at("number").get<uint64_t>() + 1);
  for (int i = 0; i < 30 && event.at("series").at("records") != 1; ++i) event = next_event(client);
  EXPECT_EQ(event.at("series").at("records"), 1);
  const Json stats = get("/v1/stats").json();
  EXPECT_EQ(event.at("totals").at("requests_ping"),
            stats.at("total").at("node").at("requests_ping"));
  EXPECT_EQ(get("/v1/stats").json().at("http").at("event_streams"), 1);
}

TEST_F(ApiTest, AsManyReadersOfEventsAsThereArePlaces) {
  start();
  std::vector<HttpClient> readers;
  for (size_t i = 0; i < feed_streams_max; ++i) {
    readers.push_back(control());
    readers.back().send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(next_event(readers.back()).is_object()) << i;
  }
  const HttpReceived refused = get("/v1/events");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.fields.at("Retry-After"), "5");
  EXPECT_EQ(get("/v1/stats").json().at("http").at("events_refused"), 1);
  readers.pop_back();
  EXPECT_TRUE(eventually([&] {
    HttpClient reader = control();
    reader.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return reader.read_until("\r\n").find("200 OK") != std::string::npos;
  })) << "a place that was left is free again";
  admin->stop();  // With readers.
  EXPECT_TRUE(eventually([&] { return readers.front().rest().ends_with("0\r\n\r\n"); }))
      << "a stream ends properly";
}

TEST_F(ApiTest, ThePageIsServedWithItsFilesUntilTheClientHasThem) {
  start();
  const std::pair<const char*, const char*> files[] = {
      {"/", "text/html; charset=utf-8"},
      {"/page.css", "text/css; charset=utf-8"},
      {"/page.js", "text/javascript; charset=utf-8"},
      {"/network.js", "text/javascript; charset=utf-8"},
      {"/favicon.svg", "image/svg+xml"}};
  std::set<std::string> etags;
  for (const auto& [path, type] : files) {
    const HttpReceived file = get(path);
    EXPECT_EQ(file.status, 200) << path;
    EXPECT_EQ(file.fields.at("Content-Type"), type);
    EXPECT_GT(file.body.size(), 100u) << path;
    const std::string etag = file.fields.at("ETag");
    EXPECT_TRUE(etags.insert(etag).second) << path;
    const auto asked = [&, where = std::string(path)](const std::string& known) {
      return control()
          .ask("GET " + where + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
               "If-None-Match: " + known + "\r\n\r\n")
          .status;
    };
    EXPECT_EQ(asked(etag), 304) << path;
    EXPECT_EQ(asked("\"other\", " + etag), 304) << path;
    EXPECT_EQ(asked("\"other\""), 200) << path;
  }
  EXPECT_TRUE(get("/").fields.at("Content-Security-Policy").starts_with("default-src 'self';"));
}

TEST_F(ApiTest, TheHistoryIsThatOfTheAskedSeriesAndSpan) {
  start();
  ASSERT_TRUE(eventually([&] {
    return get("/v1/history?span=minute&series=contacts,busy").json().at("points") >= 2;
  }));
  const Json some = get("/v1/history?span=minute&series=contacts,busy").json();
  EXPECT_EQ(some.at("step_s"), 1);
  EXPECT_EQ(some.at("series").size(), 2u);
  EXPECT_EQ(some.at("series").at("contacts").at(0), 0);
  EXPECT_EQ(some.at("series").at("busy").size(), some.at("points"));
  EXPECT_EQ(some.at("series").at("busy").at(0), nullptr) << "no rate of the first second";
  EXPECT_NEAR(static_cast<double>(some.at("end_s")), wall_time().seconds(), 3600);
  EXPECT_EQ(get("/v1/history").json().at("series").size(), series_count);
  EXPECT_EQ(get("/v1/history?span=day").json().at("points"), 0);
  for (const char* query : {"span=week", "span=hour&step=0", "span=hour&step=x", "span=day&step=90",
                            "series=none", "series=", "span=hour&step=1", "step=-1"}) {
    const HttpReceived refused = get(std::string("/v1/history?") + query);
    EXPECT_EQ(refused.status, 400) << query;
    EXPECT_EQ(refused.json().at("code"), 2) << query;
  }
  EXPECT_EQ(get("/v1/history?span=hour&step=1&series=busy").status, 200);
}

TEST_F(ApiTest, TheLastLinesOfTheLogAreShown) {
  ServerConfig logging = config();
  logging.log_level = LogLevel::info;
  testing::internal::CaptureStderr();
  start(logging);
  const Json lines = get("/v1/log?level=info").json().at("lines");
  const auto ready = std::find_if(lines.begin(), lines.end(),
                                  [](const Json& line) { return line.at("message") == "ready"; });
  ASSERT_NE(ready, lines.end()) << lines;
  EXPECT_EQ(ready->at("fields").at("id"), admin->id().hex());
  EXPECT_EQ(ready->at("level"), "info");
  const uint64_t number = ready->at("number");
  const Json later = get("/v1/log?after=" + std::to_string(number)).json();
  for (const Json& line : later.at("lines")) {
    EXPECT_GT(line.at("number"), number);
  }
  EXPECT_EQ(get("/v1/log?limit=1").json().at("lines").size(), 1u);
  EXPECT_EQ(get("/v1/log?level=error").json().at("lines"), Json::array());
  for (const char* query : {"level=off", "level=loud", "limit=0", "limit=201", "after=x"}) {
    EXPECT_EQ(get(std::string("/v1/log?") + query).status, 400) << query;
  }
  admin->stop();
  testing::internal::GetCapturedStderr();
}

TEST_F(ApiTest, OverTcpOneMayReadAndWithTheTokenChange) {
  ServerConfig with_token = config();
  with_token.admin_token_file = token_file();
  start(with_token);
  const Endpoint endpoint = tcp();
  HttpClient client(endpoint);
  EXPECT_EQ(client.get("/v1/status").status, 200);
  EXPECT_EQ(client.change("PUT", "/v1/published/a", R"({"value": 1})").status, 401);
  EXPECT_EQ(client
                .change("PUT", "/v1/published/a", R"({"value": 1})",
                        "Authorization: Bearer 0123456789abcdee\r\n")
                .status,
            401);
  EXPECT_EQ(published().size(), 0u);
  EXPECT_EQ(client
                .change("PUT", "/v1/published/a", R"({"value": 1})",
                        "Authorization: Bearer 0123456789abcdef\r\n")
                .status,
            200);
  EXPECT_EQ(published().size(), 1u);
}

TEST_F(ApiTest, WithoutATokenNothingIsChangedOverTcp) {
  start();
  HttpClient client(tcp());
  EXPECT_EQ(client.change("PUT", "/v1/published/a", R"({"value": 1})").status, 403);
  EXPECT_EQ(client.change("POST", "/v1/purge", R"({"all": true})").status, 403);
}

TEST_F(ApiTest, AnotherSitesPagesAreRefused) {
  start();
  const Endpoint endpoint = tcp();
  const auto status = [&](const std::string& fields) {
    return HttpClient(endpoint).ask("GET /v1/status HTTP/1.1\r\n" + fields + "\r\n").status;
  };
  EXPECT_EQ(status("Host: evil.example\r\n"), 421);
  EXPECT_EQ(status("Host: localhost\r\nOrigin: http://evil.example\r\n"), 403);
  EXPECT_EQ(status("Host: " + endpoint.text() + "\r\nOrigin: http://" + endpoint.text() + "\r\n"),
            200);
  const Json http = get("/v1/stats").json().at("http");
  EXPECT_EQ(http.at("requests_wrong_host"), 1);
  EXPECT_EQ(http.at("requests_wrong_origin"), 1);
}

TEST_F(ApiTest, ANameIsAcceptedOnceItIsGiven) {
  ServerConfig named = config();
  named.admin_hosts = {"DHT.example.org", "2001:db8::1"};
  start(named);
  EXPECT_EQ(
      HttpClient(tcp()).ask("GET /v1/status HTTP/1.1\r\nHost: [2001:db8::1]:1\r\n\r\n").status,
      200);
  EXPECT_EQ(
      HttpClient(tcp()).ask("GET /v1/status HTTP/1.1\r\nHost: dht.example.org:1\r\n\r\n").status,
      200);
}

// ---- Start.

TEST_F(ApiTest, AnAddressThatIsTakenEndsTheStartOnlyIfItWasAskedFor) {
  start();
  ServerConfig second = loopback_config(directory.at("second"));
  second.admin = {{tcp(), "", false}};
  Admin refused(second, node_doors());
  const auto error = refused.start();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ServerErrorKind::environment);
  EXPECT_NE(error->sentence.find(tcp().text()), std::string::npos) << error->sentence;
  second.admin.front().is_optional = true;
  Admin without(second, node_doors());
  ASSERT_FALSE(without.start());
  const HttpReceived status = HttpClient(directory.at("second") + "/control").get("/v1/status");
  EXPECT_EQ(status.json().at("admin"), Json::array());
}

TEST_F(ApiTest, AnAddressThatTheHostDoesNotHaveIsLeftOutOfTheDefaults) {
  ServerConfig absent = config();
  absent.admin.push_back({*Endpoint::parse("[2001:db8::1]:8470"), "", true});
  absent.admin_is_open = true;
  start(absent);
  EXPECT_EQ(get("/v1/status").json().at("admin").size(), 1u);
}

TEST_F(ApiTest, AUnixSocketServesLikeTheControlSocket) {
  ServerConfig own = config();
  const std::string path = directory.at("admin");
  own.admin = {{{}, path, false}};
  start(own);
  EXPECT_EQ(get("/v1/status").json().at("admin"), Json::array({"unix:" + path}));
  EXPECT_EQ(HttpClient(path).change("PUT", "/v1/published/a", R"({"value": 1})").status, 200);
  Admin second(own, node_doors());
  EXPECT_TRUE(second.start()) << "its data directory is locked, and the socket stays";
  EXPECT_EQ(HttpClient(path).get("/v1/status").status, 200);
}

TEST_F(ApiTest, ATokenFileThatOthersCanReadEndsTheStart) {
  ServerConfig careless = config();
  careless.admin_token_file = token_file(0644);
  Admin refused(careless, node_doors());
  const auto error = refused.start();
  ASSERT_TRUE(error);
  EXPECT_NE(error->sentence.find("chmod 600"), std::string::npos) << error->sentence;
  careless.admin_token_file = token_file(0600);
  start(careless);
}

TEST_F(ApiTest, AStopAnswersWhatIsInProgress) {
  start();
  HttpClient idle(tcp());
  EXPECT_EQ(idle.get("/v1/status").status, 200);
  const std::string socket = directory.at("data") + "/control";
  admin->stop();
  EXPECT_FALSE(HttpClient(socket).is_connected());
  EXPECT_TRUE(idle.is_ended());
  start();
  EXPECT_EQ(get("/v1/status").status, 200);
}

}  // namespace
}  // namespace xord
