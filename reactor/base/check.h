// CHECK: a claim about our own code that holds in every build. A peer's input never reaches one; a
// failed CHECK is our bug, prints where and what, and aborts. DCHECK is for claims too dear for the
// datagram path: debug and sanitizer builds only.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace xord::internal {
[[noreturn]] inline void check_failed(const char* file, int line, const char* claim) {
  std::fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, claim);
  std::abort();
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
