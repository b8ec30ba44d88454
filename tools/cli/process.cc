#include "tools/cli/process.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "reactor/standard_descriptors.h"
#include "reactor/thread.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

constexpr rlim_t stack_wanted = 8 << 20;
constexpr rlim_t stack_least = 256 << 10;  // With less, the process refuses to run.
constexpr rlim_t files_wanted = 8192;      // More than a node with 64 shards opens.
static_assert(stack_least <= stack_wanted);

// Raises the soft limit of `resource` towards `wanted`, as far as the hard limit allows; returns
// the limit reached, or `wanted` if it was higher already.
rlim_t raise(decltype(RLIMIT_STACK) resource, rlim_t wanted) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur >= wanted) return wanted;
  const rlimit raised{std::min(wanted, limit.rlim_max), limit.rlim_max};
  return setrlimit(resource, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

bool is_limited(decltype(RLIMIT_AS) resource) {
  rlimit limit{};
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

// RocksDB's threads get the default stack size, which glibc takes from RLIMIT_STACK: with a limit
// of 64 KiB they would crash, with one of a terabyte they could not start.
void set_stack_of_threads() {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  if (pthread_attr_setstacksize(&attributes, thread_stack_bytes) == 0) {
    pthread_setattr_default_np(&attributes);
  }
  pthread_attr_destroy(&attributes);
}

[[noreturn]] void end_with(std::string_view sentence) {
  // Not a stream, which might allocate.
  (void)!write(STDERR_FILENO, sentence.data(), sentence.size());
  _exit(static_cast<int>(ExitCode::environment));
}

// Runs for an uncaught exception on any thread, including RocksDB's own. Acknowledged records are
// on disk, and no clean shutdown is possible without memory.
[[noreturn]] void on_terminate() {
  if (const std::exception_ptr uncaught = std::current_exception()) {
    try {
      std::rethrow_exception(uncaught);
    } catch (const std::bad_alloc&) {
      end_with(
          "xord: out of memory: raise the limit of the process (ulimit -v) or give it less "
          "to do, such as a lower --memory-max.\n");
    } catch (const std::system_error& error) {
      if (error.code() == std::errc::resource_unavailable_try_again) {
        end_with(
            "xord: no more threads: raise the limit of this user's processes (ulimit -u) or "
            "of the container (pids.max).\n");
      }
    } catch (...) {
      // A bug of ours: abort() leaves a core file.
    }
  }
  std::abort();
}

}  // namespace

void prepare_process() {
  fill_standard_descriptors();
  std::signal(SIGXFSZ, SIG_IGN);  // A write beyond the file size limit then just fails.
  std::set_terminate(on_terminate);
  raise(RLIMIT_NOFILE, files_wanted);
  // The first thread's stack grows up to the limit while it runs.
  const rlim_t stack = raise(RLIMIT_STACK, stack_wanted);
  if (stack < stack_least) {
    throw Failure(ExitCode::environment, "this process may have a stack of " +
                                             std::to_string(stack >> 10) + " KiB and needs " +
                                             std::to_string(stack_least >> 10) +
                                             " KiB: raise the limit (ulimit -s, LimitSTACK=)");
  }
  set_stack_of_threads();
  // Each thread's arena reserves 64 MiB of address space; if that is limited, all threads share
  // one.
  if (is_limited(RLIMIT_AS) || is_limited(RLIMIT_DATA)) mallopt(M_ARENA_MAX, 1);
}

}  // namespace xord
