#include "node/server/health/health_json.h"

#include <cmath>
#include <utility>

#include "reactor/base/check.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<const char*, HealthQuestion> questions[] = {
    {"live", HealthQuestion::live},
    {"started", HealthQuestion::started},
    {"ready", HealthQuestion::ready}};

}  // namespace

Json json_of(const HealthReport& report, MonotonicTime now) {
  Json json = {{"state", name_of(report.state)}};
  for (const auto& [name, question] : questions) json[name] = report.is(question);
  json["checks"] = Json::array();
  for (size_t i = 0; i < health_checks; ++i) {
    const auto check = static_cast<HealthCheck>(i);
    const HealthResult& result = report.results[i];
    CHECK(now >= result.since);
    Json of = Json::array();
    for (const auto& [name, question] : questions) {
      if (concerns(check, question)) of.push_back(name);
    }
    json["checks"].push_back({{"name", name_of(check)},
                              {"status", name_of(result.level)},
                              {"detail", result.sentence},
                              {"since_s", std::round((now - result.since).seconds() * 1000) / 1000},
                              {"of", of}});
  }
  return json;
}

}  // namespace xord
