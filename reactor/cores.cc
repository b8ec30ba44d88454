#include "reactor/cores.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

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

std::optional<std::string> read_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

// Version 2, cpu.max: "200000 100000" (quota and period in microseconds) or "max 100000".
std::optional<double> quota_of_version_2(const std::string& folder) {
  const auto line = read_line(folder + "/cpu.max");
  double quota = 0;
  double period = 0;
  if (!line || !(std::istringstream(*line) >> quota >> period) || period <= 0) return std::nullopt;
  return quota / period;
}

// Version 1: two files; a quota of -1 is none.
std::optional<double> quota_of_version_1(const std::string& folder) {
  const auto quota_line = read_line(folder + "/cpu.cfs_quota_us");
  const auto period_line = read_line(folder + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  if (!quota_line || !(std::istringstream(*quota_line) >> quota) || quota <= 0) return std::nullopt;
  if (!period_line || !(std::istringstream(*period_line) >> period) || period <= 0) {
    return std::nullopt;
  }
  return quota / period;
}

template <class Read>
void take_smallest(const std::string& mount, std::string group, Read read,
                   std::optional<double>* smallest) {
  // A parent's quota binds its children. In a container the group may be named as the host sees it
  // while the mount begins at the container: its own quota is then found at the mount itself.
  for (;;) {
    const std::optional<double> quota = read(mount + group);
    if (quota && (!*smallest || *quota < **smallest)) *smallest = quota;
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return;
    group.resize(slash);
  }
}

bool names_cpu(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string controller; std::getline(list, controller, ',');) {
    if (controller == "cpu") return true;
  }
  return false;
}

// /proc/self/cgroup has lines "0::/group" (version 2) and "4:cpu,cpuacct:/group" (version 1).
std::optional<double> cgroup_quota(const std::string& root) {
  std::optional<double> smallest;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    if (group == "/") group.clear();
    if (controllers.empty()) {
      take_smallest(root + "/sys/fs/cgroup", group, quota_of_version_2, &smallest);
    } else if (names_cpu(controllers)) {
      take_smallest(root + "/sys/fs/cgroup/cpu", group, quota_of_version_1, &smallest);
    }
  }
  return smallest;
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
  allowed.quota = cgroup_quota(root);
  double shards = static_cast<double>(std::min<size_t>(allowed.cpus.size(), shards_max));
  if (allowed.quota) shards = std::clamp(*allowed.quota, 1.0, shards);
  allowed.shards = static_cast<uint32_t>(shards);
  return allowed;
}

ShardThread::ShardThread(const std::string& name, uint32_t cpu, std::function<void(Pinning)> body)
    : thread_([name = name.substr(0, 15), cpu, body = std::move(body)] {
        pthread_setname_np(pthread_self(), name.c_str());
        body(pin_this_thread(cpu));
      }) {}

void ShardThread::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace xord
