#include "tools/store/store_flags.h"

#include <cerrno>

#include "tools/configuration.h"
#include "tools/failure.h"

namespace xord {

void add_data_dir_flag(CLI::App& app, StoreFlags& flags) {
  add_repeatable(app, "--data-dir", flags.data_dir,
                 "The node's data directory [the one that `xord run` uses]")
      ->type_name("DIR");
}

void add_json_flag(CLI::App& app, StoreFlags& flags) {
  app.add_flag("--json", flags.json, "Print the result as JSON");
}

std::string data_dir_of(const StoreFlags& flags, const Terminal& terminal) {
  if (!flags.data_dir.empty()) return one_value("--data-dir", flags.data_dir);
  const Environment& environment = terminal.environment;
  return build_configuration(read_file_and_environment("", environment), environment)
      .server.data_dir;
}

namespace {

std::unique_ptr<DataDirectory> open(const std::string& path, bool may_be_held) {
  auto opened = DataDirectory::open_to_read(path);
  if (const auto* error = std::get_if<IoError>(&opened)) {
    if (error->error_number == EWOULDBLOCK && may_be_held) return nullptr;
    throw Failure(ExitCode::environment, error->sentence);
  }
  return std::move(std::get<std::unique_ptr<DataDirectory>>(opened));
}

}  // namespace

std::unique_ptr<DataDirectory> open_unless_held(const std::string& path) {
  return open(path, true);
}

std::unique_ptr<DataDirectory> open_stopped(const std::string& path) {
  return open(path, false);
}

}  // namespace xord
