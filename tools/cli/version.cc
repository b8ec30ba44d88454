#include "tools/cli/version.h"

#include <memory>

#include "reactor/doorbell.h"
#include "reactor/udp_backend.h"

namespace xord {
namespace {

// Creates the backend and destroys it. Without a socket it does nothing, and a kernel that refuses
// the backend refuses it here.
std::string try_backend(IoChoice choice) {
  const ShardSockets no_sockets;
  const Doorbell doorbell;
  if (const auto error = doorbell.error()) return error->sentence;
  IoCounters counters;
  ChosenBackend chosen;
  const auto error = choose_backend(choice, {}, no_sockets, doorbell, counters, &chosen);
  return error ? "not available here: " + error->sentence : "available";
}

}  // namespace

std::string version_text() {
  const std::string commit = XORD_COMMIT;
  return XORD_VERSION + (commit.empty() ? "" : " (commit " + commit + ")");
}

std::string version_report() {
  return "xord " + version_text() + "\n" + "io_uring: " + try_backend(IoChoice::uring) + "\n" +
         "epoll: " + try_backend(IoChoice::epoll) + "\n";
}

}  // namespace xord
