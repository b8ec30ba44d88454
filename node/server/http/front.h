// What stands before every route: the rules of access, then the table of routes. It serves what
// passes both and answers the rest. Fixed after construction; used by the server's thread.
#pragma once

#include "node/server/http/access.h"
#include "node/server/http/http_message.h"
#include "node/server/http/router.h"

namespace xord {

class HttpFront {
 public:
  HttpFront(AccessRules rules, std::vector<Route> routes);

  void serve(HttpRequest request, const HttpReply& reply) const;

 private:
  AccessRules rules_;
  Router router_;
};

}  // namespace xord
