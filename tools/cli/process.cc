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
constexpr rlim_t stack_least = 256 << 10;  // Less is refused with a sentence.
constexpr rlim_t files_wanted = 8192;      // More than a node of 64 shards has open.

// The soft limit of `resource`, raised to `wanted` as far as the hard one lets it.
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

// RocksDB's threads take the default, which glibc reads from RLIMIT_STACK: a limit of 64 KiB would
// make them crash, one of a terabyte would keep them from starting.
void set_stack_of_threads() {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  if (pthread_attr_setstacksize(&attributes, thread_stack_bytes) == 0) {
    pthread_setattr_default_np(&attributes);
  }
  pthread_attr_destroy(&attributes);
}

[[noreturn]] void end_with(std::string_view sentence) {
  // Not a stream: that might allocate.
  (void)!write(STDERR_FILENO, sentence.data(), sentence.size());
  _exit(static_cast<int>(ExitCode::environment));
}

// For an exception on a thread that nobody catches, RocksDB's own among them. What was acknowledged
// is on disk, and no orderly end is possible without memory.
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
      // Our bug: abort() leaves a core behind.
    }
  }
  std::abort();
}

}  // namespace

void prepare_process() {
  fill_standard_descriptors();
  std::signal(SIGXFSZ, SIG_IGN);  // A file that may not grow is a write that fails.
  std::set_terminate(on_terminate);
  raise(RLIMIT_NOFILE, files_wanted);
  // The first thread's stack grows as far as the limit says while it runs.
  const rlim_t stack = raise(RLIMIT_STACK, stack_wanted);
  if (stack < stack_least) {
    throw Failure(ExitCode::environment, "this process may have a stack of " +
                                             std::to_string(stack >> 10) + " KiB and needs " +
                                             std::to_string(stack_least >> 10) +
                                             " KiB: raise the limit (ulimit -s, LimitSTACK=)");
  }
  set_stack_of_threads();
  // Each thread's arena reserves 64 MiB of addresses: where they are few, all share one.
  if (is_limited(RLIMIT_AS) || is_limited(RLIMIT_DATA)) mallopt(M_ARENA_MAX, 1);
}

}  // namespace xord
