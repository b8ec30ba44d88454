#include "node/server/http/access.h"

#include <sodium.h>

#include <algorithm>
#include <cctype>

#include "node/server/http/problem.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool is_ours(const AccessRules& rules, const HttpRequest& request) {
  const std::string name = host_name(request.host);
  if (name == "localhost") return true;
  if (std::find(rules.hosts.begin(), rules.hosts.end(), name) != rules.hosts.end()) return true;
  const auto address = IpAddress::parse(name);
  return address && *address == request.local;
}

// The time does not depend on where they differ, so that a token cannot be guessed byte by byte.
bool is_same_secret(std::string_view a, std::string_view b) {
  CHECK(!a.empty() || !b.empty());  // No token is not a token.
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool has_token(const AccessRules& rules, const HttpRequest& request) {
  constexpr std::string_view scheme = "bearer ";
  const std::string& field = request.authorization;
  if (rules.token.empty() || lower(field.substr(0, scheme.size())) != scheme) return false;
  return is_same_secret(std::string_view(field).substr(scheme.size()), rules.token);
}

// The media type without its parameters.
bool is_json(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  const size_t end = type.find_last_not_of(' ');
  return lower(type.substr(0, end == std::string_view::npos ? 0 : end + 1)) == "application/json";
}

HttpResponse refusal(HttpCount counter, uint16_t status, const std::string& sentence,
                     ProblemCode code) {
  HttpResponse response = problem(status, sentence, code);
  CHECK(counter < HttpCount::count);
  response.refused_as = counter;
  return response;
}

HttpResponse without_token(const AccessRules& rules, const std::string& what) {
  if (rules.token.empty()) {
    return refusal(HttpCount::requests_unauthorized, 403,
                   what +
                       ", and this node has none: use its Unix socket, or give it an "
                       "admin-token-file",
                   ProblemCode::refused);
  }
  HttpResponse response =
      refusal(HttpCount::requests_unauthorized, 401,
              what + ": send `Authorization: Bearer` and what is in the admin-token-file",
              ProblemCode::refused);
  response.fields.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

}  // namespace

std::string host_name(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t bracket = host.find(']');
    return bracket == std::string_view::npos ? "" : lower(host.substr(1, bracket - 1));
  }
  return lower(host.substr(0, host.find(':')));
}

std::optional<HttpResponse> refuse_header(const AccessRules& rules, const HttpRequest& request) {
  const bool is_local = request.source == HttpSource::unix_socket;  // Its file keeps others out.
  if (!is_local && !is_ours(rules, request)) {
    return refusal(HttpCount::requests_wrong_host, 421,
                   "the Host \"" + request.host +
                       "\" is not this node: use the address that it listens on, or name the "
                       "host in admin-hosts",
                   ProblemCode::usage);
  }
  const std::string origin = lower(request.origin);
  const std::string host = lower(request.host);
  if (origin.empty() || origin == "http://" + host || origin == "https://" + host) {
    return std::nullopt;
  }
  return refusal(
      HttpCount::requests_wrong_origin, 403,
      "pages of \"" + request.origin + "\" may not use this node: open the node's own page",
      ProblemCode::refused);
}

std::optional<HttpResponse> refuse_use(const AccessRules& rules, const HttpRequest& request,
                                       RouteAccess access) {
  if (request.source != HttpSource::unix_socket && !has_token(rules, request)) {
    if (access == RouteAccess::changes) {
      return without_token(rules, "a change over TCP needs a token");
    }
    const bool is_free = access == RouteAccess::open && rules.is_open;
    if (request.source == HttpSource::other && !is_free) {
      return without_token(rules, "a request from another host needs a token");
    }
  }
  if (access == RouteAccess::changes && !is_json(request.content_type)) {
    return refusal(HttpCount::requests_wrong_type, 415,
                   "a change needs the header `Content-Type: application/json`: send it, also "
                   "where there is no body",
                   ProblemCode::usage);
  }
  return std::nullopt;
}

std::vector<HttpField> security_fields(std::string_view content_type) {
  std::vector<HttpField> fields = {{"X-Content-Type-Options", "nosniff"},
                                   {"Referrer-Policy", "no-referrer"}};
  if (content_type.starts_with("text/html")) {
    fields.push_back({"Content-Security-Policy",
                      "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
                      "form-action 'none'"});
  }
  return fields;
}

}  // namespace xord
