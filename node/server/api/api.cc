#include "node/server/api/api.h"

#include <utility>

#include "node/server/http/problem.h"
#include "node/server/http/url.h"
#include "reactor/base/check.h"

namespace xord {

ControlJson from_query(const HttpRequest& request, std::initializer_list<const char*> names) {
  CHECK(names.size() > 0);
  ControlJson json = ControlJson::object();
  for (const char* name : names) {
    if (const auto value = query_value(request.query, name)) json[name] = *value;
  }
  return json;
}

HttpResponse json_response(const ControlJson& json) {
  CHECK(!json.is_discarded());
  HttpResponse response;
  response.body = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  response.fields.push_back({"Cache-Control", "no-store"});
  return response;
}

HttpResponse problem_of(const ControlError& error) {
  CHECK(!error.sentence.empty());
  CHECK(!error.is_absent || error.code == ControlCode::refused);
  switch (error.code) {
    case ControlCode::usage:
      return problem(400, error.sentence, ProblemCode::usage);
    case ControlCode::environment:
      return problem(500, error.sentence, ProblemCode::environment);
    case ControlCode::refused:
      break;
  }
  return problem(error.is_absent ? 404 : 503, error.sentence, ProblemCode::refused);
}

ControlFinish reply_with(HttpReply reply) {
  CHECK(reply != nullptr);
  return [reply = std::move(reply)](const ControlResult& result) {
    const auto* error = std::get_if<ControlError>(&result);
    reply(error == nullptr ? json_response(std::get<ControlJson>(result)) : problem_of(*error));
  };
}

std::variant<ControlJson, HttpResponse> body_of(const HttpRequest& request) {
  CHECK(request.body.size() <= http_body_max);
  if (request.body.empty()) return ControlJson::object();
  ControlResult parsed = parse_request(request.body);
  if (const auto* error = std::get_if<ControlError>(&parsed)) return problem_of(*error);
  auto& json = std::get<ControlJson>(parsed);
  if (!json.is_object()) {
    return problem(400, "the body is not a JSON object: write {} where there is nothing to say");
  }
  return std::move(json);
}

Api::Api(Admin& admin, const ServerHooks& hooks, std::vector<std::string> addresses)
    : admin_(admin), hooks_(hooks), addresses_(std::move(addresses)), feed_(admin) {
  CHECK(addresses_.size() <= admin_addresses_max);
  openapi_ = openapi_of(routes(), admin_.config().version);
  CHECK(!openapi_["paths"].empty());
}

std::vector<Route> Api::routes() {
  std::vector<Route> routes = page_routes();
  for (const auto& more : {look_routes(), live_routes(), published_routes(), list_routes(),
                           command_routes(), health_routes()}) {
    routes.insert(routes.end(), more.begin(), more.end());
  }
  routes.push_back(metrics_route());
  return routes;
}

std::vector<Route> Api::look_routes() {
  using enum RouteAccess;
  return {
      {"GET", "/v1/status", reads, "What the node is and does now", run(control_status), {}},
      {"GET", "/v1/health", open, "What each check of the health found", run(control_health), {}},
      {"GET", "/v1/stats", reads, "All counters", run(control_stats), {}},
      {"GET",
       "/v1/config",
       reads,
       "Every setting, its default and where it came from",
       answer(&Api::config),
       {}},
      {"GET",
       "/v1/limits",
       reads,
       "What an address, or those that took most, took",
       [this](const HttpRequest& request, const HttpReply& reply) {
         control_limits(admin_, from_query(request, {"address", "by"}), reply_with(reply));
       },
       {in_query("address", "without a port; absent: the twenty prefixes that took most"),
        in_query("by", "took most of what: a charge; absent: of a limit")}},
      {"GET", "/v1/openapi.json", reads, "This document", answer(&Api::openapi), {}},
  };
}

std::vector<Route> Api::command_routes() {
  using enum RouteAccess;
  return {
      {"DELETE",
       "/v1/records/{id}",
       changes,
       "Erase a record that the node holds",
       [this](const HttpRequest& request, const HttpReply& reply) {
         control_purge(admin_, {{"id", request.parts.at("id")}}, reply_with(reply));
       },
       {in_path("id", "40 hexadecimal digits")}},
      {"POST",
       "/v1/purge",
       changes,
       "Erase records: of a key, an id, a prefix, or all",
       run(control_purge),
       {}},
      {"POST",
       "/v1/snapshot",
       changes,
       "Make a data directory with the node's present state",
       [this](const HttpRequest& request, const HttpReply& reply) { snapshot(request, reply); },
       {}},
      {"POST",
       "/v1/reload",
       changes,
       "Read the settings again, and apply what needs no restart",
       run(control_reload),
       {}},
      {"POST",
       "/v1/log-level",
       changes,
       "Write another level of log lines until the next reload",
       run(control_log_level),
       {}},
      {"POST", "/v1/shutdown", changes, "End the node cleanly", call(&Api::shut_down), {}},
  };
}

Route::Handler Api::run(Command command) {
  CHECK(command != nullptr);
  return [this, command](const HttpRequest& request, const HttpReply& reply) {
    auto body = body_of(request);
    if (auto* refused = std::get_if<HttpResponse>(&body)) return reply(std::move(*refused));
    command(admin_, std::get<ControlJson>(body), reply_with(reply));
  };
}

Route::Handler Api::answer(ControlJson (Api::*read)() const) const {
  CHECK(read != nullptr);
  return [this, read](const HttpRequest&, const HttpReply& reply) {
    reply(json_response((this->*read)()));
  };
}

// It may take minutes, so it has a thread, of which there is one at a time.
void Api::snapshot(const HttpRequest& request, const HttpReply& reply) {
  auto body = body_of(request);
  if (auto* refused = std::get_if<HttpResponse>(&body)) return reply(std::move(*refused));
  if (is_making_snapshot_.exchange(true, std::memory_order_acq_rel)) {
    return reply(problem(503, "another snapshot is being made: try again when it is done",
                         ProblemCode::refused));
  }
  snapshot_.join();  // It is over.
  const auto error =
      snapshot_.start("", [this, json = std::get<ControlJson>(std::move(body)), reply] {
        ControlResult made;
        control_snapshot(admin_, json, [&](ControlResult result) { made = std::move(result); });
        CHECK(is_making_snapshot_.exchange(false, std::memory_order_acq_rel));
        reply_with(reply)(std::move(made));
      });
  if (!error) return;
  is_making_snapshot_.store(false, std::memory_order_release);
  reply(problem(503, "the node " + error->sentence + ": try again later"));
}

void Api::shut_down(const HttpRequest&, const HttpReply& reply) const {
  if (hooks_.shut_down == nullptr) {
    return reply(problem(501, "the program around this node ends it: stop that program",
                         ProblemCode::refused));
  }
  HttpResponse response = json_response({{"state", "draining"}});
  response.status = 202;
  reply(std::move(response));
  hooks_.shut_down();
}

}  // namespace xord
