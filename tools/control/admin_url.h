// The admin port of a node (docs/ADMIN.md) as --admin names it.
#pragma once

#include <string>

#include "node/server/names/resolve.h"

namespace xord {

struct AdminUrl {
  std::string path;  // Of a Unix socket; empty: TCP, to `host`.
  HostPort host;

  bool operator==(const AdminUrl&) const = default;
  bool is_unix() const { return !path.empty(); }
  // "http://127.0.0.1:8470" or "unix:/run/xord/admin", which parse_admin_url() reads back.
  std::string text() const;
  // For the field Host.
  std::string host_field() const;
};

// Parses http://HOST[:PORT], the same without http://, or unix:PATH. HOST is as for a node
// (tools/cli/node_address.h); without a port, it is 8470. Failure (usage) on anything else, such as
// https, a path, or a user's name, with what to write instead.
AdminUrl parse_admin_url(const std::string& text);

}  // namespace xord
