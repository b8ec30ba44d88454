// `xord run`: gathers settings from all sources into one ServerConfig, and prints or serves it.
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "node/server/admin/admin_port.h"
#include "node/server/config/config_check.h"
#include "node/server/host/host_memory.h"
#include "reactor/base/printable.h"
#include "reactor/cores.h"
#include "tools/cli/commands.h"
#include "tools/cli/version.h"
#include "tools/run/configuration.h"
#include "tools/run/serve.h"

namespace xord {
namespace {

// The texts of the flags: one list for each of settings().
struct RunFlags {
  std::vector<std::vector<std::string>> texts =
      std::vector<std::vector<std::string>>(settings().size());
  std::vector<std::string> config;
  bool print_config = false;
  bool check_config = false;
};

std::string help_of(const Setting& setting) {
  std::string help(setting.help);
  const ServerConfig defaults = default_config();
  std::string shown;
  for (const std::string& text : setting.show(defaults))
    shown += (shown.empty() ? "" : ", ") + text;
  if (setting.name == "data-dir") shown = "$XDG_DATA_HOME/xord or ~/.local/share/xord";
  if (shown.empty() || setting.arity == Arity::yes_or_no) return help;
  return help + " [" + shown + "]";
}

void add_flags(CLI::App& app, RunFlags& flags) {
  const auto all = settings();
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string name = "--" + std::string(all[i].name);
    if (all[i].arity == Arity::yes_or_no) {
      app.add_flag_callback(
          name, [&flags, i] { flags.texts[i] = {"true"}; }, help_of(all[i]));
      continue;
    }
    add_repeatable(app, name, flags.texts[i], help_of(all[i]))
        ->type_name(std::string(all[i].placeholder));
  }
  add_repeatable(
      app, "--config", flags.config,
      "Read settings from this TOML file [/etc/xord/xord.toml or ~/.config/xord/xord.toml]")
      ->type_name("FILE");
  app.add_flag("--print-config", flags.print_config,
               "Print every setting, and where it came from, as a config file; run nothing");
  app.add_flag("--check-config", flags.check_config,
               "Say what a start would refuse, and run nothing; exit code 0 or 2");
  app.footer(
      "A flag overrides the environment variable of its name (--data-dir: XORD_DATA_DIR; lists\n"
      "separated by commas), which overrides the config file (data-dir = \"...\"), which\n"
      "overrides the default in brackets. SIGTERM or Ctrl-C stops the node cleanly; SIGHUP makes\n"
      "it read its settings again; SIGUSR1 logs its counters.");
}

std::vector<Given> gather(const RunFlags& flags, const Environment& environment) {
  std::vector<Given> given =
      read_file_and_environment(one_value("--config", flags.config), environment);
  const auto all = settings();
  for (size_t i = 0; i < all.size(); ++i) {
    if (flags.texts[i].empty()) continue;
    const std::string flag = "--" + std::string(all[i].name);
    std::vector<std::string> texts = flags.texts[i];
    if (all[i].arity == Arity::one) texts = {one_value(flag, texts)};
    given.push_back({&all[i], texts, flag, "flag " + flag});
  }
  return given;
}

// With what the API says about it.
ServerConfig shown(Configuration configuration) {
  configuration.server.settings = shown_settings(configuration);
  configuration.server.version = version_text();
  return std::move(configuration.server);
}

// What a start would refuse before it touches anything.
template <class Read>
ExitCode check(const Read& read) {
  std::optional<std::string> fault;
  const auto note = [&fault](const ServerError& error) { fault = error.sentence; };
  try {
    const ServerConfig config = read().server;
    const auto fitted = fit_memory(config, allowed_cores().shards, granted_memory());
    const auto rules = AdminPort::rules_of(config);
    if (const auto error = check_config(config)) {
      note(*error);
    } else if (const auto* too_large = std::get_if<ServerError>(&fitted)) {
      note(*too_large);
    } else if (const auto* without_token = std::get_if<ServerError>(&rules)) {
      note(*without_token);
    }
  } catch (const Failure& failure) {
    fault = failure.what();
  }
  if (fault) throw Failure(ExitCode::usage, *fault);
  return ExitCode::done;
}

// A comment for --print-config: which file was read, or would have been.
std::string describe_config_file(const RunFlags& flags, const Environment& environment) {
  std::string path = one_value("--config", flags.config);
  if (path.empty()) path = variable(environment, "XORD_CONFIG");
  if (!path.empty()) return "# config file: " + printable(path) + "\n";
  path = default_config_path(environment);
  if (path.empty()) return "# config file: none\n";
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(path, ignored);
  return "# config file: " + printable(path) + (is_there ? "" : " (absent)") + "\n";
}

}  // namespace

ExitCode run_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Run a node: join a network, keep records, answer requests.", "xord run");
  RunFlags flags;
  add_flags(app, flags);
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const auto read = [flags, environment = terminal.environment] {
    return build_configuration(gather(flags, environment), environment);
  };
  if (flags.check_config) return check(read);
  Configuration configuration = read();
  if (flags.print_config) {
    explain_memory(configuration, granted_memory());
    terminal.out << print_configuration(configuration)
                 << describe_config_file(flags, terminal.environment);
    return ExitCode::done;
  }
  return serve(shown(configuration), [read] { return shown(read()); });
}

}  // namespace xord
