#include "reactor/udp_backend.h"

#include "reactor/epoll_backend.h"
#include "reactor/uring_backend.h"

namespace xord {

std::optional<IoError> choose_backend(IoChoice choice, const BackendOptions& options,
                                      const ShardSockets& sockets, const Doorbell& doorbell,
                                      IoCounters& counters, ChosenBackend* out) {
  if (choice != IoChoice::epoll) {
    auto refused = make_uring_backend(options, sockets, doorbell, counters, &out->backend);
    if (!refused || choice == IoChoice::uring) return refused;
    out->fallback_because = refused->sentence;
  }
  return make_epoll_backend(sockets, doorbell, counters, &out->backend);
}

}  // namespace xord
