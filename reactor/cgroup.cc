#include "reactor/cgroup.h"

#include <charconv>
#include <fstream>
#include <functional>
#include <sstream>

namespace xord {
namespace {

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

// Version 1: two files; a quota of -1 means no limit.
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

// "max" means no limit, as does the largest number of pages, which version 1 writes for it.
std::optional<uint64_t> read_limit(const std::string& path) {
  constexpr uint64_t unlimited = uint64_t{1} << 60;
  const auto line = read_line(path);
  if (!line) return std::nullopt;
  uint64_t value = 0;
  const char* last = line->data() + line->size();
  const auto [end, error] = std::from_chars(line->data(), last, value);
  if (error != std::errc() || end != last || value >= unlimited) return std::nullopt;
  return value;
}

bool names(const std::string& controllers, const std::string& wanted) {
  std::istringstream list(controllers);
  for (std::string controller; std::getline(list, controller, ',');) {
    if (controller == wanted) return true;
  }
  return false;
}

// A parent's limit binds its children. In a container the group may be named as the host sees it
// while the mount begins at the container: its own limit is then found at the mount itself.
void visit_group_and_parents(const std::string& mount, std::string group,
                             const std::function<void(const std::string&)>& visit) {
  for (;;) {
    visit(mount + group);
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return;
    group.resize(slash);
  }
}

struct Visitors {
  std::function<void(const std::string& folder)> version_2;
  std::function<void(const std::string& folder)> version_1;
};

// /proc/self/cgroup has lines "0::/group" (version 2) and "4:cpu,cpuacct:/group" (version 1).
void visit_groups(const std::string& root, const std::string& controller,
                  const Visitors& visitors) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    if (group == "/") group.clear();
    if (controllers.empty()) {
      visit_group_and_parents(root + "/sys/fs/cgroup", group, visitors.version_2);
    } else if (names(controllers, controller)) {
      visit_group_and_parents(root + "/sys/fs/cgroup/" + controller, group, visitors.version_1);
    }
  }
}

}  // namespace

std::optional<GroupLimitFound> group_limit(GroupLimit which, const std::string& root) {
  const bool is_memory = which == GroupLimit::memory;
  std::optional<GroupLimitFound> smallest;
  const auto take = [&](const std::string& path) {
    const auto value = read_limit(path);
    if (value && (!smallest || *value < smallest->value)) smallest = {*value, path};
  };
  visit_groups(
      root, is_memory ? "memory" : "pids",
      {[&](const std::string& folder) { take(folder + (is_memory ? "/memory.max" : "/pids.max")); },
       [&](const std::string& folder) {
         take(folder + (is_memory ? "/memory.limit_in_bytes" : "/pids.max"));
       }});
  return smallest;
}

// "MemTotal:       24684448 kB"
std::optional<GroupLimitFound> granted_memory(const std::string& root) {
  std::optional<GroupLimitFound> granted = group_limit(GroupLimit::memory, root);
  const std::string path = root + "/proc/meminfo";
  std::istringstream words(read_line(path).value_or(""));
  std::string name;
  uint64_t kibibytes = 0;
  if (!(words >> name >> kibibytes) || name != "MemTotal:") return granted;
  if (!granted || kibibytes * 1024 < granted->value) granted = {kibibytes * 1024, path};
  return granted;
}

std::optional<double> group_cpu_quota(const std::string& root) {
  std::optional<double> smallest;
  const auto take = [&](std::optional<double> quota) {
    if (quota && (!smallest || *quota < *smallest)) smallest = quota;
  };
  visit_groups(root, "cpu",
               {[&](const std::string& folder) { take(quota_of_version_2(folder)); },
                [&](const std::string& folder) { take(quota_of_version_1(folder)); }});
  return smallest;
}

}  // namespace xord
