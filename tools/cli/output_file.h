// A file that a command writes, with the semantics of cp: a link is followed; a device, a FIFO or a
// terminal is opened and written; a regular file appears whole or not at all. To that end it is
// written to a temporary file beside it, which then takes its place, its mode and, where allowed,
// its owner. Opening a FIFO waits for its reader.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace xord {

class OutputFile {
 public:
  // `mode` is used for a new file, less the umask. Here and below: Failure (environment) if the
  // file cannot be written, (interrupted) on a signal while a FIFO has no reader.
  explicit OutputFile(const std::string& path, mode_t mode = 0666);
  // Removes an unfinished file.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void append(std::string_view text);
  // Returns when everything is on disk under the file's name.
  void finish();

 private:
  void open_as_it_is(int descriptor);
  void open_temporary(mode_t mode);
  void keep_mode_and_owner();
  [[noreturn]] void fail(const char* what) const;

  const std::string path_;  // As given.
  std::string target_;      // After following all links.
  std::string temporary_;   // Empty: written in place.
  std::FILE* file_ = nullptr;
};

}  // namespace xord
