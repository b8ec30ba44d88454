#include "reactor/cores.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <utility>

#include "reactor/base/check.h"
#include "reactor/cgroup.h"
#include "reactor/sockets.h"

namespace xord {
namespace {

constexpr uint32_t cpus_max = 4096;  // A mask of 512 bytes: more than any host has.

std::vector<uint32_t> cpus_in_mask() {
  std::vector<uint32_t> cpus;
  const size_t size = CPU_ALLOC_SIZE(cpus_max);
  cpu_set_t* mask = CPU_ALLOC(cpus_max);
  if (sched_getaffinity(0, size, mask) == 0) {
    for (uint32_t cpu = 0; cpu < cpus_max; ++cpu) {
      if (CPU_ISSET_S(cpu, size, mask)) cpus.push_back(cpu);
    }
  }
  CPU_FREE(mask);
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

Pinning pin_this_thread(uint32_t cpu) {
  const size_t size = CPU_ALLOC_SIZE(cpus_max);
  cpu_set_t* mask = CPU_ALLOC(cpus_max);
  CPU_ZERO_S(size, mask);
  if (cpu < cpus_max) CPU_SET_S(cpu, size, mask);
  const int refused = pthread_setaffinity_np(pthread_self(), size, mask);
  CPU_FREE(mask);
  return refused == 0 ? Pinning::pinned : Pinning::floating;
}

}  // namespace

AllowedCores allowed_cores(const std::string& root) {
  AllowedCores allowed;
  allowed.cpus = cpus_in_mask();
  allowed.quota = group_cpu_quota(root);
  double shards = static_cast<double>(std::min<size_t>(allowed.cpus.size(), shards_max));
  if (allowed.quota) shards = std::clamp(*allowed.quota, 1.0, shards);
  allowed.shards = static_cast<uint32_t>(shards);
  return allowed;
}

uint32_t core_of(uint32_t shard, const std::vector<uint32_t>& cpus) {
  CHECK(shard < shards_max && !cpus.empty());
  return cpus[shard % cpus.size()];
}

std::optional<IoError> ShardThread::start(const std::string& name, uint32_t cpu,
                                          std::function<void(Pinning)> body) {
  return thread_.start(name, [cpu, body = std::move(body)] { body(pin_this_thread(cpu)); });
}

}  // namespace xord
