#include "node/server/http/problem.h"

#include <nlohmann/json.hpp>

#include "reactor/base/check.h"

namespace xord {
namespace {

// RFC 9110 section 15, of those that we send.
std::string_view phrase_of(uint16_t status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return status < 500 ? "Refused" : "Failed";
  }
}

}  // namespace

HttpResponse problem(uint16_t status, std::string_view detail, ProblemCode code) {
  CHECK(status >= 400 && status <= 599);
  const nlohmann::ordered_json body = {{"title", phrase_of(status)},
                                       {"status", status},
                                       {"detail", detail},
                                       {"code", static_cast<uint32_t>(code)}};
  HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return response;
}

HttpResponse problem(uint16_t status, std::string_view detail) {
  return problem(status, detail, status < 500 ? ProblemCode::usage : ProblemCode::environment);
}

}  // namespace xord
