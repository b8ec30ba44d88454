#include "reactor/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

namespace xord {

void fill_standard_descriptors() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (fcntl(number, F_GETFD) >= 0) continue;
    // Opened the wrong way round: reading or writing must fail, not appear to succeed.
    int opened = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (opened < 0) opened = open("/", O_PATH);  // A container without /dev.
    // Another thread of the program may have been given the number meanwhile.
    if (opened > STDERR_FILENO) close(opened);
  }
}

}  // namespace xord
