// The routes of the HTTP API (docs/ADMIN.md) and their handlers. A handler asks the running server
// and never waits: what the server answers later is sent later. Commands that the control socket
// has are the same functions here (node/server/control/control_command.h). Called by the HTTP
// server's thread.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "node/server/admin/admin_port.h"
#include "node/server/config/server_hooks.h"
#include "node/server/control/control_command.h"
#include "node/server/http/router.h"
#include "node/server/live/live_feed.h"
#include "reactor/base/check.h"
#include "reactor/thread.h"

namespace xord {

class Api final : public HttpApi {
 public:
  // `admin` is borrowed until the last handler has returned. `addresses`: of the admin port.
  Api(Admin& admin, const ServerHooks& hooks, std::vector<std::string> addresses);
  // Waits for a snapshot in progress.
  ~Api() override = default;
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  std::vector<Route> routes() override;
  void tick(MonotonicTime now, HttpCounters& counters) override;

 private:
  using Command = void (*)(Admin& admin, const ControlJson& request, const ControlFinish& finish);

  // api.cc
  std::vector<Route> look_routes();
  std::vector<Route> command_routes();
  // `serve`: a member function that takes the request and the reply.
  template <class Serve>
  Route::Handler call(Serve serve) {
    CHECK(serve != nullptr);
    return [this, serve](const HttpRequest& request, const HttpReply& reply) {
      (this->*serve)(request, reply);
    };
  }
  Route::Handler run(Command command);
  Route::Handler answer(ControlJson (Api::*read)() const) const;
  void snapshot(const HttpRequest& request, const HttpReply& reply);
  void shut_down(const HttpRequest& request, const HttpReply& reply) const;

  // api_lists.cc
  std::vector<Route> list_routes();

  // api_health.cc
  std::vector<Route> health_routes() const;

  // api_status.cc
  ControlJson config() const;
  ControlJson openapi() const;

  // api_metrics.cc
  Route metrics_route() const;
  HttpResponse metrics() const;

  // api_live.cc
  std::vector<Route> live_routes();
  void events(const HttpRequest& request, const HttpReply& reply);
  void history(const HttpRequest& request, const HttpReply& reply);
  void log(const HttpRequest& request, const HttpReply& reply);

  // api_page.cc
  static std::vector<Route> page_routes();

  // api_published.cc
  std::vector<Route> published_routes();
  void published(const HttpRequest& request, const HttpReply& reply) const;
  void keep(const HttpRequest& request, const HttpReply& reply) const;
  void forget(const HttpRequest& request, const HttpReply& reply) const;

  Admin& admin_;
  const ServerHooks hooks_;
  const std::vector<std::string> addresses_;
  ControlJson openapi_;
  LiveFeed feed_;
  std::atomic<bool> is_making_snapshot_{false};
  Thread snapshot_;  // Last: joined while the rest is there.
};

// What follows is shared by the files of the API.

HttpResponse json_response(const ControlJson& json);
HttpResponse problem_of(const ControlError& error);
// The answer of /livez, /readyz or /startupz to `request`, with `report` as of `now`.
HttpResponse health_answer(HealthQuestion question, const HttpRequest& request,
                           const HealthReport& report, MonotonicTime now);
// The members of a command's request that the query says.
ControlJson from_query(const HttpRequest& request, std::initializer_list<const char*> names);
// Sends the result of a command.
ControlFinish reply_with(HttpReply reply);
// The request's body, which must be an object or empty; or what is wrong with it.
std::variant<ControlJson, HttpResponse> body_of(const HttpRequest& request);

}  // namespace xord
