// Rules of the lazy array.
#include "reactor/base/lazy_array.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace xord {
namespace {

// Of this process, in bytes (proc_pid_statm(5)).
uint64_t resident() {
  uint64_t pages_mapped = 0;
  uint64_t pages_resident = 0;
  std::ifstream("/proc/self/statm") >> pages_mapped >> pages_resident;
  return pages_resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST(LazyArray, EveryElementBeginsAsZero) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{1000}, size_t{1} << 20}) {
    for (const Filled filled : {Filled::anywhere, Filled::from_the_beginning}) {
      const LazyArray<uint64_t> numbers(count, filled);
      ASSERT_EQ(numbers.size(), count);
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(numbers[i], 0u);
    }
  }
}

TEST(LazyArray, BeginsAtACacheLine) {
  for (const size_t count : {size_t{3}, size_t{100}, size_t{1} << 20}) {
    const LazyArray<uint8_t> bytes(count);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes.data()) % 64, 0u);
  }
}

TEST(LazyArray, TakesMemoryAsItIsTouched) {
  constexpr size_t size = size_t{256} << 20;
  constexpr uint64_t slack = 16 << 20;  // What else this process may take meanwhile.
  const uint64_t before = resident();
  LazyArray<uint8_t> bytes(size);
  EXPECT_LT(resident(), before + slack);
  for (size_t i = 0; i < size; i += 4096) bytes[i] = 1;
  EXPECT_GT(resident(), before + size - slack);
}

}  // namespace
}  // namespace xord
