// A contact: an id with the endpoint at which its node is, or is said to be, reachable.
#pragma once

#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"

namespace xord {

struct Contact {
  Id id;
  Endpoint endpoint;

  bool operator==(const Contact&) const = default;
};
static_assert(sizeof(Contact) == 44);

}  // namespace xord
