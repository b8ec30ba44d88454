#include "node/server/calls/results.h"

#include <iterator>

#include "reactor/base/check.h"

namespace xord {

std::string_view name_of(ServerStatus status) {
  constexpr std::string_view names[] = {"done",    "not_found",    "not_stored",  "no_contacts",
                                        "refused", "unacceptable", "bad_address", "stopped"};
  static_assert(std::size(names) == static_cast<size_t>(ServerStatus::stopped) + 1);
  CHECK(static_cast<size_t>(status) < std::size(names));
  return names[static_cast<size_t>(status)];
}

}  // namespace xord
