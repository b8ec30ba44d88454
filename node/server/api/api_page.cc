// The page: its files at fixed paths, from the program itself.
#include <string>

#include "node/server/api/api.h"
#include "node/server/page/page_files.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// Whether the client has this version: If-None-Match is a list of ETags, or "*".
bool has_it(const HttpRequest& request, std::string_view etag) {
  CHECK(etag.size() > 2 && etag.starts_with('"') && etag.ends_with('"'));
  const std::string& known = request.if_none_match;
  return known == "*" || known.find(etag) != std::string::npos;
}

HttpResponse answer_with(const PageFile& file, const HttpRequest& request) {
  HttpResponse response;
  response.content_type = file.content_type;
  response.fields.push_back({"ETag", std::string(file.etag)});
  response.fields.push_back({"Cache-Control", "no-cache"});  // Ask each time whether it changed.
  if (has_it(request, file.etag)) {
    response.status = 304;
  } else {
    response.body = file.content;
  }
  return response;
}

}  // namespace

std::vector<Route> Api::page_routes() {
  std::vector<Route> routes;
  for (const PageFile& file : page_files()) {
    Route route;
    route.method = "GET";
    route.pattern = file.path;
    route.summary = file.path == "/" ? "The page of the node" : "A file of the page";
    route.handle = [&file](const HttpRequest& request, const HttpReply& reply) {
      reply(answer_with(file, request));
    };
    route.content_type = file.content_type;
    routes.push_back(std::move(route));
  }
  CHECK(!routes.empty());
  return routes;
}

}  // namespace xord
