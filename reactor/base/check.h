// CHECK: an assertion about our own code that holds in every build. A peer's input never reaches
// one; a failed CHECK is our bug, prints where and what, and aborts. DCHECK is for assertions too
// expensive for the datagram path: debug and sanitizer builds only.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace xord::internal {
[[noreturn]] inline void check_failed(const char* file, int line, const char* claim) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, claim);
  std::abort();
}
// Not our bug, and beyond our control: memory that was available at start (can_reserve() of
// reactor/base/lazy_array.h) has been taken by others since, or a simulated network is too large.
[[noreturn]] inline void out_of_memory(size_t bytes) {
  std::fprintf(stderr,
               "xord: out of memory: %zu bytes cannot be reserved; raise the limit of the process "
               "(ulimit -v) or give it less to do.\n",
               bytes);
  std::_Exit(4);
}
}  // namespace xord::internal

#define CHECK(claim)                               \
  (static_cast<bool>(claim) ? static_cast<void>(0) \
                            : ::xord::internal::check_failed(__FILE__, __LINE__, #claim))
#ifdef NDEBUG
#define DCHECK(claim) static_cast<void>(0)
#else
#define DCHECK(claim) CHECK(claim)
#endif
