// What stands before every route: the rules of access, then the table of routes. It serves what
// passes both and answers the rest. The table is fixed; the rules may be changed while it serves.
// Used by the server's thread, but for set_rules().
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "node/server/http/access.h"
#include "node/server/http/answer_counts.h"
#include "node/server/http/http_message.h"
#include "node/server/http/router.h"

namespace xord {

class HttpFront {
 public:
  HttpFront(AccessRules rules, std::vector<Route> routes);

  // Any thread: for the requests that follow.
  void set_rules(AccessRules rules);
  void serve(HttpRequest request, const HttpReply& to) const;
  // Any thread. What a route answers later is counted when it does.
  std::vector<AnswerCount> answers() const { return answers_->read(); }

 private:
  // `reply`, which also counts.
  HttpReply counted(std::string_view path, const HttpReply& reply) const;
  std::shared_ptr<const AccessRules> rules() const;

  mutable std::mutex mutex_;  // Guards the pointer; held only to copy it.
  std::shared_ptr<const AccessRules> rules_;
  Router router_;
  std::shared_ptr<AnswerCounts> answers_;  // Shared with replies that are still to come.
};

}  // namespace xord
