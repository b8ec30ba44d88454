#include "tools/control/admin_client.h"

#include <utility>

#include "reactor/base/check.h"
#include "tools/control/admin_routes.h"
#include "tools/control/admin_socket.h"
#include "tools/control/node_answer.h"

namespace xord {

AdminClient::AdminClient(AdminUrl url, std::string token)
    : url_(std::move(url)), token_(std::move(token)) {}

NodeClient::Json AdminClient::answer(const Json& request, Duration timeout) {
  using enum HttpHead::State;
  CHECK(timeout > Duration{});
  const Deadline deadline(timeout);
  const NodeSocket socket = connect_to_admin(url_, deadline);
  socket.send(request_text(admin_ask_of(request), url_.host_field(), token_));
  HttpHead head;
  std::string text;
  while (socket.receive(text, deadline)) {
    if (head.state == incomplete) head = read_http_head(text);
    if (head.state == not_http) fail_not_http(url_);
  }
  if (head.state != whole) socket.fail_hung_up();
  text.erase(0, head.size);
  const Json answer = parse_answer(text);
  if (head.status < 200 || head.status > 299) refuse(head.status, answer);
  if (!answer.is_object()) fail_not_understood();
  return answer;
}

void AdminClient::refuse(uint32_t status, const Json& problem) const {
  constexpr uint32_t unauthorized = 401;
  CHECK(status < 200 || status > 299);
  const std::string node = "the node at " + url_.text();
  if (status == unauthorized && token_.empty()) {
    throw Failure(ExitCode::not_found,
                  node + " wants a token: name the file that has it by --admin-token-file");
  }
  if (status == unauthorized) {
    throw Failure(ExitCode::not_found, node +
                                           " has another token: name the file that its setting "
                                           "admin-token-file names, or a copy of it");
  }
  throw_refusal(problem, "detail");
  throw Failure(ExitCode::environment,
                "what answers at " + url_.text() + " says " + std::to_string(status) +
                    ", and not as a node does; it may not be the node's admin port");
}

}  // namespace xord
