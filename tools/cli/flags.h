// Command lines with CLI11, whose errors are turned into one sentence with a suggestion.
#pragma once

#include <CLI/CLI.hpp>

#include <span>
#include <string>
#include <vector>

#include "tools/cli/terminal.h"

namespace xord {

using Arguments = std::span<const std::string>;  // Without the program's and the command's name.

enum class Parsed : uint8_t { to_be_run, help_shown };

// Parses `arguments` into the options of `app`, which is named "xord COMMAND". Prints the help and
// says so when it was asked for. Failure (usage) on an unknown flag, a flag without its value, or
// too many arguments. What is missing is for the caller to find out.
Parsed parse_flags(CLI::App& app, Arguments arguments, Terminal& terminal);

// An option whose every occurrence takes exactly one value, whatever that begins with.
CLI::Option* add_repeatable(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                            const std::string& help);

// A positional argument, for which `text` is empty when it was not given. Its type name, if set, is
// what the usage line shows: "[FILE]".
CLI::Option* add_argument(CLI::App& app, const std::string& name, std::vector<std::string>& text,
                          const std::string& help);

// The argument's text. Failure (usage) when it was not given.
std::string required(const CLI::App& app, const std::string& name,
                     const std::vector<std::string>& text);

// Failure (usage).
[[noreturn]] void refuse(const std::string& sentence);
// The value of a flag that is to be given once; `otherwise` when it was not given. Failure (usage)
// when it is there more than once.
std::string one_value(const std::string& flag, const std::vector<std::string>& texts,
                      const std::string& otherwise = "");

}  // namespace xord
