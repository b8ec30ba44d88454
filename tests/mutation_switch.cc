#include "tests/mutation_switch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

namespace {

struct Choice {
  int number = 0;
  unsigned char* reached = nullptr;  // Mapped from the file, and shared with all processes.

  Choice() noexcept {
    if (const char* text = std::getenv("XORD_MUTANT")) number = std::atoi(text);
    const char* path = std::getenv("XORD_MUTANTS_REACHED");
    const int file = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    const auto size = static_cast<size_t>(::lseek(file, 0, SEEK_END));
    void* bytes = ::mmap(nullptr, size, PROT_WRITE, MAP_SHARED, file, 0);
    if (bytes != MAP_FAILED) reached = static_cast<unsigned char*>(bytes);
    ::close(file);
  }
};

const Choice& choice() noexcept {
  static const Choice made;
  return made;
}

// Before a test lowers the limit on descriptors or memory.
[[gnu::constructor]] void choose_early() {
  choice();
}

}  // namespace

bool xord_mutant(int number) noexcept {
  const Choice& made = choice();
  if (made.reached != nullptr) __atomic_store_n(&made.reached[number], 1, __ATOMIC_RELAXED);
  return made.number == number;
}
