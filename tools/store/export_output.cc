#include "tools/store/export_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "reactor/io_error.h"
#include "tools/failure.h"

namespace xord {

ExportOutput::ExportOutput(const std::string& path, Terminal& terminal)
    : terminal_(terminal), path_(path), part_(path + ".part") {
  if (path == "-") return;
  // Values may be anybody's secrets: nobody else reads the file unless its owner says so.
  const int descriptor = open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor >= 0) file_ = fdopen(descriptor, "w");
  if (file_ == nullptr) fail("cannot write ");
}

ExportOutput::~ExportOutput() {
  if (is_stdout()) return;
  std::fclose(file_);
  unlink(part_.c_str());
}

void ExportOutput::fail(const char* what) {
  throw Failure(
      ExitCode::environment,
      io_error(what + part_ + " (is there room, and the right to write?)", errno).sentence);
}

void ExportOutput::append(const std::string& lines) {
  if (is_stdout()) {
    terminal_.out << lines;
    if (terminal_.out) return;
    throw Failure(ExitCode::environment, "stdout cannot be written: make room or give it a reader");
  }
  if (std::fwrite(lines.data(), 1, lines.size(), file_) != lines.size()) fail("cannot write ");
}

void ExportOutput::finish() {
  if (is_stdout()) return;
  if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0) fail("cannot write ");
  if (rename(part_.c_str(), path_.c_str()) != 0) fail("cannot rename ");
}

}  // namespace xord
