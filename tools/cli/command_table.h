// A table of commands by name, for `xord` and, below it, `xord store`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tools/cli/failure.h"
#include "tools/cli/flags.h"
#include "tools/cli/terminal.h"

namespace xord {

struct Command {
  std::string_view name;
  std::string_view summary;
  ExitCode (*run)(Arguments, Terminal&);
};

// One line for each command, as the help shows them.
std::string list_of(std::span<const Command> commands);
// Returns the command of that name. Failure (usage) if there is none, with a suggestion of what was
// probably meant; `program` is the text before the name ("xord store").
const Command& find_command(const std::string& name, std::span<const Command> commands,
                            const std::string& program);

}  // namespace xord
