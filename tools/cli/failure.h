// How a command ends: its exit code, and Failure, which code in tools/ throws to end the command
// with one sentence on stderr. Exceptions stop at run_cli(); the layers below tools/ throw none.
#pragma once

#include <stdexcept>
#include <string>

namespace xord {

enum class ExitCode : int {
  done = 0,
  not_found = 1,      // Not found, or refused by the network.
  usage = 2,          // A flag, argument or configuration is wrong. Nothing was sent.
  no_answer = 3,      // No node on the network answered.
  environment = 4,    // Port taken, directory locked, no permission.
  interrupted = 130,  // By SIGINT or SIGTERM, as shells number it; client commands only.
};

class Failure : public std::runtime_error {
 public:
  // `sentence` names what is wrong and says what to do; no trailing full stop is needed.
  Failure(ExitCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

}  // namespace xord
