// What a program that is started with closed standard descriptors finds there.
#include "reactor/standard_descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace xord {
namespace {

// In a process of its own, so that the test keeps its output.
bool holds_in_child(const std::function<bool()>& check) {
  const pid_t child = fork();
  if (child == 0) _exit(check() ? 0 : 1);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int mode_of(int number) {
  const int flags = fcntl(number, F_GETFL);
  return flags < 0 ? -1 : flags & O_ACCMODE;
}

TEST(StandardDescriptors, TheClosedOnesAreTakenAndFailWhenUsed) {
  EXPECT_TRUE(holds_in_child([] {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(number);
    fill_standard_descriptors();
    char byte = 0;
    return mode_of(STDIN_FILENO) == O_WRONLY && mode_of(STDOUT_FILENO) == O_RDONLY &&
           mode_of(STDERR_FILENO) == O_RDONLY && read(STDIN_FILENO, &byte, 1) < 0 &&
           write(STDOUT_FILENO, &byte, 1) < 0 && write(STDERR_FILENO, &byte, 1) < 0;
  }));
}

TEST(StandardDescriptors, WhatIsOpenedNextIsNoneOfThem) {
  for (const int closed : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    EXPECT_TRUE(holds_in_child([&] {
      close(closed);
      fill_standard_descriptors();
      return open("/dev/null", O_RDONLY) > STDERR_FILENO;
    })) << closed;
  }
}

TEST(StandardDescriptors, TheOpenOnesStayAsTheyAre) {
  EXPECT_TRUE(holds_in_child([] {
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0) return false;
    close(STDIN_FILENO);
    fill_standard_descriptors();
    char byte = 'x';
    return write(STDOUT_FILENO, &byte, 1) == 1 && read(ends[0], &byte, 1) == 1;
  }));
}

}  // namespace
}  // namespace xord
