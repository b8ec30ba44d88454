// A program run by a test: its standard output is read through a pipe, its standard error goes to a
// file. Killed and waited for, by its own pid, when the object is destroyed; also killed when the
// test dies.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "reactor/base/check.h"
#include "tests/die_with_parent.h"

namespace xord {

class ChildProcess {
 public:
  ChildProcess(const std::vector<std::string>& arguments, const std::string& error_file)
      : error_file_(error_file) {
    int output[2];
    CHECK(pipe2(output, O_CLOEXEC) == 0);
    const int errors = open(error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CHECK(errors >= 0);
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.data()));
    argv.push_back(nullptr);
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) {
      die_with_parent();
      dup2(output[1], 1);
      dup2(errors, 2);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(output[1]);
    close(errors);
    output_ = fdopen(output[0], "r");
  }
  ~ChildProcess() {
    kill(SIGKILL);
    wait();
    fclose(output_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next line of its output without the newline; empty at the end. Waits for it.
  std::string read_line() {
    char line[4096];
    if (fgets(line, sizeof line, output_) == nullptr) return {};
    std::string text = line;
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  void kill(int signal) {
    if (pid_ > 0) ::kill(pid_, signal);
  }
  // Its exit code, or 128 plus the signal that ended it. Waits for its end.
  int wait() {
    if (pid_ <= 0) return code_;
    int status = 0;
    CHECK(waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return code_;
  }
  // What it has written to standard error, for messages of failed expectations.
  std::string errors() const {
    std::ifstream file(error_file_);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  std::string error_file_;
  pid_t pid_ = -1;
  int code_ = -1;
  FILE* output_ = nullptr;
};

}  // namespace xord
