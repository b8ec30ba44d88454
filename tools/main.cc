// Prepares the process, and hands its arguments, streams and environment to run_cli(). Output to a
// terminal passes a filter; a pipe or a file gets every byte unchanged.
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "tools/cli/cli.h"
#include "tools/cli/failure.h"
#include "tools/cli/process.h"
#include "tools/cli/terminal_filter.h"

namespace {

using CarriageReturn = xord::TerminalFilter::CarriageReturn;

// The buffer of `stream`, or `filter` if `descriptor` is a terminal.
std::streambuf* buffer_for(const std::ostream& stream, int descriptor,
                           xord::TerminalFilter& filter) {
  return isatty(descriptor) == 1 ? static_cast<std::streambuf*>(&filter) : stream.rdbuf();
}

}  // namespace

int main(int count, char** texts) {
  try {
    xord::prepare_process();
  } catch (const xord::Failure& failure) {
    std::cerr << "xord: " << failure.what() << ".\n";
    return static_cast<int>(failure.code());
  }
  std::vector<std::string> arguments;
  for (int i = 1; i < count; ++i) arguments.emplace_back(texts[i]);
  xord::TerminalFilter out_filter(std::cout.rdbuf(), CarriageReturn::escaped);
  xord::TerminalFilter err_filter(std::cerr.rdbuf(), CarriageReturn::passes);
  std::ostream out(buffer_for(std::cout, STDOUT_FILENO, out_filter));
  std::ostream err(buffer_for(std::cerr, STDERR_FILENO, err_filter));
  err << std::unitbuf;
  err.tie(&out);
  xord::Terminal terminal{out, err, {}, isatty(STDERR_FILENO) == 1, isatty(STDOUT_FILENO) == 1};
  for (char** line = environ; line != nullptr && *line != nullptr; ++line) {
    const std::string text = *line;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) {
      terminal.environment[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return static_cast<int>(xord::run_cli(arguments, terminal));
}
