#include "tools/sim/programs.h"

#include "reactor/base/check.h"
#include "tools/sim/draw.h"
#include "tools/sim/python_node.h"

namespace xord::sim {
namespace {

constexpr uint32_t first_address = 0x0ac00001;
constexpr uint16_t port = 8469;  // The port in the library's examples.

}  // namespace

Programs::Programs(World& world, Operations& operations, Workload& workload,
                   const ProgramOptions& options, uint32_t servers)
    : world_(world),
      operations_(operations),
      workload_(workload),
      options_(options),
      servers_(servers),
      rng_(world.rng("programs")) {
  CHECK(options.bootstraps_max >= 1);
}

void Programs::run_until(Instant until) {
  until_ = until;
  world_.repeat(rng_, options_.every, [this] {
    if (world_.now() > until_) return false;
    come();
    return true;
  });
}

std::vector<Endpoint> Programs::bootstraps() {
  CHECK(servers_ <= world_.hosts_count());
  std::vector<Endpoint> endpoints;
  const uint32_t count = between(rng_, 1u, options_.bootstraps_max);
  for (uint32_t attempt = 0; attempt < 64 && endpoints.size() < count; ++attempt) {
    const Host& host = world_.host(static_cast<uint32_t>(rng_.bounded(servers_)));
    const bool is_there =
        std::find(endpoints.begin(), endpoints.end(), host.endpoint) != endpoints.end();
    if (host.node != nullptr && !is_there) endpoints.push_back(host.endpoint);
  }
  return endpoints;
}

void Programs::come() {
  const std::vector<Endpoint> endpoints = bootstraps();
  if (endpoints.empty()) return;
  const uint32_t host = world_.add_host(
      HostKind::program, Endpoint::ipv4(first_address + world_.hosts_count(), port), 1, 0);
  world_.start(host, std::make_unique<PythonNode>(host, world_.host(host).id,
                                                  world_.rng("program" + std::to_string(host)),
                                                  world_.local_now(host), world_));
  ++stats_.bootstraps.begun;
  operations_.join(host, endpoints, [this, host](const Outcome& outcome) {
    stats_.bootstraps.add(outcome);
    stats_.bootstraps.right += outcome.is_done();
    work(host);
  });
}

// Goes on whatever the bootstrap resulted in, as the examples do.
void Programs::work(uint32_t host) {
  const auto ended = [this, host] { leave(host); };
  const bool is_begun = rng_.chance(options_.gets_share)
                            ? workload_.get_as(host, stats_.gets, ended)
                            : workload_.set_as(host, stats_.sets, ended);
  if (!is_begun) leave(host);
}

void Programs::leave(uint32_t host) {
  CHECK(world_.host(host).kind == HostKind::program && world_.host(host).is_up());
  world_.plan(between(rng_, Duration{}, options_.linger_max),
              [this, host] { world_.crash(host, Storage::lost); });
}

}  // namespace xord::sim
