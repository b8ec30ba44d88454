#include "tools/control/data_dir_flags.h"

#include "tools/run/configuration.h"

namespace xord {

void add_data_dir_flag(CLI::App& app, DataDirFlags& flags) {
  add_repeatable(app, "--data-dir", flags.data_dir,
                 "The node's data directory [the one that `xord run` uses]")
      ->type_name("DIR");
}

void add_json_flag(CLI::App& app, DataDirFlags& flags) {
  app.add_flag("--json", flags.json, "Print the result as JSON");
}

std::string data_dir_of(const DataDirFlags& flags, const Terminal& terminal) {
  if (!flags.data_dir.empty()) return one_value("--data-dir", flags.data_dir);
  const Environment& environment = terminal.environment;
  return build_configuration(read_file_and_environment("", environment), environment)
      .server.data_dir;
}

}  // namespace xord
