// Hands the process's arguments, streams and environment to run_cli().
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "tools/cli.h"

int main(int count, char** texts) {
  std::vector<std::string> arguments;
  for (int i = 1; i < count; ++i) arguments.emplace_back(texts[i]);
  xord::Terminal terminal{std::cout, std::cerr, {}, isatty(STDERR_FILENO) == 1};
  for (char** line = environ; line != nullptr && *line != nullptr; ++line) {
    const std::string text = *line;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) {
      terminal.environment[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return static_cast<int>(xord::run_cli(arguments, terminal));
}
