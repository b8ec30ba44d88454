#include "reactor/entropy.h"

#include <sys/random.h>

#include <cerrno>

#include "reactor/base/check.h"

namespace xord {

void fill_with_entropy(MutableBytes out) {
  while (!out.empty()) {
    const ssize_t filled = getrandom(out.data(), out.size(), 0);
    if (filled < 0 && errno == EINTR) continue;
    CHECK(filled > 0);
    out = out.subspan(static_cast<size_t>(filled));
  }
}

uint64_t entropy_word() {
  uint8_t bytes[sizeof(uint64_t)];
  fill_with_entropy(bytes);
  return load_le<uint64_t>(bytes);
}

}  // namespace xord
