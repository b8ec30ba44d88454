#include "tools/cli/cli.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <vector>

#include "reactor/base/printable.h"
#include "tools/cli/commands.h"
#include "tools/cli/version.h"

namespace xord {
namespace {

constexpr std::array<Command, 21> table = {{
    {"run", "Run a node: join a network, keep records, answer requests", run_command},
    {"set", "Store a value under a key", set_command},
    {"get", "Print the value of a key", get_command},
    {"find", "List the nodes nearest to a key", find_command},
    {"ping", "Check whether a node is up", ping_command},
    {"load", "Put a node under load and measure how it answers", load_command},
    {"published", "List the keys that the node of this host publishes again each day",
     published_command},
    {"forget", "Stop the node on this host from publishing a key", forget_command},
    {"limits", "Show who takes how much of the node of this host, and who is limited",
     limits_command},
    {"explain", "Tell whether the node of this host serves an address, and why not",
     explain_command},
    {"contacts", "List the nodes in the routing table of the node of this host", contacts_command},
    {"records", "List the records that the node of this host holds", records_command},
    {"health", "Tell whether the node of this host is ready, and why not", health_command},
    {"status", "Show what the node of this host is, and how it does", status_command},
    {"stats", "Show what the node of this host has counted, or how fast", stats_command},
    {"reload", "Make the node of this host read its settings again", reload_command},
    {"loglevel", "Choose how much the node of this host logs", loglevel_command},
    {"stop", "End the node of this host, and wait for its end", stop_command},
    {"top", "Watch the node of this host at work, once a second", top_command},
    {"store", "Inspect, check, export, import, purge or save a node's records", store_command},
    {"sim", "Simulate a whole network and check that it behaves", sim_command},
}};

// The array is as long as its list.
static_assert(std::all_of(table.begin(), table.end(),
                          [](const Command& each) { return !each.name.empty(); }));

constexpr std::string_view examples = R"(
Try, in two terminals:
  xord run                  a node of your own, on port 8468
  xord set greeting hello   store a value through it
  xord get greeting         and read it back

A second machine joins with `xord run --bootstrap FIRST-MACHINE`. Programs that use the Python
`kademlia` library are part of the same network. `--via HOST[:PORT]`, or XORD_VIA, names a
node to ask instead of the one on this host.

`xord COMMAND --help` explains a command; `xord --version` says what was built, and what this
machine's kernel allows.
Exit codes: 0 done, 1 not found or refused, 2 usage or config, 3 no answer from the network,
4 the environment (port taken, directory locked, no permission).
)";

std::string help() {
  return "xord: a node of a Kademlia network, and commands that talk to one\n\n"
         "Usage: xord COMMAND [ARGUMENTS]\n\nCommands:\n" +
         list_of(table) + std::string(examples);
}

ExitCode dispatch(Arguments arguments, Terminal& terminal) {
  if (arguments.empty()) {
    terminal.err << help();
    return ExitCode::usage;
  }
  const std::string& word = arguments[0];
  if (word == "--help" || word == "-h" || (word == "help" && arguments.size() == 1)) {
    terminal.out << help();
    return ExitCode::done;
  }
  if (word == "--version" || word == "version" || word == "-V" || word == "-v") {
    terminal.out << version_report();
    return ExitCode::done;
  }
  const bool asks_help = word == "help";  // `xord help run` is `xord run --help`.
  const std::vector<std::string> help_flag = {"--help"};
  const Command& command = find_command(asks_help ? arguments[1] : word, table, "xord");
  return command.run(asks_help ? Arguments(help_flag) : arguments.subspan(1), terminal);
}

}  // namespace

std::span<const Command> commands() {
  return table;
}

ExitCode run_cli(Arguments arguments, Terminal& terminal) {
  try {
    const ExitCode code = dispatch(arguments, terminal);
    terminal.out.flush();
    if (terminal.out) return code;
    throw Failure(ExitCode::environment,
                  "cannot write to stdout: the disk is full, or nothing reads the pipe");
  } catch (const Failure& failure) {
    terminal.err << "xord: " << printable(failure.what()) << ".\n";
    return failure.code();
  } catch (const std::bad_alloc&) {
    terminal.err << "xord: out of memory: raise the limit of the process (ulimit -v) or ask for "
                    "less.\n";
    return ExitCode::environment;
  } catch (const std::exception& error) {
    terminal.err << "xord: " << printable(error.what()) << ".\n";
    return ExitCode::environment;
  }
}

}  // namespace xord
