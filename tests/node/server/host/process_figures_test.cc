// What a process reads of itself: the format of proc(5), and that its figures follow what it does.
#include "node/server/host/process_figures.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "reactor/monotonic.h"

namespace xord {
namespace {

const std::string boot = "cpu  1 2 3\nintr 5\nctxt 6\nbtime 1700000000\nprocesses 7\n";
// The state is word 3; 14 and 15 are the times, 22 the start, 23 and 24 the memory.
const std::string stat =
    "4242 (xord) S 1 4242 4242 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 12345 987654321 678 "
    "18446744073709551615 1 1\n";

TEST(ProcessFigures, AProcessIsParsedAsProcSays) {
  const auto figures = parse_process(stat, boot, 100, 4096);
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->cpu_seconds, 3.0);
  EXPECT_EQ(figures->start_seconds, 1'700'000'123.45);
  EXPECT_EQ(figures->virtual_bytes, 987'654'321u);
  EXPECT_EQ(figures->resident_bytes, 678u * 4096);
}

TEST(ProcessFigures, TheNameOfAProgramMayHoldSpacesAndBrackets) {
  std::string odd = stat;
  odd.replace(odd.find("(xord)"), 6, "(a) b (c 1 2)");
  const auto figures = parse_process(odd, boot, 100, 4096);
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->cpu_seconds, 3.0);
}

TEST(ProcessFigures, WhatIsNotThatFormatIsRefused) {
  std::string not_a_number = stat;
  not_a_number.replace(not_a_number.find(" 250 "), 5, " -25 ");
  for (const std::string& text : {std::string(), std::string("4242 xord S 1"),
                                  stat.substr(0, stat.find(" 678")), not_a_number}) {
    EXPECT_FALSE(parse_process(text, boot, 100, 4096)) << text;
  }
  for (const std::string& text :
       {std::string(), std::string("cpu 1\n"), std::string("\nbtime \n")}) {
    EXPECT_FALSE(parse_process(stat, text, 100, 4096)) << text;
  }
}

TEST(ProcessFigures, ThisProcessIsShownAsItIs) {
  const auto before = process_figures();
  ASSERT_TRUE(before);
  EXPECT_GT(before->resident_bytes, 1u << 20);
  EXPECT_GT(before->virtual_bytes, before->resident_bytes);
  EXPECT_LE(before->start_seconds, wall_time().seconds() + 2) << "the boot time is rounded";
  EXPECT_GT(before->start_seconds, 1.6e9);
  EXPECT_GE(before->descriptors_max, before->descriptors);
  std::vector<int> open_files;
  for (int i = 0; i < 5; ++i) open_files.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  constexpr size_t more = 32 << 20;  // From the kernel: malloc may have some that it got before.
  void* const memory =
      mmap(nullptr, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 'x', more);
  const auto after = process_figures();
  munmap(memory, more);
  for (const int file : open_files) close(file);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->descriptors, before->descriptors + 5);
  EXPECT_GE(after->virtual_bytes, before->virtual_bytes);
  EXPECT_GE(after->resident_bytes + (1 << 20), before->resident_bytes + more);
  EXPECT_EQ(after->start_seconds, before->start_seconds);
  EXPECT_GE(after->cpu_seconds, before->cpu_seconds);
}

}  // namespace
}  // namespace xord
