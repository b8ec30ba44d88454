// A table of commands by name: what `xord` dispatches by, and `xord store` below it.
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

// A line for each, as the help shows them.
std::string list_of(std::span<const Command> commands);
// The command of that name. Failure (usage) when there is none, with what was probably meant;
// `program` is what stands before it ("xord store").
const Command& find_command(const std::string& name, std::span<const Command> commands,
                            const std::string& program);

}  // namespace xord
