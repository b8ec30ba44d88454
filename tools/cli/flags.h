// Parses command lines with CLI11, whose errors become one sentence with a suggestion.
#pragma once

#include <CLI/CLI.hpp>

#include <span>
#include <string>
#include <vector>

#include "tools/cli/terminal.h"

namespace xord {

using Arguments = std::span<const std::string>;  // Without the program's and the command's name.

enum class Parsed : uint8_t { to_be_run, help_shown };

// Parses `arguments` into the options of `app`, which is named "xord COMMAND". If the help was
// asked for, prints it and returns help_shown. Failure (usage) on an unknown flag, a flag without
// its value, or too many arguments. The caller checks for missing arguments.
Parsed parse_flags(CLI::App& app, Arguments arguments, Terminal& terminal);

// Adds an option that takes exactly one value at each occurrence, whatever the value begins with.
CLI::Option* add_repeatable(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                            const std::string& help);

// Adds a positional argument; `text` stays empty if it is not given. Its type name, if set, is what
// the usage line shows: "[FILE]".
CLI::Option* add_argument(CLI::App& app, const std::string& name, std::vector<std::string>& text,
                          const std::string& help);

// Returns the argument's text. Failure (usage) if it was not given.
std::string required(const CLI::App& app, const std::string& name,
                     const std::vector<std::string>& text);

// Throws Failure (usage).
[[noreturn]] void refuse(const std::string& sentence);
// Returns the value of a flag that may be given once, or `otherwise` if it was not given. Failure
// (usage) if it was given more than once.
std::string one_value(const std::string& flag, const std::vector<std::string>& texts,
                      const std::string& otherwise = "");

}  // namespace xord
