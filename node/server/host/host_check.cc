#include "node/server/host/host_check.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "node/server/host/host_memory.h"
#include "node/server/http/http_connections.h"
#include "node/server/shards/shards.h"
#include "node/server/socket/control_socket.h"
#include "reactor/base/check.h"
#include "reactor/base/lazy_array.h"
#include "reactor/thread.h"
#include "storage/rocks/rocks_threads.h"

namespace xord {
namespace {

constexpr uint32_t tables_most = 512;
constexpr uint32_t tables_least = 32;
static_assert(tables_least <= tables_most);
// Per shard besides its sockets: two doorbells, the ring or the epoll, and one spare.
constexpr uint32_t files_a_shard = 4;
// Besides its connections and listeners: a doorbell, the library's epoll and its own doorbell.
constexpr uint32_t files_of_http = 3;
// For everything else: the database's log, lists and directories while it is opened or compacts,
// the small files, name resolution.
constexpr uint32_t files_fixed = 48;
// Address space that the allocator reserves without using it, and that name service libraries take.
constexpr uint64_t addresses_spare = uint64_t{128} << 20;
// Tables have 64 MiB, and the last row of one may extend beyond that.
constexpr uint64_t file_bytes_least = uint64_t{128} << 20;

std::optional<uint64_t> limit_of(decltype(RLIMIT_AS) resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

ServerError refusal(const std::string& sentence) {
  return {ServerErrorKind::environment, sentence};
}

// Open files of this program when it is not `xord`. Without /proc: the standard ones.
uint32_t open_files() {
  uint32_t count = 0;
  std::error_code error;
  std::filesystem::directory_iterator each("/proc/self/fd", error);
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) ++count;
  return std::max(count, 3u);
}

std::optional<ServerError> check_files(HostNeeds* needs) {
  const auto limit = limit_of(RLIMIT_NOFILE);
  if (!limit) return std::nullopt;
  const uint64_t needed = open_files() + needs->files_least + tables_least;
  if (*limit < needed) {
    return refusal("the node needs " + std::to_string(needed) +
                   " file descriptors, and this process may have " + std::to_string(*limit) +
                   ": raise the limit (ulimit -n, LimitNOFILE=)");
  }
  const uint64_t tables = *limit - needed + tables_least;
  needs->tables = static_cast<uint32_t>(std::min<uint64_t>(tables, tables_most));
  CHECK(needs->tables >= tables_least);
  return std::nullopt;
}

std::optional<ServerError> check_file_size() {
  const auto limit = limit_of(RLIMIT_FSIZE);
  if (!limit || *limit >= file_bytes_least) return std::nullopt;
  return refusal("the database writes files of up to " + mebibytes(file_bytes_least) +
                 ", and this process may write " + std::to_string(*limit) +
                 " bytes to one: raise the limit (ulimit -f, LimitFSIZE=)");
}

std::optional<ServerError> check_threads(const HostNeeds& needs) {
  const uint32_t granted = startable_threads(needs.threads);
  CHECK(granted <= needs.threads);
  if (granted == needs.threads) return std::nullopt;
  return refusal(thread_error("the node needs " + std::to_string(needs.threads) +
                                  " more threads and can start " + std::to_string(granted),
                              EAGAIN)
                     .sentence +
                 ": raise the limit, or lower --shards");
}

}  // namespace

HostNeeds needs_of(const ServerConfig& config, uint64_t own_bytes) {
  CHECK(config.shards >= 1 && config.shards <= shards_max && config.memory_max > 0);
  HostNeeds needs;
  // The shards and their commit threads; the control socket and one connection; the resolver; the
  // HTTP server.
  needs.threads = 2 * config.shards + 4 + rocks_threads;
  needs.files_least =
      config.shards * (static_cast<uint32_t>(config.listen.size()) + files_a_shard) +
      control_connections_max + http_connections_max + files_of_http +
      static_cast<uint32_t>(config.admin.size()) + files_fixed;
  needs.tables = tables_most;
  needs.addresses =
      reserved_bytes(config) + own_bytes + needs.threads * thread_stack_bytes + addresses_spare;
  return needs;
}

std::optional<ServerError> check_addresses(const HostNeeds& needs, uint64_t held) {
  if (needs.addresses <= held || can_reserve(needs.addresses - held)) return std::nullopt;
  uint64_t pages = 0;  // Of the program and its libraries; left out without /proc.
  std::ifstream("/proc/self/statm") >> pages;
  const uint64_t needed =
      needs.addresses - held + pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  std::string limits;
  const auto name = [&](decltype(RLIMIT_AS) resource, const std::string& what) {
    if (const auto limit = limit_of(resource)) limits += ", " + what + mebibytes(*limit);
  };
  name(RLIMIT_AS, "ulimit -v or LimitAS=, now ");
  name(RLIMIT_DATA, "ulimit -d or LimitDATA=, now ");
  return refusal(
      "the node cannot reserve the " + mebibytes(needed) +
      " of addresses that it needs: lower memory-max, or raise the limit of the process" +
      (limits.empty() ? " or the host's (vm.overcommit_memory=2)" : " (" + limits.substr(2) + ")"));
}

std::optional<ServerError> check_host(HostNeeds* needs) {
  if (auto error = check_files(needs)) return error;
  if (auto error = check_file_size()) return error;
  if (auto error = check_addresses(*needs, 0)) return error;
  return check_threads(*needs);
}

}  // namespace xord
