#include "node/server/admin/admin_port.h"

#include <cerrno>
#include <utility>

#include "node/server/http/token_file.h"
#include "reactor/base/check.h"

namespace xord {

AdminPort::AdminPort()
    : server_([this](HttpRequest request, const HttpReply& reply) {
        CHECK(front_ != nullptr);
        front_->serve(std::move(request), reply);
      }) {
  server_.set_tick([this](MonotonicTime now, HttpCounters& counters) {
    CHECK(api_ != nullptr);
    api_->tick(now, counters);
  });
}

AdminPort::~AdminPort() {
  stop();
}

std::variant<AccessRules, ServerError> AdminPort::rules_of(const ServerConfig& config) {
  AccessRules rules;
  rules.is_open = config.admin_is_open;
  for (const std::string& host : config.admin_hosts) {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    rules.hosts.push_back(host_name(is_ipv6 ? "[" + host + "]" : host));
  }
  if (config.admin_token_file.empty()) return rules;
  auto token = read_token_file(config.admin_token_file);
  if (const auto* error = std::get_if<IoError>(&token)) {
    return ServerError{ServerErrorKind::environment, error->sentence};
  }
  rules.token = std::get<std::string>(std::move(token));
  return rules;
}

void AdminPort::set_rules(AccessRules rules) {
  CHECK(front_ != nullptr);
  front_->set_rules(std::move(rules));
}

std::optional<ServerError> AdminPort::open(const ServerConfig& config) {
  CHECK(api_ == nullptr && addresses_.empty());
  auto rules = rules_of(config);
  if (auto* error = std::get_if<ServerError>(&rules)) return std::move(*error);
  rules_ = std::get<AccessRules>(std::move(rules));
  for (const AdminAddress& address : config.admin) {
    if (auto error = listen(address)) return error;
  }
  return std::nullopt;
}

std::optional<ServerError> AdminPort::listen(const AdminAddress& address) {
  CHECK(addresses_.size() < admin_addresses_max);
  const bool is_unix = !address.path.empty();
  auto opened = is_unix ? HttpListener::open(address.path) : HttpListener::open(address.endpoint);
  if (auto* listener = std::get_if<HttpListener>(&opened)) {
    addresses_.push_back(is_unix ? "unix:" + listener->path() : listener->endpoint().text());
    server_.listen(std::move(*listener));
    return std::nullopt;
  }
  const auto& error = std::get<IoError>(opened);
  if (!address.is_optional) return ServerError{ServerErrorKind::environment, error.sentence};
  // A host without IPv6 has no [::1], and nothing is amiss.
  const bool is_absent = error.error_number == EADDRNOTAVAIL || error.error_number == EAFNOSUPPORT;
  if (is_absent) return std::nullopt;
  if (taken_.empty()) taken_because_ = error.sentence;
  taken_.push_back(address.endpoint.text());
  return std::nullopt;
}

std::optional<IoError> AdminPort::start(std::unique_ptr<HttpApi> api) {
  CHECK(api != nullptr && api_ == nullptr && front_ == nullptr);
  api_ = std::move(api);
  front_ = std::make_unique<HttpFront>(rules_, api_->routes());
  return server_.start();
}

void AdminPort::stop() {
  server_.stop();
}

}  // namespace xord
