// Where an export goes: a file that is there as a whole or not at all, or the standard output.
#pragma once

#include <cstdio>
#include <string>

#include "tools/terminal.h"

namespace xord {

class ExportOutput {
 public:
  // "-" is the standard output. A file is written as FILE.part first; one that is there is replaced
  // at the end. Failure (environment) here and below when it cannot be written.
  ExportOutput(const std::string& path, Terminal& terminal);
  ~ExportOutput();  // Removes what was not finished.
  ExportOutput(const ExportOutput&) = delete;
  ExportOutput& operator=(const ExportOutput&) = delete;

  void append(const std::string& lines);
  // All of it is on disk, under its name.
  void finish();

 private:
  [[noreturn]] void fail(const char* what);
  bool is_stdout() const { return file_ == nullptr; }

  Terminal& terminal_;
  const std::string path_;
  const std::string part_;
  std::FILE* file_ = nullptr;
};

}  // namespace xord
