// /livez, /readyz and /startupz: whether a check that concerns the question fails.
#include <algorithm>

#include "node/server/api/api.h"
#include "node/server/health/health_json.h"
#include "node/server/http/problem.h"
#include "node/server/http/url.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

using CheckSet = std::array<bool, health_checks>;

std::optional<HealthCheck> check_named(std::string_view name) {
  for (size_t i = 0; i < health_checks; ++i) {
    if (name_of(static_cast<HealthCheck>(i)) == name) return static_cast<HealthCheck>(i);
  }
  return std::nullopt;
}

// Those that `query` does not exclude, of those that concern `question`; a problem if it excludes
// what does not exist: a probe with a mistyped name must not look healthy by chance.
std::variant<CheckSet, HttpResponse> checks_asked(HealthQuestion question, std::string_view query) {
  CheckSet asked{};
  for (size_t i = 0; i < health_checks; ++i) {
    asked[i] = concerns(static_cast<HealthCheck>(i), question);
  }
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const auto name = query_value(query.substr(0, end), "exclude");
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!name) continue;
    const auto check = check_named(*name);
    if (!check) return problem(400, "there is no check \"" + *name + "\" to exclude");
    asked[static_cast<size_t>(*check)] = false;
  }
  return asked;
}

// A line a check: "fail  contacts  0 contacts answer".
std::string lines_of(const HealthReport& report, const CheckSet& asked) {
  const auto padded = [](std::string_view text, size_t width) {
    CHECK(text.size() <= width);
    return std::string(text) + std::string(width + 2 - text.size(), ' ');
  };
  std::string lines;
  for (size_t i = 0; i < health_checks; ++i) {
    if (!asked[i]) continue;
    const HealthResult& result = report.results[i];
    lines += padded(name_of(result.level), 4) + padded(name_of(static_cast<HealthCheck>(i)), 8) +
             result.sentence + "\n";
  }
  return lines;
}

// "contacts, joined"
std::string failed_of(const HealthReport& report, const CheckSet& asked) {
  std::string names;
  for (size_t i = 0; i < health_checks; ++i) {
    if (!asked[i] || report.results[i].level != HealthLevel::fail) continue;
    names += (names.empty() ? "" : ", ") + std::string(name_of(static_cast<HealthCheck>(i)));
  }
  return names;
}

HttpResponse json_answer(const HealthReport& report, const CheckSet& asked, bool is_good,
                         MonotonicTime now) {
  ControlJson all = json_of(report, now);
  ControlJson json = {{"ok", is_good}, {"state", all["state"]}, {"checks", ControlJson::array()}};
  CHECK(all["checks"].size() == asked.size());
  for (size_t i = 0; i < asked.size(); ++i) {
    if (asked[i]) json["checks"].push_back(all["checks"][i]);
  }
  return json_response(json);
}

}  // namespace

HttpResponse health_answer(HealthQuestion question, const HttpRequest& request,
                           const HealthReport& report, MonotonicTime now) {
  const auto asked_or_problem = checks_asked(question, request.query);
  if (const auto* refused = std::get_if<HttpResponse>(&asked_or_problem)) return *refused;
  const auto& asked = std::get<CheckSet>(asked_or_problem);
  const std::string failed = failed_of(report, asked);
  HttpResponse response;
  if (request.accept.find("application/json") != std::string::npos) {
    response = json_answer(report, asked, failed.empty(), now);
  } else {
    response.content_type = "text/plain; charset=utf-8";
    response.fields.push_back({"Cache-Control", "no-store"});
    if (query_value(request.query, "verbose")) response.body = lines_of(report, asked);
    response.body += (failed.empty() ? "ok" : failed) + "\n";
  }
  response.status = failed.empty() ? 200 : 503;
  return response;
}

std::vector<Route> Api::health_routes() const {
  const auto route = [this](std::string_view path, std::string_view summary,
                            HealthQuestion question) -> Route {
    return {"GET",
            path,
            RouteAccess::open,
            summary,
            [this, question](const HttpRequest& request, const HttpReply& reply) {
              const HealthReport report = admin_.health();
              reply(health_answer(question, request, report, monotonic_time()));
            },
            {in_query("verbose", "a line for each check"),
             in_query("exclude", "a check that does not count; repeats")},
            "text/plain"};
  };
  return {route("/livez", "Whether no restart would help", HealthQuestion::live),
          route("/readyz", "Whether others should be sent to this node", HealthQuestion::ready),
          route("/startupz", "Whether the records are loaded", HealthQuestion::started)};
}

}  // namespace xord
