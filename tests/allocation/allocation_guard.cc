#include "tests/allocation/allocation_guard.h"

#include <execinfo.h>
#include <sys/prctl.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "reactor/base/check.h"

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace xord {
namespace {

constexpr int frames_max = 32;
constexpr char shard_thread[] = "xord-shard-";

std::atomic<bool> is_watching{false};
std::atomic<uint64_t> seen{0};
// Of the first allocation seen; the thread that sets `seen` to 1 writes them.
const char* first_function = nullptr;
std::array<void*, frames_max> first_stack;
std::atomic<int> first_frames{0};

// Checked at each allocation and not cached: a thread is named only after its first ones.
bool is_shard_thread() {
  char name[16] = {};
  prctl(PR_GET_NAME, name);
  return std::strncmp(name, shard_thread, sizeof shard_thread - 1) == 0;
}

void note(const char* function) {
  if (!is_watching.load(std::memory_order_acquire) || !is_shard_thread()) return;
  if (seen.fetch_add(1, std::memory_order_relaxed) > 0) return;
  first_function = function;
  first_frames.store(backtrace(first_stack.data(), frames_max), std::memory_order_release);
}

}  // namespace

AllocationGuard::AllocationGuard() {
  CHECK(!is_watching.load(std::memory_order_relaxed));
  backtrace(first_stack.data(), frames_max);  // The first call loads a library, which allocates.
  seen.store(0, std::memory_order_relaxed);
  first_frames.store(0, std::memory_order_relaxed);
  is_watching.store(true, std::memory_order_release);
}

AllocationGuard::~AllocationGuard() {
  is_watching.store(false, std::memory_order_release);
}

uint64_t AllocationGuard::count() const {
  return seen.load(std::memory_order_relaxed);
}

std::string AllocationGuard::first() const {
  const int frames = first_frames.load(std::memory_order_acquire);
  if (frames == 0) return {};
  std::string text = std::string(first_function) + " called from (addr2line -Cpfe says where):\n";
  char** symbols = backtrace_symbols(first_stack.data(), frames);
  for (int i = 0; symbols != nullptr && i < frames; ++i) text += std::string(symbols[i]) + '\n';
  std::free(symbols);
  return text;
}

}  // namespace xord

extern "C" {

void* malloc(size_t size) {
  xord::note("malloc");
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  xord::note("calloc");
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  xord::note("realloc");
  return __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) {
  xord::note("memalign");
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  xord::note("aligned_alloc");
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  xord::note("posix_memalign");
  void* memory = __libc_memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}

}  // extern "C"

// The array and nothrow forms of the standard library call these two.
void* operator new(size_t size) {
  xord::note("operator new");
  void* memory = __libc_malloc(size > 0 ? size : 1);
  CHECK(memory != nullptr);
  return memory;
}
void* operator new(size_t size, std::align_val_t alignment) {
  xord::note("operator new");
  void* memory = __libc_memalign(static_cast<size_t>(alignment), size);
  CHECK(memory != nullptr);
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
