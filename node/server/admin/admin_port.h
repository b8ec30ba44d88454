// The admin port of a node (docs/ADMIN.md): the HTTP server with its addresses, the rules of access
// and the routes of the API that it is given. Also serves what the control socket hands over, so it
// runs without any address, too.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "node/server/config/server_config.h"
#include "node/server/config/server_error.h"
#include "node/server/http/front.h"
#include "node/server/http/http_server.h"
#include "node/server/http/router.h"

namespace xord {

// What an admin port serves; called by the HTTP server's thread.
class HttpApi {
 public:
  virtual ~HttpApi() = default;
  // All of them. They refer to this object.
  virtual std::vector<Route> routes() = 0;
  // Call it once a second, by the thread that calls the handlers.
  virtual void tick(MonotonicTime now, HttpCounters& counters) = 0;
};

class AdminPort {
 public:
  AdminPort();
  ~AdminPort();  // stop(), and waits for a snapshot in progress.
  AdminPort(const AdminPort&) = delete;
  AdminPort& operator=(const AdminPort&) = delete;

  // Reads the token file and binds the addresses of `config`, which was checked. An address that is
  // taken is an error unless it is optional.
  [[nodiscard]] std::optional<ServerError> open(const ServerConfig& config);
  // Who may ask what, by `config`; reads the token file.
  static std::variant<AccessRules, ServerError> rules_of(const ServerConfig& config);
  // Any thread, after start(): other rules from now on.
  void set_rules(AccessRules rules);
  // Serves `api` from now on.
  [[nodiscard]] std::optional<IoError> start(std::unique_ptr<HttpApi> api);
  // Returns when no request is being handled; those that wait were answered. Harmless if called
  // again.
  void stop();

  void adopt(int socket) { server_.adopt(socket); }  // By any thread, between start() and the end.

  // After open(): where it listens, with real ports; a Unix socket as "unix:PATH".
  const std::vector<std::string>& addresses() const { return addresses_; }
  // The optional addresses that are taken, and why the first of them is; empty: none.
  const std::vector<std::string>& taken() const { return taken_; }
  const std::string& taken_because() const { return taken_because_; }
  const HttpCounters& counters() const { return server_.counters(); }
  std::vector<AnswerCount> answers() const { return front_->answers(); }  // After start().

 private:
  std::optional<ServerError> listen(const AdminAddress& address);

  AccessRules rules_;
  std::unique_ptr<HttpApi> api_;
  std::unique_ptr<HttpFront> front_;
  HttpServer server_;
  std::vector<std::string> addresses_;
  std::vector<std::string> taken_;
  std::string taken_because_;
};

}  // namespace xord
