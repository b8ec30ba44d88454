// A file that a command writes, as cp would: a link is followed; a device, a FIFO or a terminal is
// opened and written; a regular file is there as a whole or not at all. For that it is written to a
// temporary file beside it, which takes its place, its mode and, where that is allowed, its owner.
// Opening a FIFO waits for its reader.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace xord {

class OutputFile {
 public:
  // `mode` is that of a file that is not there yet, less the umask. Failure (environment) here and
  // below when it cannot be written; (interrupted) by a signal while a FIFO has no reader.
  explicit OutputFile(const std::string& path, mode_t mode = 0666);
  // Removes what was not finished.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void append(std::string_view text);
  // All of it is on disk, under its name.
  void finish();

 private:
  void open_as_it_is(int descriptor);
  void open_temporary(mode_t mode);
  void keep_mode_and_owner();
  [[noreturn]] void fail(const char* what) const;

  const std::string path_;  // As it was given.
  std::string target_;      // Behind all links.
  std::string temporary_;   // Empty: written in place.
  std::FILE* file_ = nullptr;
};

}  // namespace xord
