#include "tools/cli/command_table.h"

#include <algorithm>
#include <vector>

#include "tools/cli/suggest.h"

namespace xord {

std::string list_of(std::span<const Command> commands) {
  size_t width = 0;
  for (const Command& command : commands) width = std::max(width, command.name.size());
  std::string text;
  for (const Command& command : commands) {
    const std::string name(command.name);
    text += "  " + name + std::string(width + 3 - name.size(), ' ') + std::string(command.summary) +
            "\n";
  }
  return text;
}

const Command& find_command(const std::string& name, std::span<const Command> commands,
                            const std::string& program) {
  std::vector<std::string_view> words = {"--help"};
  if (program == "xord") words.push_back("--version");
  for (const Command& command : commands) {
    if (command.name == name) return command;
    words.push_back(command.name);
  }
  const auto meant = program == "xord" ? command_meant_by_habit(name) : std::nullopt;
  const std::string fix =
      meant ? "; perhaps you mean `xord " + *meant + "`" : suggestion(name, words);
  const bool is_flag = !name.empty() && name[0] == '-';
  throw Failure(ExitCode::usage, (is_flag ? "the flag " : "the command ") + name + " is not known" +
                                     (fix.empty() ? "; see `" + program + " --help`" : fix));
}

}  // namespace xord
