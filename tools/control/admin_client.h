// Asks a node over its admin port, by the HTTP API: a connection for each request.
#pragma once

#include <string>

#include "tools/control/admin_url.h"
#include "tools/control/node_client.h"

namespace xord {

class AdminClient final : public NodeClient {
 public:
  // `token` is sent with each request, unless it is empty.
  AdminClient(AdminUrl url, std::string token);

 private:
  Json answer(const Json& request, Duration timeout) override;
  [[noreturn]] void refuse(uint32_t status, const Json& problem) const;

  const AdminUrl url_;
  const std::string token_;
};

}  // namespace xord
